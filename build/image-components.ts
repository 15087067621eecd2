/** Everything that is in the image, by component. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import type { TarEntry } from '../runtime/tar.ts'
import { VERSION } from '../runtime/version.ts'
import { type Bundle, bundle, bundlePath } from './bundle.ts'
import { type Component, fileEntry } from './component.ts'
import { debianComponent, debianComponents } from './debian-components.ts'
import { buildLauncher, launcherAttributes } from './launcher.ts'
import { sharedLibraries } from './libraries.ts'
import { npmComponent, npmComponents } from './npm-components.ts'
import type { Toolchain } from './toolchain.ts'

const ROOT = join(import.meta.dirname, '..')
const RAW_SOCKET = 'node_modules/raw-socket'

/** Bundles the programs and reads the rest: a few seconds, most of them to copy Node. */
export async function imageComponents(toolchain: Toolchain): Promise<Component[]> {
  const node = readFileSync(join(toolchain.nodeFolder, 'bin/node'))
  const addons = [toolchain.addon, toolchain.rawSocket].map((path) => readFileSync(path))
  return [
    application(await bundle(), toolchain),
    nodeComponent(toolchain),
    rawSocketComponent(toolchain),
    ...debianComponents(sharedLibraries([node, ...addons], toolchain.libraries), toolchain.libraries),
  ]
}

/** The files of all components; none has two owners. */
export function filesOf(components: readonly Component[]): TarEntry[] {
  const files = components.flatMap(({ files: own, inside }) => [...own, ...filesOf(inside)])
  assert.equal(new Set(files.map(({ path }) => path)).size, files.length, 'a file of two components')
  return files
}

function application(bundles: readonly Bundle[], toolchain: Toolchain): Component {
  const { staticLibrary } = toolchain
  const bundled = npmComponents(bundles.flatMap(({ packageFiles }) => packageFiles))
  return {
    kind: 'application',
    ...{ name: 'invar', version: VERSION, licence: 'Apache-2.0' },
    files: [
      ...bundles.flatMap((each) => programEntries(each, toolchain)),
      fileEntry('app/native/invar.node', readFileSync(toolchain.addon)),
      fileEntry('app/package.json', Buffer.from('{"type":"module"}\n')),
      fileEntry('etc/passwd', Buffer.from('root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n')),
      fileEntry('etc/group', Buffer.from('root:x:0:\nnonroot:x:65532:\n')),
      fileEntry('licenses/invar/LICENSE', readFileSync(join(ROOT, 'LICENSE'))),
      { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ],
    // The launchers are linked with the C library.
    inside: [...bundled, ...(staticLibrary === undefined ? [] : [debianComponent(staticLibrary)])],
  }
}

function programEntries({ entry, content }: Bundle, { compiler }: Toolchain): TarEntry[] {
  const { command } = entry
  const path = bundlePath(entry)
  const isScript = command !== undefined && command.launch === undefined
  const bundled = fileEntry(`app/${path}`, content, isScript ? 0o755 : 0o644)
  if (command === undefined) return [bundled]
  const link = `app/bin/${command.name}`
  // A link, so that the program finds its neighbours from where it really lies.
  if (command.launch === undefined) return [bundled, { kind: 'symlink', path: link, target: `../${path}` }]
  const launcher = fileEntry(link, buildLauncher(compiler, command.name, command.launch), 0o755)
  return [bundled, { ...launcher, attributes: launcherAttributes(command.launch) }]
}

/** Loaded when the gateway probe is on, by the name of the package; its addon is compiled with the headers of `nan`. */
function rawSocketComponent({ rawSocket }: Toolchain): Component {
  const plain = ['package.json', 'index.js'].map((name) =>
    fileEntry(`app/${RAW_SOCKET}/${name}`, readFileSync(join(ROOT, RAW_SOCKET, name))),
  )
  const addon = fileEntry(`app/${RAW_SOCKET}/build/Release/raw.node`, readFileSync(rawSocket))
  return npmComponent(RAW_SOCKET, [...plain, addon], [npmComponent('node_modules/nan')])
}

/** Names in `process.versions` that are no libraries. */
const NO_LIBRARIES = ['node', 'modules', 'napi', 'unicode', 'tz']

/** The pinned Node, and the authorities that it trusts for whoever looks for them in the usual place. */
function nodeComponent({ nodeFolder, strip }: Toolchain): Component {
  const { version } = JSON.parse(readFileSync(join(nodeFolder, 'package.json'), 'utf8')) as { version: string }
  assert.equal(version, process.versions.node, 'the image is built by the Node that goes into it')
  const libraries = Object.entries(process.versions).filter(([name, each]) => each && !NO_LIBRARIES.includes(name))
  return {
    kind: 'platform',
    ...{ name: 'node', version, licence: 'MIT' },
    url: `pkg:generic/node@${version}`,
    files: [
      fileEntry('bin/node', strippedNode(nodeFolder, strip), 0o755),
      fileEntry('etc/ssl/certs/ca-certificates.crt', Buffer.from(`${rootCertificates.join('\n')}\n`)),
      fileEntry('licenses/node/LICENSE', readFileSync(join(nodeFolder, 'LICENSE'))),
    ],
    inside: libraries.map(([name, each]) => ({
      kind: 'library',
      ...{ name, version: each!, files: [], inside: [] },
      url: `pkg:generic/${name}@${encodeURIComponent(each!)}`,
    })),
  }
}

/** Without its symbol table, a fifth of it; addons link to the dynamic symbols, which stay. */
function strippedNode(nodeFolder: string, strip: string): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-image-'))
  try {
    execFileSync(strip, ['--strip-all', '-o', join(scratch, 'node'), join(nodeFolder, 'bin/node')])
    return readFileSync(join(scratch, 'node'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
