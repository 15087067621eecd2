import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeRound, STEP_IN_GAP_MS, UNKNOWN, withholdOrStepIn } from './judge.ts'

describe('an uplink after rounds of echoes, with three misses allowed (A: answered, m: missed)', () => {
  const rows: readonly [rounds: string, status: string, why: string][] = [
    ['', 'unknown', 'nothing was asked'],
    ['mmmmmm', 'unknown', 'what never answered cannot be lost'],
    ['A', 'reachable', 'one answer is enough for a beginning'],
    ['Amm', 'reachable', 'two misses are no loss'],
    ['AmmA', 'reachable', 'and are forgotten'],
    ['AmmAmm', 'reachable', 'by one answer'],
    ['Ammm', 'lost', 'three in a row are'],
    ['AmmmAA', 'lost', 'two answers are no return'],
    ['AmmmAAmAA', 'lost', 'and are forgotten'],
    ['AmmmAAA', 'reachable', 'three in a row are'],
  ]
  for (const [rounds, status, why] of rows) {
    test(`${rounds || 'none'}: ${status}, ${why}`, () => {
      const after = [...rounds].reduce((uplink, round) => judgeRound(uplink, round === 'A', 3), UNKNOWN)
      assert.equal(after.status, status)
    })
  }

  test('one allowed miss loses at once; the return still takes three answers', () => {
    const after = (rounds: string) =>
      [...rounds].reduce((up, round) => judgeRound(up, round === 'A', 1), UNKNOWN).status
    assert.deepEqual(['Am', 'AmAA', 'AmAAA'].map(after), ['lost', 'lost', 'reachable'])
  })
})

describe('an interface whose uplink is lost', () => {
  test('goes to others where there are any', () => {
    assert.deepEqual(withholdOrStepIn({ offering: 1, before: 0 }), { kind: 'withhold' })
  })

  test('is kept where nobody else offers one: one node after the other steps in', () => {
    assert.deepEqual(withholdOrStepIn({ offering: 0, before: 0 }), { kind: 'step-in', afterMs: 0 })
    assert.deepEqual(withholdOrStepIn({ offering: 0, before: 2 }), { kind: 'step-in', afterMs: 2 * STEP_IN_GAP_MS })
  })
})
