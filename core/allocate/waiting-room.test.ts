import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pool, resources } from '../../testkit/resources.ts'
import { compile } from '../config/index.ts'
import { rankOf } from './adoption.ts'
import { decide } from './decide.ts'
import { Ledger } from './ledger.ts'
import { requestOf, type ServiceRequest } from './request.ts'
import { WaitingRoom } from './waiting-room.ts'

/** How many are brought back, and in which order: who gets what is in the scenarios and the model. */

const WAITING = 1_000

function request(index: number): ServiceRequest {
  return requestOf({
    metadata: { name: `s${index}`, namespace: 'default', creationTimestamp: new Date(index * 1_000) },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }] },
  })
}

/** A pool of two addresses, two Services that hold them, and a thousand that wait. */
function crowdedLedger(): Ledger {
  const ledger = new Ledger()
  ledger.configure(compile(resources([pool('lan', { addresses: ['192.0.2.0/31'] })])).snapshot)
  for (let index = 0; index < WAITING + 2; index++) decide(ledger, request(index), 0)
  assert.equal(ledger.waiting.size, WAITING)
  assert.deepEqual(ledger.waiting.takeStirred(), [])
  return ledger
}

/** Decides whoever is brought back until nobody is; returns who that was. */
function settle(ledger: Ledger): string[] {
  const decided: string[] = []
  for (;;) {
    const keys = ledger.waiting.takeStirred()
    if (keys.length === 0) return decided
    for (const key of keys) decide(ledger, request(Number(key.slice('default/s'.length))), 0)
    decided.push(...keys)
  }
}

describe('of a thousand that wait', () => {
  test('one freed address brings back one: the oldest', () => {
    const ledger = crowdedLedger()
    ledger.forget('default/s1', 0)
    assert.deepEqual(settle(ledger), ['default/s2'])
    assert.deepEqual(ledger.assignmentOf('default/s2')?.addresses, ['192.0.2.1'])
  })

  test('two freed addresses bring back two', () => {
    const ledger = crowdedLedger()
    ledger.forget('default/s0', 0)
    ledger.forget('default/s1', 0)
    assert.deepEqual(settle(ledger), ['default/s2', 'default/s3'])
  })

  test('where somebody else was faster, nobody is', () => {
    const ledger = crowdedLedger()
    ledger.forget('default/s1', 0)
    decide(ledger, request(5_000), 0)
    assert.deepEqual(settle(ledger), [])
  })

  test('where the first is gone before it was decided, the next is', () => {
    const ledger = crowdedLedger()
    ledger.forget('default/s1', 0)
    assert.deepEqual(ledger.waiting.takeStirred(), ['default/s2'])
    assert.deepEqual(ledger.waiting.takeStirred(), [], 'not before the first was decided')
    ledger.forget('default/s2', 0)
    assert.deepEqual(settle(ledger), ['default/s3'])
  })

  test('where the oldest cannot use it they are asked one after the other, each once', () => {
    const ledger = crowdedLedger()
    for (let index = 2; index < WAITING + 2; index++) {
      ledger.waiting.leave(`default/s${index}`)
      const wanted = { pools: [{ pool: 'lan', families: [4] as const }], addresses: [] }
      ledger.waiting.enter(`default/s${index}`, rankOf(request(index)), wanted)
    }
    ledger.quarantine({ address: '192.0.2.1', because: 'test', isUnusable: false, isOver: false })
    ledger.forget('default/s1', 0)
    assert.deepEqual(settle(ledger), [], 'a quarantined address helps nobody')
    ledger.waiting.stirPool('lan', 4, 'one')
    assert.equal(settle(ledger).length, WAITING)
  })
})

describe('the waiting room', () => {
  const wanted = { pools: [{ pool: 'lan', families: [4] as const }], addresses: [] }

  test('an address of the other family brings back nobody', () => {
    const room = new WaitingRoom()
    room.enter('a', '1', wanted)
    room.stirPool('lan', 6, 'one')
    assert.deepEqual(room.takeStirred(), [])
  })

  test('what any number may join brings back everybody, oldest first', () => {
    const room = new WaitingRoom()
    for (const [key, rank] of [
      ['c', '3'],
      ['a', '1'],
      ['b', '2'],
    ] as const)
      room.enter(key, rank, wanted)
    room.stirPool('lan', 4, 'all')
    assert.deepEqual(room.takeStirred(), ['a', 'b', 'c'])
    assert.deepEqual(room.takeStirred(), [])
  })

  test('who waits for one address is told of whatever happens to it', () => {
    const room = new WaitingRoom()
    room.enter('a', '1', { pools: [], addresses: ['192.0.2.1'] })
    room.stirAddress('192.0.2.1')
    assert.deepEqual(room.takeStirred(), ['a'])
  })
})
