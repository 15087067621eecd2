/** The programs as single files of JavaScript, one an entry point, under `out/app` as they lie in the image. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { asProgram } from './progress.ts'

const ROOT = join(import.meta.dirname, '..')
export const BUNDLES = join(ROOT, 'out', 'app')

export interface EntryPoint {
  /** Source file, and without its ending the bundle's path. */
  readonly source: string
  /** Name of the command, for a program. `launch`: native/launcher.c starts it so. */
  readonly command?: { readonly name: string; readonly launch?: Launch }
}

/** How a program is started in the image; benches start it the same way. */
export interface Launch {
  /** For Node, before the program's file. */
  readonly nodeFlags: readonly string[]
  /** Where the container does not set them itself. */
  readonly environment: Readonly<Record<string, string>>
  readonly needsNetRaw: boolean
}

/** A dependency of the Kubernetes client still uses Node's own punycode (DEP0040): not the operator's to mend. */
const QUIET = '--disable-warning=DEP0040'
/** Else the C library gives each of Node's threads an arena of its own: 40 MB of a speaker with 2,000 Services. */
const ONE_ARENA = { MALLOC_ARENA_MAX: '1' }

/** The bytes of a list come and go by the megabyte: fixed limits keep the C library from holding on to them. */
const GIVEN_BACK = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' }

/** With 10,000 Services after a restart a controller is resident with 247 MB without any of this, 128 MB with it. */
export const CONTROLLER_LAUNCH: Launch = {
  // Room for what is young, at the start and to grow under a burst, so that garbage does not pass for old, and is not
  // looked at as often; `gc` is for runtime/heap-trim.ts, which gives it back.
  nodeFlags: [QUIET, '--min-semi-space-size=4', '--max-semi-space-size=16', '--expose-gc'],
  environment: { ...ONE_ARENA, ...GIVEN_BACK },
  needsNetRaw: false,
}

/** With 2,000 Services a speaker was resident with 210 MB without any of this, 139 MB with it; replies were no slower. */
export const SPEAKER_LAUNCH: Launch = {
  // `gc` is for runtime/heap-trim.ts.
  nodeFlags: [QUIET, '--optimize-for-size', '--expose-gc'],
  environment: { ...ONE_ARENA, ...GIVEN_BACK },
  needsNetRaw: true,
}

export const ENTRY_POINTS: readonly EntryPoint[] = [
  { source: 'controller/main.ts', command: { name: 'controller', launch: CONTROLLER_LAUNCH } },
  { source: 'speaker/main.ts', command: { name: 'speaker', launch: SPEAKER_LAUNCH } },
  { source: 'speaker/wire/thread.ts' },
  { source: 'runtime/self-signed-thread.ts' },
  { source: 'cli/main.ts', command: { name: 'invarctl' } },
]

/** Entry points whose sources exist. */
export function presentEntryPoints(): readonly EntryPoint[] {
  return ENTRY_POINTS.filter(({ source }) => existsSync(join(ROOT, source)))
}

/** Path of an entry point's bundle below `out/app`. */
export function bundlePath({ source }: EntryPoint): string {
  return source.replace(/\.ts$/, '.js')
}

/** A bundled entry point, in memory. */
export interface Bundle {
  readonly entry: EntryPoint
  readonly content: Uint8Array
  /** Files of packages of which something went in, relative to the project's folder. */
  readonly packageFiles: readonly string[]
}

/** Bundles all entry points, writes them to `out/app` and returns them; takes about a second. */
export async function bundle(): Promise<readonly Bundle[]> {
  const bundles = await Promise.all(presentEntryPoints().map(bundleOne))
  for (const { entry, content } of bundles) {
    const path = join(BUNDLES, bundlePath(entry))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  return bundles
}

async function bundleOne(entry: EntryPoint): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry.source],
    outfile: join(BUNDLES, bundlePath(entry)),
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    legalComments: 'none',
    // Smaller, and read faster at every start; identifiers stay, for the stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'error',
    plugins: [workerPaths, ownShebang, versionAlone, slimClient, httpAlone],
    banner: { js: banner(entry) },
  })
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  const packageFiles = used.filter((path) => path.includes('node_modules/')).sort()
  return { entry, content: outputFiles[0]!.contents, packageFiles }
}

/** Packages in CommonJS ask for `require`, which a module has to make for itself. */
function banner({ command }: EntryPoint): string {
  const shebang = command === undefined || command.launch !== undefined ? '' : `#!/bin/node ${QUIET}\n`
  return `${shebang}import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)`
}

/** A worker's source is named by its URL, which the bundler does not follow: the bundle beside it ends in `.js`. */
const workerPaths: Plugin = {
  name: 'worker-paths',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/](?:speaker|controller)[\\/]main\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/(new URL\('[^']+)\.ts(', import\.meta\.url\))/g, '$1.js$2'),
      loader: 'ts',
    })),
}

/** In a checkout the command line has a shebang of its own; the bundle's is the banner, and a second one is no JavaScript. */
const ownShebang: Plugin = {
  name: 'own-shebang',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]cli[\\/]main\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^#!.*\n/, ''),
      loader: 'ts',
    })),
}

/** Of our package.json the programs read the version: without this all of it went into each of them. */
const versionAlone: Plugin = {
  name: 'version-alone',
  setup: ({ onLoad }) =>
    onLoad({ filter: /package\.json$/ }, ({ path }) => {
      if (path !== join(ROOT, 'package.json')) return undefined
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
      return { contents: JSON.stringify({ version }), loader: 'json' }
    }),
}

const CLIENT_NODE = 'node_modules/@kubernetes/client-node/dist'

/**
 * What packages import and we do not use; see operator/client-node.ts and operator/uncalled.ts for what it would cost. Of
 * @kubernetes/client-node our programs use KubeConfig alone, which is in a file of its own.
 */
const SLIMMED = [
  { name: '@kubernetes/client-node', importer: '/@dot-i/', by: 'operator/client-node.ts' },
  { name: '@kubernetes/client-node', importer: '/operator/', by: `${CLIENT_NODE}/config.js` },
  { name: './gen/index.js', importer: `/${CLIENT_NODE}/config.js`, by: 'operator/client-node.ts' },
  { name: 'undici', importer: '/@kubernetes/client-node/', by: 'operator/uncalled.ts' },
  { name: 'gaxios', importer: '/@dot-i/', by: 'operator/uncalled.ts' },
]

const slimClient: Plugin = {
  name: 'slim-client',
  setup: ({ onResolve }) => {
    const names = [...new Set(SLIMMED.map(({ name }) => name))]
    onResolve({ filter: new RegExp(`^(?:${names.join('|')})$`) }, ({ path, importer }) => {
      const found = SLIMMED.find((each) => each.name === path && importer.includes(each.importer))
      return found && { path: join(ROOT, found.by) }
    })
  },
}

/**
 * Where a module imports `node:http`, Node reads each name that it exports, `WebSocket` too, and for that one loads a
 * second HTTP client of a megabyte, in 35 ms at each start. Asked for as a value, none is read before it is used.
 */
const httpAlone: Plugin = {
  name: 'http-alone',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(?:node:)?http$/ }, () => ({ path: 'node:http', namespace: 'builtin' }))
    onLoad({ filter: /./, namespace: 'builtin' }, () => ({
      contents: `module.exports = process.getBuiltinModule('node:http')`,
    }))
  },
}

if (import.meta.main) await asProgram(bundle)
