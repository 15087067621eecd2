import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceEvent } from '../../core/allocate/index.ts'
import type { DecisionInForce } from '../allocator.ts'
import { DECISIONS_KEPT, DecisionRing } from './decisions.ts'

interface Words {
  readonly shown?: readonly string[]
  readonly held?: readonly string[]
  readonly has?: readonly string[]
  readonly said?: readonly string[]
}

function made({ shown = [], held = shown, has = [], said = [] }: Words): DecisionInForce {
  const events = said.map((message): ServiceEvent => ({ type: 'Normal', reason: 'IPAllocated', message }))
  return {
    service: {
      metadata: { name: 'web', namespace: 'default' },
      status: { loadBalancer: { ingress: shown.map((ip) => ({ ip })) } },
    },
    ...{ held, events },
    decision: {
      ...{ key: 'default/web', addresses: has, pool: undefined, changed: true, events, message: 'as decided' },
      ...{ outcome: { kind: 'assigned', shortcoming: undefined }, verdicts: [] },
    },
  }
}

const ROWS: readonly (readonly [name: string, words: Words, kind: string | undefined])[] = [
  ['its first address', { has: ['192.0.2.1'] }, 'allocated'],
  ['a second family beside the first', { shown: ['192.0.2.1'], has: ['192.0.2.1', '2001:db8::1'] }, 'allocated'],
  ['another address', { shown: ['192.0.2.1'], has: ['192.0.2.2'] }, 'moved'],
  ['its address taken back', { shown: ['192.0.2.1'], has: [] }, 'released'],
  ['no load balancer any more: the API server has wiped the status', { held: ['192.0.2.1'], has: [] }, 'released'],
  ['no address to be had', { said: ['No address for Service default/web: pool "lan" is full'] }, 'refused'],
  ['something to be said, nothing changed', { shown: ['192.0.2.1'], has: ['192.0.2.1'], said: ['contested'] }, 'told'],
  ['nothing new', { shown: ['192.0.2.1'], has: ['192.0.2.1'] }, undefined],
  ['nothing there, nothing new', {}, undefined],
]

for (const [name, words, kind] of ROWS) {
  test(`${name}: ${kind ?? 'not told'}`, () => {
    const ring = new DecisionRing(() => 0)
    assert.equal(ring.made(made(words)), kind !== undefined)
    assert.equal(ring.rows[0]?.kind, kind)
  })
}

test('the sentence is that of the events; without one, that of the condition', () => {
  const ring = new DecisionRing(() => Date.UTC(2026, 0, 1))
  ring.made(made({ has: ['192.0.2.1'], said: ['taken back', 'assigned'] }))
  ring.made(made({ has: ['192.0.2.1'] }))
  ring.gone('default/web', ['192.0.2.1', '2001:db8::1'])
  assert.deepEqual(
    ring.rows.map(({ number, at, sentence }) => [number, at, sentence]),
    [
      [1, '2026-01-01T00:00:00.000Z', 'taken back; assigned'],
      [2, '2026-01-01T00:00:00.000Z', 'as decided'],
      [3, '2026-01-01T00:00:00.000Z', '192.0.2.1 and 2001:db8::1 is free: the Service was deleted'],
    ],
  )
})

test('a hundred are kept, however many there were', () => {
  const ring = new DecisionRing(() => 0)
  for (let i = 0; i < 250; i++) ring.gone(`default/s${i}`, ['192.0.2.1'])
  assert.equal(ring.rows.length, DECISIONS_KEPT)
  assert.deepEqual([ring.rows[0]?.number, ring.rows.at(-1)?.number, ring.last], [151, 250, 250])
})
