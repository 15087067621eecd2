import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Probe, probeReport } from './probe.ts'
import { rendered, UNPAINTED } from './report.ts'
import { nextStep } from './rotate-key.ts'

const NOBODY: Probe = { address: '192.0.2.10', node: 'bravo', waitedMs: 1000, answers: [] }
const FIRST = { interface: 'eth0', mac: '02:00:00:00:00:01', afterMs: 0.42 }
const SECOND = { interface: 'eth1', mac: '02:00:00:00:00:09', afterMs: 12 }

describe('probe', () => {
  const CASES: readonly [about: string, probe: Probe, exitCode: number, text: RegExp][] = [
    [
      'one station',
      { ...NOBODY, answers: [FIRST] },
      0,
      /^MAC .*\n02:00:00:00:00:01 +eth0 +0\.4 ms\n\nOne station answers/,
    ],
    [
      'the same station on two interfaces',
      { ...NOBODY, answers: [FIRST, { ...FIRST, interface: 'eth1' }] },
      0,
      /One station/,
    ],
    [
      'two stations',
      { ...NOBODY, answers: [FIRST, SECOND] },
      1,
      /2 stations answer for 192\.0\.2\.10 .*only one of them/,
    ],
    ['nobody', NOBODY, 1, /^Nobody answered for 192\.0\.2\.10 within 1000 ms \(asked from bravo\)\.\n$/],
    ['nobody, and nobody should', { ...NOBODY, reportedBy: [] }, 1, /\(asked from bravo; no node reports to answer\)/],
    [
      'who reports',
      { ...NOBODY, answers: [FIRST], reportedBy: ['alpha'] },
      0,
      /asked from bravo; alpha reports to answer/,
    ],
  ]
  for (const [about, probe, exitCode, text] of CASES) {
    test(about, () => {
      const report = probeReport(probe)
      assert.equal(report.exitCode, exitCode)
      assert.match(rendered(report, 'text', UNPAINTED), text)
      assert.deepEqual(JSON.parse(rendered(report, 'json', UNPAINTED)), JSON.parse(JSON.stringify(probe)))
    })
  }
})

describe('rotate-key', () => {
  /** The entries after a step, as the API server merges it. */
  function merged(data: Readonly<Record<string, string>>, change: Readonly<Record<string, string | null>>) {
    const entries = Object.entries({ ...data, ...change })
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null))
  }

  test('goes in three steps, each understood by the ones beside it', () => {
    const states = [{ secretkey: 'old' } as Readonly<Record<string, string>>]
    let isLast = false
    while (!isLast) {
      const step = nextStep(states.at(-1)!, () => 'new')
      states.push(merged(states.at(-1)!, step.data))
      isLast = step.isLast
    }
    assert.deepEqual(states, [
      { secretkey: 'old' },
      { secretkey: 'old', 'secretkey.next': 'new' },
      { secretkey: 'new', 'secretkey.previous': 'old' },
      { secretkey: 'new' },
    ])
    for (const [at, state] of states.slice(1).entries()) {
      const before: Readonly<Record<string, string>> = states[at]!
      assert.ok(Object.values(state).includes(before.secretkey!) && Object.values(before).includes(state.secretkey!))
    }
  })
})
