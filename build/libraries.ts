/** The shared libraries that programs load at their start, and the Debian packages that they come from. */
import { spawnSync } from 'node:child_process'
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
  /** The packages that brought files, by their paths below the root; what Debian's tools know nothing of is left out. */
  packagesOf(paths: readonly string[]): ReadonlyMap<string, DebianPackage>
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
  return { root: '', packagesOf: which('dpkg-query') === undefined ? () => new Map() : installedPackagesOf }
}

/** Those of packages that build/packages.ts has unpacked into a folder. */
export function unpackedLibraries(folder: string): LibrarySource {
  const packages = JSON.parse(readFileSync(join(folder, PACKAGE_LIST), 'utf8')) as UnpackedPackage[]
  const owners = new Map(packages.flatMap((each) => each.files.map((file) => [file, each] as const)))
  return { root: folder, packagesOf: () => owners }
}

/** What programs and libraries load at their start, the loader included, sorted by path. */
export function sharedLibraries(programs: readonly Buffer[], source: LibrarySource): SharedLibrary[] {
  const found = new Map<string, Found>()
  const open = programs.map(readElf)
  // The loader is also needed as a library, and lies where programs name it.
  const loaders = open.flatMap(({ interpreter }) => interpreter ?? [])
  for (let elf: Elf | undefined = open[0]; elf !== undefined; elf = open.shift()) {
    for (const name of [...loaders, ...elf.needed]) {
      if (found.has(basename(name))) continue
      const library = find(name, elf.processor, source)
      found.set(basename(name), library)
      open.push(library.elf)
    }
  }
  const packages = source.packagesOf([...found.values()].map(({ from }) => from))
  const libraries = [...found.values()].map(({ from, ...library }) => ({ ...library, package: packages.get(from) }))
  return libraries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

interface Found extends Omit<SharedLibrary, 'package'> {
  /** Its path below the root of the source. */
  readonly from: string
}

/** A name is looked for where the loader looks; the loader itself is named by its path. */
function find(name: string, processor: Elf['processor'], { root }: LibrarySource): Found {
  const isLoader = name.startsWith('/')
  const candidates = isLoader ? [name] : foldersOf(processor).map((folder) => `${folder}/${name}`)
  const from = candidates.find((each) => existsSync(join(root, each)))
  if (from === undefined) throw new Error(`${name} for ${processor} is in none of: ${candidates.join(', ')}`)
  const content = readFileSync(join(root, from))
  // The loader takes /lib for /usr/lib, and one folder for all is easier on the eye.
  const path = (isLoader ? from : from.replace(/^\/usr\/lib/, '/lib')).slice(1)
  return { from, path, content, elf: readElf(content) }
}

/** Where glibc's loader looks: Debian's folders first, then those of other distributions. */
function foldersOf(processor: Elf['processor']): string[] {
  const triple = TRIPLE[PLATFORMS.find((platform) => PROCESSOR[platform] === processor)!]
  return ['/lib', '/usr/lib'].flatMap((folder) => [`${folder}/${triple}`, `${folder}64`, folder])
}

/** Debian's lists of files have some below /lib, some below /usr/lib, which is the same folder: both are asked for. */
function installedPackagesOf(paths: readonly string[]): Map<string, DebianPackage> {
  const bareOf = (path: string) => path.replace(/^\/usr/, '')
  const both = paths.flatMap((path) => [bareOf(path), `/usr${bareOf(path)}`])
  const owners = new Map(
    linesOf('--search', both).map((line) => [bareOf(line.split(': ')[1]!), line.split(': ')[0]!] as const),
  )
  const names = new Set(owners.values())
  const packages = new Map([...names].map((name) => [name, packageOfFields(linesOf('--status', [name]).join('\n'))]))
  return new Map(
    paths.flatMap((path) => {
      const owner = owners.get(bareOf(path))
      return owner === undefined ? [] : [[path, packages.get(owner)!] as const]
    }),
  )
}

/** What dpkg-query prints. Its exit code says that it did not know all that it was asked about, which is no fault here. */
function linesOf(question: string, about: readonly string[]): string[] {
  const { stdout } = spawnSync('dpkg-query', [question, ...about], { encoding: 'utf8' })
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
}

/** Reads what Debian's tools print of a package, `Name: value` a line. */
export function packageOfFields(fields: string): DebianPackage {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(fields)![1]!
  return { name: field('Package'), version: field('Version'), architecture: field('Architecture') }
}
