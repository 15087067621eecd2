/** The programs as single files of JavaScript, one an entry point, under `out/app` as they lie in the image. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { asProgram } from './progress.ts'

const ROOT = join(import.meta.dirname, '..')
export const BUNDLES = join(ROOT, 'out', 'app')

export interface EntryPoint {
  /** Source file, and without its ending the bundle's path. */
  readonly source: string
  /** Name of the command, for a program. `launched`: native/launcher.c starts it, with the capability that it needs. */
  readonly command?: { readonly name: string; readonly launched?: true }
}

export const ENTRY_POINTS: readonly EntryPoint[] = [
  { source: 'controller/main.ts', command: { name: 'controller' } },
  { source: 'speaker/main.ts', command: { name: 'speaker', launched: true } },
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

/** Bundles all entry points; takes about a second. */
export async function bundle(): Promise<void> {
  for (const entry of presentEntryPoints()) {
    await build({
      absWorkingDir: ROOT,
      entryPoints: [entry.source],
      outfile: join(BUNDLES, bundlePath(entry)),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      legalComments: 'none',
      // Smaller, and read faster at every start; identifiers stay, for the stack traces.
      minifyWhitespace: true,
      minifySyntax: true,
      logLevel: 'error',
      plugins: [workerPaths, ownShebang, slimClient],
      banner: { js: banner(entry) },
    })
  }
}

/** Packages in CommonJS ask for `require`, which a module has to make for itself. */
function banner({ command }: EntryPoint): string {
  // A dependency of the Kubernetes client still uses Node's own punycode (DEP0040): not the operator's to mend.
  const shebang = command === undefined ? '' : `#!/bin/node --disable-warning=DEP0040\n`
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

/** What packages import and we do not use; see operator/client-node.ts and operator/uncalled.ts for what it would cost. */
const SLIMMED = [
  { name: '@kubernetes/client-node', importer: '/@dot-i/', by: 'operator/client-node.ts' },
  { name: 'undici', importer: '/@kubernetes/client-node/', by: 'operator/uncalled.ts' },
  { name: 'gaxios', importer: '/@dot-i/', by: 'operator/uncalled.ts' },
]

const slimClient: Plugin = {
  name: 'slim-client',
  setup: ({ onResolve }) => {
    for (const { name, importer, by } of SLIMMED) {
      onResolve({ filter: new RegExp(`^${name}$`) }, (found) =>
        found.importer.includes(importer) ? { path: join(ROOT, by) } : undefined,
      )
    }
  },
}

if (import.meta.main) await asProgram(bundle)
