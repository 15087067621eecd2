/** The version stands in package.json; wherever else it is read, it is the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Metrics } from '../runtime/metrics.ts'
import { VERSION } from '../runtime/version.ts'
import { imageReference } from './image.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Every version that a pattern finds in a file, once each. */
function versionsIn(path: string, pattern: RegExp): string[] {
  return [...new Set([...read(path).matchAll(pattern)].map((match) => match[1]!))]
}

test('the programs know the version of package.json', () => {
  assert.equal(VERSION, JSON.parse(read('package.json')).version)
  const lock = JSON.parse(read('package-lock.json'))
  assert.deepEqual([lock.version, lock.packages[''].version], [VERSION, VERSION])
})

for (const [path, about, pattern] of [
  ['charts/invar/Chart.yaml', 'chart and application', /^(?:version|appVersion): (\S+)$/gm],
  ['deploy/invar.yaml', 'the labels of the plain manifests', /app\.kubernetes\.io\/version: "([^"]+)"/g],
  ['deploy/invar.yaml', 'the image of the plain manifests', /image: invar\.dev\/invar:(\S+)/g],
  ['README.md', 'the image that the README speaks of', /invar\.dev\/invar:([\w.-]+)/g],
] as const) {
  test(`${path}: ${about}`, () => assert.deepEqual(versionsIn(path, pattern), [VERSION]))
}

test('the image has it as its tag', () => assert.equal(imageReference(), `invar.dev/invar:${VERSION}`))

test('invarctl version prints it', () => {
  const { stdout } = spawnSync(process.execPath, ['cli/main.ts', 'version', '-o', 'json'], { cwd: ROOT })
  assert.equal(JSON.parse(String(stdout)).version, VERSION)
})

test('a daemon says it in its first line', () => {
  const args = ['controller/main.ts', '--kubeconfig=/nowhere', '--port=0', '--webhook-mode=disabled']
  const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT })
  const first = JSON.parse(String(stdout).split('\n')[0]!)
  assert.deepEqual([first.event, first.version], ['starting', VERSION])
})

test('invar_build_info carries it', async () => {
  const metrics = new Metrics()
  metrics.collectProcess()
  const line = `invar_build_info{version="${VERSION}",node="${process.version}"} 1`
  assert.ok((await metrics.text()).split('\n').includes(line))
})
