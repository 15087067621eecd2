/**
 * The project's container image, without an engine: `out/image.tar`, an OCI archive.
 *
 *   node build/image.ts               writes the archive and prints its size
 *   node build/image.ts --tree DIR    writes the same files into a folder (for the Dockerfile)
 *
 * In it: the pinned Node, the bundled programs, the addon, the shared libraries that these need. No shell, no package
 * manager, no other program. The same inputs give the same bytes.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { TarEntry } from '../runtime/tar.ts'
import { VERSION } from '../runtime/version.ts'
import { BUNDLES, bundle, bundlePath, type Launch, presentEntryPoints } from './bundle.ts'
import { type ImageOptions, ociArchive } from './oci.ts'
import { asProgram, Missing, need } from './progress.ts'

const ROOT = join(import.meta.dirname, '..')
export const IMAGE_FILE = join(ROOT, 'out', 'image.tar')
const ADDON = 'native/build/invar.node'
const RAW_SOCKET = 'node_modules/raw-socket'
const RAW_SOCKET_FILES = ['package.json', 'index.js', 'build/Release/raw.node']

/** As deploy/ names it. */
export function imageReference(): string {
  return `invar.dev/invar:${VERSION}`
}

/** Everything about the image but its files. The command is found on PATH: `controller`, `speaker` or `invarctl`. */
export function imageConfiguration(): Omit<ImageOptions, 'entries'> {
  return {
    reference: imageReference(),
    entrypoint: [],
    user: '65532:65532',
    environment: { PATH: '/app/bin:/bin', INVAR_NATIVE: '/app/native/invar.node', NODE_ENV: 'production' },
  }
}

/** Bundles the programs and writes `out/image.tar`; returns its path. */
export async function buildImage(): Promise<string> {
  await bundle()
  const entries = imageEntries()
  const archive = ociArchive({ ...imageConfiguration(), entries })
  mkdirSync(dirname(IMAGE_FILE), { recursive: true })
  writeFileSync(IMAGE_FILE, archive)
  return IMAGE_FILE
}

/** The image's files, without the folders above them. */
export function imageEntries(): TarEntry[] {
  const addon = join(ROOT, ADDON)
  if (!existsSync(addon)) throw new Missing(`${ADDON} is not built: run \`node native/build.ts\``)
  return [
    file('bin/node', strippedNode(), 0o755),
    ...sharedLibraries([nodePath(), addon, join(ROOT, RAW_SOCKET, 'build/Release/raw.node')]).map((path) =>
      file(path.slice(1), readFileSync(path), 0o755),
    ),
    file('app/native/invar.node', readFileSync(addon), 0o755),
    // Loaded when the gateway probe is on, by the name of the package.
    ...RAW_SOCKET_FILES.map((name) => file(`app/${RAW_SOCKET}/${name}`, readFileSync(join(ROOT, RAW_SOCKET, name)))),
    file('app/package.json', Buffer.from('{"type":"module"}\n')),
    ...presentEntryPoints().flatMap(programEntries),
    ...licences(),
    file('etc/passwd', Buffer.from('root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n')),
    file('etc/group', Buffer.from('root:x:0:\nnonroot:x:65532:\n')),
    file('etc/ssl/certs/ca-certificates.crt', Buffer.from(`${rootCertificates.join('\n')}\n`)),
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
  ]
}

/**
 * struct vfs_cap_data, revision 2 (capabilities(7)): permitted = bit 13, CAP_NET_RAW, and bit 10, CAP_NET_BIND_SERVICE. A
 * program gets those of them that its container has.
 */
const SPEAKER_CAPABILITIES = Buffer.from('0000000200240000000000000000000000000000', 'hex')

function file(path: string, content: Uint8Array, mode = 0o644): Extract<TarEntry, { kind: 'file' }> {
  return { kind: 'file', path, content, mode }
}

