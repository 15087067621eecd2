import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Clock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { DEFAULT_EXCLUDED_INTERFACES, ExcludedInterfaces, readPatterns } from './exclude-interfaces.ts'

const FILES: readonly [string, string, RegExp | readonly string[]][] = [
  ['a list', 'announcedInterfacesToExclude: ["^eth9$", "wlan"]', ['^eth9$', 'wlan']],
  ['an empty list excludes nothing', 'announcedInterfacesToExclude: []', []],
  ['no YAML', 'a: [', /is not YAML/],
  ['an empty file', '', /has no list of texts under announcedInterfacesToExclude/],
  ['a list of numbers', 'announcedInterfacesToExclude: [1]', /has no list of texts/],
  ['a bad pattern', 'announcedInterfacesToExclude: ["("]', /has a bad pattern/],
]

for (const [name, text, expected] of FILES) {
  test(`exclude file: ${name}`, () => {
    const result = readPatterns(text)
    if (expected instanceof RegExp) assert.match(result.kind === 'wrong' ? result.message : '', expected)
    else assert.deepEqual(result, { kind: 'patterns', patterns: expected })
  })
}

test('exclude file: defaults without it, followed when it appears, kept when it goes bad, defaults again without it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'invar-exclude-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'excludel2.yaml')
  const applied: (readonly string[])[] = []
  let tick: () => void = () => assert.fail('no timer was armed')
  const clock: Clock = {
    now: () => 0,
    wall: () => 0,
    setTimeout: (callback) => {
      tick = callback
      return { timer: 0 }
    },
    clearTimeout: () => undefined,
  }
  new ExcludedInterfaces(path, clock, silentLog, (patterns) => applied.push(patterns)).start()
  assert.deepEqual(applied.splice(0), [DEFAULT_EXCLUDED_INTERFACES])
  writeFileSync(path, 'announcedInterfacesToExclude: ["^a"]')
  tick()
  tick()
  assert.deepEqual(applied.splice(0), [['^a']])
  writeFileSync(path, 'announcedInterfacesToExclude: ["("]')
  tick()
  assert.deepEqual(applied.splice(0), [])
  rmSync(path)
  tick()
  assert.deepEqual(applied.splice(0), [DEFAULT_EXCLUDED_INTERFACES])
})
