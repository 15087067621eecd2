import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ReportedConflict } from '../core/status/index.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { LINGER_MS, Quarantines } from './quarantines.ts'

const CLAIMED: ReportedConflict = { address: '192.0.2.1', reason: 'ForeignClaim', because: 'station A answers' }
const IN_USE: ReportedConflict = { address: '192.0.2.1', reason: 'AddressInUse', because: 'station A has it' }

/** What the ledger was told, in order. */
function world() {
  const clock = new VirtualClock()
  const told: string[] = []
  const reports: { conflicts: readonly ReportedConflict[] } = { conflicts: [] }
  const quarantines = new Quarantines({
    conflicts: () => reports.conflicts,
    quarantine: ({ address, isUnusable, isOver }) =>
      told.push(`${address}${isUnusable ? ' unusable' : ''}${isOver ? ' over' : ''}`),
    endQuarantine: (address) => told.push(`end ${address}`),
    clock,
  })
  const report = (...conflicts: readonly ReportedConflict[]): void => {
    reports.conflicts = conflicts
    quarantines.reported()
  }
  return { clock, told, quarantines, report }
}

describe('an address that others use', () => {
  test('is quarantined once, however often it is reported', () => {
    const { told, report } = world()
    report(CLAIMED)
    report(CLAIMED)
    assert.deepEqual(told, ['192.0.2.1'])
  })

  test('is unusable as soon as one node could not begin to announce it', () => {
    const { told, report } = world()
    report(CLAIMED, IN_USE)
    assert.deepEqual(told, ['192.0.2.1 unusable'])
  })

  test('stays in quarantine for a while after the last report', () => {
    const { clock, told, report } = world()
    report(CLAIMED)
    report()
    clock.advance(LINGER_MS - 1)
    assert.deepEqual(told, ['192.0.2.1', '192.0.2.1 over'])
    clock.advance(1)
    assert.deepEqual(told.slice(2), ['end 192.0.2.1'])
  })

  test('that is reported again before that begins anew', () => {
    const { clock, told, report } = world()
    report(CLAIMED)
    report()
    clock.advance(LINGER_MS - 1)
    report(CLAIMED)
    clock.advance(LINGER_MS)
    assert.deepEqual(told, ['192.0.2.1', '192.0.2.1 over', '192.0.2.1'])
  })

  test('is forgotten with the term: the next leader reads the reports', () => {
    const { clock, quarantines, report } = world()
    report(CLAIMED)
    report()
    quarantines.stop()
    assert.equal(clock.pending, 0)
  })
})
