import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BUNDLES, bundle, bundlePath, presentEntryPoints } from './bundle.ts'

test('the bundled command line starts: it has one shebang, its own in a checkout left out', async () => {
  await bundle()
  const output = execFileSync(process.execPath, [`${BUNDLES}/cli/main.js`, 'version'], { encoding: 'utf8' })
  assert.match(output, /^invarctl \d+\.\d+\.\d+ /)
})

test('of package.json the version goes into the bundles, and no more', async () => {
  await bundle()
  for (const entry of presentEntryPoints()) {
    assert.doesNotMatch(readFileSync(join(BUNDLES, bundlePath(entry)), 'utf8'), /json-schema-to-typescript/)
  }
})

test('bundles are ASCII: one other character, and the engine keeps two bytes for each', async () => {
  await bundle()
  for (const entry of presentEntryPoints()) {
    const source = readFileSync(join(BUNDLES, bundlePath(entry)), 'latin1')
    const at = source.search(/[^\0-\x7f]/)
    assert.equal(at < 0 ? '' : source.slice(Math.max(0, at - 40), at + 20), '', bundlePath(entry))
  }
})

test("the models of every kind of Kubernetes stay out of the bundles, and Node's second HTTP client out of memory", async () => {
  await bundle()
  const tell = 'process.on("exit", () => console.log(process.moduleLoadList.join()))'
  for (const entry of presentEntryPoints().filter(({ command }) => command !== undefined)) {
    const path = join(BUNDLES, bundlePath(entry))
    assert.ok(!readFileSync(path, 'utf8').includes('client-node/dist/gen/models'), path)
    const told = execFileSync(process.execPath, ['--import', `data:text/javascript,${tell}`, path, '--help'])
    assert.match(told.toString('utf8'), /NativeModule http/)
    assert.doesNotMatch(told.toString('utf8'), /undici/, path)
  }
})