function programEntries(entry: ReturnType<typeof presentEntryPoints>[number]): TarEntry[] {
  const { command } = entry
  const path = bundlePath(entry)
  const isScript = command !== undefined && command.launch === undefined
  const bundled = file(`app/${path}`, readFileSync(join(BUNDLES, path)), isScript ? 0o755 : 0o644)
  if (command === undefined) return [bundled]
  const link = `app/bin/${command.name}`
  // A link, so that the program finds its neighbours from where it really lies.
  if (command.launch === undefined) return [bundled, { kind: 'symlink', path: link, target: `../${path}` }]
  const launcher = file(link, buildLauncher(command.name, command.launch), 0o755)
  // NET_RAW without root: a file capability on the one program that hands it to Node, see there.
  const attributes = { 'security.capability': SPEAKER_CAPABILITIES }
  return [bundled, command.launch.needsNetRaw ? { ...launcher, attributes } : launcher]
}

function licences(): TarEntry[] {
  const sources = { invar: join(ROOT, 'LICENSE'), node: join(nodePath(), '..', '..', 'LICENSE') }
  return Object.entries(sources)
    .filter(([, path]) => existsSync(path))
    .map(([name, path]) => file(`usr/share/licenses/${name}/LICENSE`, readFileSync(path)))
}

function nodePath(): string {
  const path = join(ROOT, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  if (!existsSync(path)) throw new Missing(`${path} is not installed: run \`npm ci --ignore-scripts\``)
  return path
}

/** The pinned Node without its symbol table, a fifth of it; addons link to the dynamic symbols, which stay. */
function strippedNode(): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-image-'))
  try {
    const strip = need('strip', 'install binutils (Debian: apt-get install binutils)')
    execFileSync(strip, ['--strip-all', '-o', join(scratch, 'node'), nodePath()])
    return readFileSync(join(scratch, 'node'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** native/launcher.c for one program, with everything that it needs inside. */
export function buildLauncher(program: string, { nodeFlags, environment, needsNetRaw }: Launch): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-image-'))
  try {
    const cc = need('cc', 'install a C compiler (Debian: apt-get install gcc libc6-dev)')
    const target = join(scratch, program)
    const text = (value: string) => JSON.stringify(value)
    const variables = Object.entries(environment).map(([name, value]) => `{${text(name)}, ${text(value)}}`)
    const macros = [
      `-DPROGRAM=${text(program)}`,
      `-DNODE_FLAGS=${nodeFlags.map(text).join(', ')}`,
      `-DENVIRONMENT=${variables.join(', ')}`,
      `-DNEEDS_NET_RAW=${needsNetRaw ? 1 : 0}`,
    ]
    const flags = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-Wl,--build-id=none']
    execFileSync(cc, [...flags, ...macros, '-o', target, 'native/launcher.c'], { cwd: ROOT })
    return readFileSync(target)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Paths of the shared libraries that programs and libraries load at their start, the loader included. */
function sharedLibraries(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    const lines = execFileSync('ldd', [path], { encoding: 'utf8' }).split('\n')
    return lines.map((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1]).filter((library) => library !== undefined)
  })
  return [...new Set(found)].sort()
}

/** Bundles the programs and writes the image's files into a folder. */
export async function buildTree(directory: string): Promise<void> {
  await bundle()
  writeTree(directory)
}

/** Capabilities are left to `setcap`, which needs privilege. */
function writeTree(directory: string): void {
  for (const entry of imageEntries()) {
    const path = join(directory, entry.path)
    mkdirSync(entry.kind === 'directory' ? path : dirname(path), { recursive: true })
    if (entry.kind === 'file') writeFileSync(path, entry.content)
    if (entry.kind === 'symlink') symlinkSync(entry.target, path)
    else chmodSync(path, entry.mode ?? 0o755)
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { tree: { type: 'string' }, gzip: { type: 'boolean' } } })
  if (values.tree !== undefined) {
    await buildTree(values.tree)
    return
  }
  const archive = readFileSync(await buildImage())
  const compressed = values.gzip ? `, ${megabytes(gzipSync(archive).length)} compressed` : ''
  console.log(`${imageReference()}: out/image.tar, ${megabytes(archive.length)}${compressed}`)
}

if (import.meta.main) await asProgram(main)
