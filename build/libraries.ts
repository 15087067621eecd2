/** The shared libraries that programs load at their start, and the Debian packages that they come from. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Elf, readElf } from './elf.ts'
import { PLATFORMS, PROCESSOR, TRIPLE } from './platform.ts'
import { which } from './progress.ts'

export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
}

/** An element of the list that build/packages.ts leaves in a folder, for packages of another processor. */
export interface UnpackedPackage extends DebianPackage {
  /** Full paths, as on a machine that has it installed. */
  readonly files: readonly string[]
}
export const PACKAGE_LIST = 'packages.json'

/** Where libraries are taken from. */
export interface LibrarySource {
  /** Their paths lie below it; '' for the machine itself. */
  readonly root: string
  /** The package that brought a file, by its path below the root; undefined where Debian's tools know of none. */
  packageOf(path: string): DebianPackage | undefined
}

export interface SharedLibrary {
  /** In the image, relative. */
  readonly path: string
  readonly content: Buffer
  readonly elf: Elf
  readonly package: DebianPackage | undefined
}

/** Those of the machine itself. */
export function ownLibraries(): LibrarySource {
  return { root: '', packageOf: which('dpkg-query') === undefined ? () => undefined : installedPackageOf }
}

/** Those of packages that build/packages.ts has unpacked into a folder. */
export function unpackedLibraries(folder: string): LibrarySource {
  const packages = JSON.parse(readFileSync(join(folder, PACKAGE_LIST), 'utf8')) as UnpackedPackage[]
  return { root: folder, packageOf: (path) => packages.find(({ files }) => files.includes(path)) }
}

/** What programs and libraries load at their start, the loader included, sorted by path. */
export function sharedLibraries(programs: readonly Buffer[], source: LibrarySource): SharedLibrary[] {
  const found = new Map<string, SharedLibrary>()
  const open = programs.map(readElf)
  // The loader is also needed as a library, and lies where programs name it.
  const loaders = open.flatMap(({ interpreter }) => interpreter ?? [])
  for (let elf: Elf | undefined = open[0]; elf !== undefined; elf = open.shift()) {
    for (const name of [...loaders, ...elf.needed]) {
      if (found.has(basename(name))) continue
      const library = load(name, elf.processor, source)
      found.set(basename(name), library)
      open.push(library.elf)
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** A name is looked for where the loader looks; the loader itself is named by its path. */
function load(name: string, processor: Elf['processor'], source: LibrarySource): SharedLibrary {
  const isLoader = name.startsWith('/')
  const candidates = isLoader ? [name] : foldersOf(processor).map((folder) => `${folder}/${name}`)
  const path = candidates.find((each) => existsSync(join(source.root, each)))
  if (path === undefined) throw new Error(`${name} for ${processor} is in none of: ${candidates.join(', ')}`)
  const content = readFileSync(join(source.root, path))
  return {
    // The loader takes /lib for /usr/lib, and one folder for all is easier on the eye.
    path: (isLoader ? path : path.replace(/^\/usr\/lib/, '/lib')).slice(1),
    content,
    elf: readElf(content),
    package: source.packageOf(path),
  }
}

/** Where glibc's loader looks: Debian's folders first, then those of other distributions. */
function foldersOf(processor: Elf['processor']): string[] {
  const triple = TRIPLE[PLATFORMS.find((platform) => PROCESSOR[platform] === processor)!]
  return ['/lib', '/usr/lib'].flatMap((folder) => [`${folder}/${triple}`, `${folder}64`, folder])
}

/** Debian's list of files has some below /lib, some below /usr/lib, which is the same folder. */
function installedPackageOf(path: string): DebianPackage | undefined {
  const bare = path.replace(/^\/usr/, '')
  for (const each of [bare, `/usr${bare}`]) {
    const owner = ask('--search', each)?.split(': ')[0]
    const fields = owner && ask('--status', owner)
    if (fields) return packageOfFields(fields)
  }
  return undefined
}

/** Reads what Debian's tools print of a package, `Name: value` a line. */
export function packageOfFields(fields: string): DebianPackage {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(fields)![1]!
  return { name: field('Package'), version: field('Version'), architecture: field('Architecture') }
}

function ask(...args: string[]): string | undefined {
  try {
    return execFileSync('dpkg-query', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    // It knows no such file or package.
    return undefined
  }
}
