/**
 * Compiles the native parts with the machine's own compiler: our addon (C, Node-API) and the addon of the package
 * raw-socket (C++). Nothing is compiled when sources, flags and Node version are those of the last time.
 *
 *   node native/build.ts                                          → native/build/invar.node and raw-socket's raw.node
 *   INVAR_SANITIZE=address,undefined node native/build.ts         → native/build/address-undefined/invar.node
 *   INVAR_PROCESSOR=arm64 INVAR_NODE=DIR CC=… CXX=… node native/build.ts
 *                                                                 → native/build/arm64/invar.node and raw.node, by cross
 *                                                                   compilers and the headers of the Node package in DIR
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** One shared library: what it is made of and how. */
interface Target {
  readonly output: string
  readonly compiler: string
  readonly sources: readonly string[]
  /** Looked at for changes, not compiled. */
  readonly headers: readonly string[]
  readonly flags: readonly string[]
}

/** What the compilers are to make, and where the headers of its Node lie. */
const processor = process.env.INVAR_PROCESSOR ?? process.arch
const isForeign = processor !== process.arch
const nodePackage = process.env.INVAR_NODE ?? join(root, `node_modules/node-linux-${processor}`)

const WARNINGS = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-sign-conversion', '-Werror']
/** The prefix map: headers' assertions name their files, and the folder of a build is no business of its result. */
const LIBRARY = [
  ...['-shared', '-fPIC', '-fvisibility=hidden', `-ffile-prefix-map=${root}=.`],
  ...['-DBUILDING_NODE_EXTENSION', '-D_FILE_OFFSET_BITS=64'],
]

/** Makes raw-socket work in worker threads. */
const RAW_SOCKET_PRELUDE = 'native/src/raw-socket-in-worker.hh'

/** Our addon; `sanitizers` is a list as of gcc's -fsanitize, or '' for the one that ships. Returns its path. */
export function buildAddon(sanitizers = ''): string {
  const checked =
    sanitizers === '' ? [] : [`-fsanitize=${sanitizers}`, '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g']
  return build({
    output: join(root, 'native/build', isForeign ? processor : '', sanitizers.replaceAll(',', '-'), 'invar.node'),
    compiler: process.env.CC ?? 'cc',
    sources: globSync('native/src/*.c', { cwd: root }).sort(),
    headers: globSync('native/src/*.h', { cwd: root }).sort(),
    flags: [...LIBRARY, '-std=c11', '-O2', ...WARNINGS, ...checked, `-I${headers()}`],
  })
}

/** The package's own build wants node-gyp, which wants the network; this is what it would run. */
export function buildRawSocket(): string {
  const source = 'node_modules/raw-socket/src'
  return build({
    output: join(root, isForeign ? `native/build/${processor}` : 'node_modules/raw-socket/build/Release', 'raw.node'),
    compiler: process.env.CXX ?? 'c++',
    sources: [`${source}/raw.cc`],
    headers: [`${source}/raw.h`, RAW_SOCKET_PRELUDE],
    flags: [
      ...LIBRARY,
      '-std=gnu++20',
      '-O2',
      '-w',
      '-fno-rtti',
      '-DNODE_GYP_MODULE_NAME=raw',
      `-include${root}/${RAW_SOCKET_PRELUDE}`,
      `-I${headers()}`,
      `-I${root}/node_modules/nan`,
    ],
  })
}

/** A program for measuring that must not itself run on Node: bench/NAME.c. Returns its path. */
export function buildProgram(source: string): string {
  const name = source.replace(/^.*\/|\.c$/g, '')
  return build({
    output: join(root, 'native/build', name),
    compiler: process.env.CC ?? 'cc',
    sources: [source],
    headers: globSync('*.h', { cwd: join(root, dirname(source)) }).map((header) => join(dirname(source), header)),
    flags: ['-std=c11', '-O2', ...WARNINGS],
  })
}

function headers(): string {
  return join(nodePackage, 'include/node')
}

function build(target: Target): string {
  const key = keyOf(target)
  const record = `${target.output}.key`
  if (existsSync(target.output) && existsSync(record) && readFileSync(record, 'utf8') === key) return target.output
  mkdirSync(dirname(target.output), { recursive: true })
  // Renamed when whole: a process that has the old one mapped keeps it, and two builds at once do no harm.
  const unfinished = `${target.output}.${process.pid}`
  process.stderr.write(`compiling ${relative(root, target.output)}\n`)
  execFileSync(target.compiler, [...target.flags, '-o', unfinished, ...target.sources], { cwd: root, stdio: 'inherit' })
  renameSync(unfinished, target.output)
  writeFileSync(record, key)
  return target.output
}

function keyOf(target: Target): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([process.version, processor, target.compiler, target.flags]))
  for (const path of [...target.sources, ...target.headers]) hash.update(path).update(readFileSync(join(root, path)))
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildAddon(process.env.INVAR_SANITIZE)
  if (process.env.INVAR_SANITIZE === undefined && existsSync(join(root, 'node_modules/raw-socket'))) buildRawSocket()
}
