import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { BUNDLES, bundle } from './bundle.ts'

test('the bundled command line starts: it has one shebang, its own in a checkout left out', async () => {
  await bundle()
  const output = execFileSync(process.execPath, [`${BUNDLES}/cli/main.js`, 'version'], { encoding: 'utf8' })
  assert.match(output, /^invarctl \d+\.\d+\.\d+ /)
})
