import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { conflictsIn, isAnnounced, isWithheld, type ReportShape } from './reported-conflict.ts'

const because = 'station 02:00:00:00:00:09, seen on interface eth0 of node n1, answers for 192.0.2.1 as well'

function report(reason: string, addresses: string, status: 'True' | 'False' = 'True'): ReportShape {
  const condition = { type: 'AddressConflict', status, reason, message: because }
  return {
    metadata: { annotations: { 'invar.dev/conflict': addresses } },
    status: { node: 'n1', conditions: [condition] },
  }
}

describe('conflicts in a report', () => {
  const table: readonly [string, ReportShape, readonly string[]][] = [
    ['found by asking', report('AddressInUse', '192.0.2.1'), ['192.0.2.1 AddressInUse']],
    ['while announced', report('ForeignClaim', '192.0.2.1'), ['192.0.2.1 ForeignClaim']],
    ['a reason of a later version', report('Stolen', '192.0.2.1'), ['192.0.2.1 ForeignClaim']],
    [
      'of both families, in any notation',
      report('ForeignClaim', '192.0.2.1, 2001:DB8:0::1'),
      ['192.0.2.1 ForeignClaim', '2001:db8::1 ForeignClaim'],
    ],
    ['that is over', report('ForeignClaim', '192.0.2.1', 'False'), []],
    ['of what is no address', report('ForeignClaim', 'all'), []],
    ['without an annotation', { ...report('ForeignClaim', ''), metadata: {} }, []],
    ['of a report without status', { metadata: {} }, []],
  ]
  for (const [about, shown, expected] of table) {
    test(about, () => {
      const found = conflictsIn(shown)
      assert.deepEqual(
        found.map(({ address, reason }) => `${address} ${reason}`),
        expected,
      )
      for (const conflict of found) assert.equal(conflict.because, because)
    })
  }
})

test('an address that was found in use is reported, not announced; one that is contested is announced', () => {
  assert.deepEqual(
    [isAnnounced(report('AddressInUse', '192.0.2.1')), isWithheld(report('AddressInUse', ''))],
    [false, true],
  )
  assert.equal(isAnnounced(report('ForeignClaim', '192.0.2.1')), true)
  assert.equal(isAnnounced({ metadata: {}, status: { node: 'n1' } }), true)
  assert.equal(isAnnounced({ metadata: {} }), false, 'created, and its status not written yet')
})
