import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLEANUP_FINALIZER } from '../core/status/index.ts'
import type { Service } from '../operator/index.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { Departures, PATIENCE_MS } from './departures.ts'

const LIVE: Service = { metadata: { name: 'web', namespace: 'default', finalizers: [CLEANUP_FINALIZER] } }
const DELETED: Service = { metadata: { ...LIVE.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }

function world(announcers: readonly string[], isOn = true) {
  const clock = new VirtualClock()
  const reported = { by: announcers }
  return { clock, reported, departures: new Departures({ isOn, announcersOf: () => reported.by, clock }) }
}

describe('a deleted Service', () => {
  test('goes at once where nobody announces it', () => {
    assert.deepEqual(world([]).departures.judge(DELETED), { holdsDeletion: false })
  })

  test('is held while somebody does, and goes with the last report', () => {
    const { clock, reported, departures } = world(['n1', 'n2'])
    assert.deepEqual(departures.judge(DELETED), { holdsDeletion: true, afterMs: PATIENCE_MS })
    assert.equal(departures.size, 1)
    clock.advance(100)
    reported.by = ['n2']
    assert.deepEqual(departures.judge(DELETED), { holdsDeletion: true, afterMs: PATIENCE_MS - 100 })
    reported.by = []
    assert.deepEqual(departures.judge(DELETED), { holdsDeletion: false })
  })

  test('goes after half a minute whatever is reported, and the nodes are named', () => {
    const { clock, departures } = world(['n1', 'n2'])
    departures.judge(DELETED)
    clock.advance(PATIENCE_MS)
    const { holdsDeletion, event } = departures.judge(DELETED)
    assert.equal(holdsDeletion, false)
    assert.equal(event?.reason, 'CleanupOverdue')
    assert.match(event.message, /default\/web was deleted 30 s ago, and the speaker on n1, n2 has not reported/)
  })

  test('goes at once where the flag is off', () => {
    assert.deepEqual(world(['n1'], false).departures.judge(DELETED), { holdsDeletion: false })
  })

  test('without our finalizer gets none: the API server would refuse it', () => {
    const others = { metadata: { ...DELETED.metadata, finalizers: ['example.com/keep'] } }
    assert.deepEqual(world(['n1']).departures.judge(others), { holdsDeletion: false })
  })

  test('whose successor of the same name is deleted later is waited for as long again', () => {
    const { clock, departures } = world(['n1'])
    departures.judge(DELETED)
    departures.forget('default/web')
    clock.advance(PATIENCE_MS)
    assert.deepEqual(departures.judge(DELETED), { holdsDeletion: true, afterMs: PATIENCE_MS })
  })
})

test('a Service that lives carries the finalizer where the flag is on', () => {
  assert.deepEqual(world(['n1']).departures.judge(LIVE), { holdsDeletion: true })
  assert.deepEqual(world(['n1'], false).departures.judge(LIVE), { holdsDeletion: false })
})
