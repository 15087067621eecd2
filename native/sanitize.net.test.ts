import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { requireRoot } from '../testkit/privilege.ts'
import { buildAddon } from './build.ts'
import { SCENARIOS } from './scenarios.ts'

/**
 * All scenarios with the addon compiled for AddressSanitizer and UndefinedBehaviorSanitizer, which end the process at
 * the first finding, and for LeakSanitizer. Node itself is not instrumented, so the sanitizer's library is loaded ahead
 * of it.
 */
test('the addon under AddressSanitizer and UndefinedBehaviorSanitizer', async (t) => {
  if (!requireRoot(t)) return
  const addon = buildAddon('address,undefined')
  const library = execFileSync('cc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
  const environment = {
    ...process.env,
    INVAR_NATIVE: addon,
    LD_PRELOAD: library,
    // Node frees little of its own at exit, and the programs that a scenario starts are looked at too: their leaks are
    // reported and do not count. One with a frame of ours does.
    ASAN_OPTIONS: 'detect_leaks=1:exitcode=99',
    LSAN_OPTIONS: 'exitcode=0',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=99',
  }
  for (const name of Object.keys(SCENARIOS)) {
    await t.test(name, () => {
      const command = ['--net', '--', process.execPath, '--expose-gc', 'native/scenarios.ts', name]
      const run = spawnSync('unshare', command, { encoding: 'utf8', timeout: 180_000, env: environment })
      assert.deepEqual({ status: run.status, signal: run.signal }, { status: 0, signal: null }, run.stderr)
      assert.doesNotMatch(run.stderr, /runtime error|invar\.node/)
    })
  }
})
