import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { requireRoot } from '../testkit/privilege.ts'
import { SCENARIOS } from './scenarios.ts'

for (const name of Object.keys(SCENARIOS)) {
  test(name, (t) => {
    if (!requireRoot(t)) return
    const command = ['--net', '--', process.execPath, '--expose-gc', 'native/scenarios.ts', name]
    const { status, signal, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8', timeout: 180_000 })
    if (stdout !== '') t.diagnostic(stdout.trim())
    assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr)
  })
}
