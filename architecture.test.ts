import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

/**
 * Which folder may import which: ARCHITECTURE.md draws this table, here it is law. The longest matching folder decides.
 * A value lists folders (or single files) of ours; what is not listed is refused. `'*'` = anything.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'net/bytes': [],
  'net/ip': ['net/bytes'],
  'net/ethernet': ['net/bytes', 'net/ip'],
  'net/arp': ['net/bytes', 'net/ip', 'net/ethernet'],
  'net/ndp': ['net/bytes', 'net/ip', 'net/ethernet'],
  'net/l2': ['net/bytes', 'net/ip'],
  'net/bgp': ['net/bytes', 'net/ip'],
  'net/bfd': ['net/bytes', 'net/ip'],
  'net/membership': ['net/bytes', 'net/ip'],
  crds: [],
  runtime: ['package.json'],
  native: [],
  'core/config': ['net/ip', 'crds'],
  'core/allocate': ['core/config', 'net/ip'],
  'core/announce': ['core/config', 'net/ip'],
  'core/status': ['core/config', 'core/allocate', 'core/announce', 'net/ip', 'crds'],
  operator: ['core', 'crds', 'runtime'],
  controller: ['core', 'crds', 'operator', 'runtime', 'net/ip', 'page/model.ts', 'page/generated'],
  page: [],
  speaker: ['core', 'crds', 'operator', 'runtime', 'net/ip', 'speaker/wire/messages.ts'],
  'speaker/wire': ['net', 'runtime', 'native'],
  cli: ['core', 'crds', 'operator', 'runtime', 'net/ip'],
  testkit: ['net', 'core', 'crds', 'native', 'runtime', 'operator', 'speaker/wire'],
  e2e: ['*'],
  bench: ['*'],
  demo: ['*'],
  'build/metrics': ['controller', 'speaker', 'operator', 'runtime'],
  'build/reasons': ['core', 'cli', 'controller/page', 'speaker', 'net/bgp'],
  build: [
    'crds',
    'build',
    'testkit',
    'controller/flags.ts',
    'speaker/flags.ts',
    'runtime/flags.ts',
    'runtime/tar.ts',
    'runtime/version.ts',
  ],
}

/** Packages from npm that a folder may use; folders that are not listed use none. `node:` is judged by PURE. */
const MAY_USE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'net/membership': ['@noble/hashes'],
  'core/announce': ['@noble/hashes'],
  crds: ['ajv'],
  runtime: ['prom-client', '@peculiar/x509', 'reflect-metadata'],
  operator: ['@kubernetes/client-node', '@dot-i/k8s-operator'],
  'speaker/wire': ['raw-socket'],
  cli: ['yaml', 'commander', '@kubernetes/client-node', 'ajv'],
  controller: ['@kubernetes/client-node', '@peculiar/x509', 'reflect-metadata'],
  speaker: ['@kubernetes/client-node', 'yaml'],
  testkit: ['*'],
  e2e: ['*'],
  bench: ['*'],
  demo: ['*'],
  build: ['*'],
}

/** These folders never touch the outside world: no `node:` module, no clock, no timer, no randomness, no console. */
const PURE = ['net', 'core', 'crds']
/** Only here may a clock be read, a timer set, a number drawn. */
const OWNS_TIME = [
  'native/scenarios.ts',
  'native/tcp-scenarios.ts',
  'page/browser',
  'page/generated',
  'runtime',
  'speaker/wire',
  'testkit',
  'e2e',
  'bench',
  'demo',
  'build',
]
const TIME =
  /\bDate\.now\b|\bnew Date\(\)|(?<![.\w])set(?:Timeout|Interval|Immediate)\(|\bMath\.random\b|\bperformance\.now\b/

const sources = globSync('**/*.ts', { exclude: (path) => /node_modules|^out$|native\/build/.test(String(path)) })
  .filter((path) => !path.includes('node_modules') && path.includes('/'))
  .filter((path) => !path.endsWith('.test.ts'))

function inside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function folderOf(path: string, table: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(table)
    .filter((folder) => inside(path, folder))
    .sort((a, b) => b.length - a.length)[0]
}

const CLAUSE = String.raw`(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)\s+from\s+`
const STATIC = new RegExp(String.raw`^\s*(?:import|export)\s+(?:${CLAUSE})?['"]([^'"\n]+)['"]`, 'gm')
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(path: string): string[] {
  const text = withoutComments(readFileSync(path, 'utf8'))
  return [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)].map((match) => match[1]!)
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}

function verdict(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) {
    return PURE.some((folder) => inside(path, folder)) ? `${path} is pure but imports ${specifier}` : undefined
  }
  if (!specifier.startsWith('.')) {
    const allowed = MAY_USE_PACKAGES[folderOf(path, MAY_USE_PACKAGES) ?? ''] ?? []
    const known = allowed.some((name) => name === '*' || specifier === name || specifier.startsWith(`${name}/`))
    return known ? undefined : `${path} may not use the package ${specifier}`
  }
  const target = normalize(join(dirname(path), specifier))
  const folder = folderOf(path, MAY_IMPORT)
  if (folder === undefined) return `${path} lies in no folder of the table`
  if (inside(target, folder) && folderOf(target, MAY_IMPORT) === folder) return undefined
  const allowed = MAY_IMPORT[folder]!
  return allowed.some((name) => name === '*' || inside(target, name)) ? undefined : `${path} may not import ${target}`
}

test('imports follow the table', () => {
  const broken = sources.flatMap((path) => importsOf(path).map((specifier) => verdict(path, specifier)))
  assert.deepEqual(
    broken.filter((line) => line !== undefined),
    [],
  )
})

test('clocks, timers and randomness stay at the edge', () => {
  const broken = sources
    .filter((path) => !OWNS_TIME.some((folder) => inside(path, folder)))
    .filter((path) => TIME.test(withoutComments(readFileSync(path, 'utf8'))))
  assert.deepEqual(broken, [])
})

test('the table refuses what it should: a protocol importing another, core reading a file', () => {
  assert.match(verdict('net/bgp/session.ts', '../bfd/index.ts') ?? '', /may not import net\/bfd/)
  assert.match(verdict('core/allocate/index.ts', 'node:fs') ?? '', /pure/)
  assert.match(verdict('speaker/main.ts', './wire/shell.ts') ?? '', /may not import/)
  assert.equal(verdict('speaker/main.ts', './wire/messages.ts'), undefined)
})

test('imports of every form are seen', () => {
  const found = importsOf('operator/index.ts')
  assert.ok(found.includes('./client.ts') && found.includes('./resources.ts'), found.join(' '))
  assert.ok(importsOf('operator/program.ts').includes('@dot-i/k8s-operator'))
  assert.ok(sources.length > 100, `only ${sources.length} sources`)
})
