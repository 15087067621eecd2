import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ControlPacket, encodeControlPacket } from '../../../net/bfd/index.ts'
import { parseAddress } from '../../../net/ip/index.ts'
import { VirtualClock } from '../../../testkit/virtual-clock.ts'
import type { DesiredBfd } from '../messages.ts'
import { type BfdPath, BfdSession } from './session.ts'

const DESIRED: DesiredBfd = {
  ...{ transmitIntervalMs: 50, receiveIntervalMs: 50, detectMultiplier: 3, isPassive: false },
  ...{ echoIntervalMs: undefined, minimumTtl: undefined },
}
const PATH: BfdPath = {
  ...{ address: parseAddress('127.0.0.1')!, interface: undefined, scope: 0, isMultihop: false },
  ...{ sourceAddress: undefined, device: undefined },
}
const HELLO: ControlPacket = {
  ...{ diagnostic: 0, state: 'Down', isPoll: false, isFinal: false, isControlPlaneIndependent: false },
  ...{ isDemand: false, isMultipoint: false, detectMultiplier: 3, myDiscriminator: 9, yourDiscriminator: 0 },
  ...{ desiredMinTxMicroseconds: 50_000, requiredMinRxMicroseconds: 50_000, requiredMinEchoRxMicroseconds: 0 },
  authentication: undefined,
}

const UP = { state: 'Up', yourDiscriminator: 7 } as const

/** A session, and what it reports of itself at each change. */
function session(path: Partial<BfdPath> = {}, hear: () => void = () => undefined) {
  const told: (string | undefined)[] = []
  const clock = new VirtualClock()
  const nothing = () => undefined
  const receive = (part: Partial<ControlPacket>, hopLimit: number, ageMs = 0) =>
    made.receive({ bytes: encodeControlPacket({ ...HELLO, ...part }), hopLimit, ageMs })
  const made: BfdSession = new BfdSession(7, { ...PATH, ...path }, DESIRED, {
    ...{ clock, hear, random: () => 0.5, onDown: nothing, onFinished: nothing },
    ...{ ignored: nothing, fault: nothing, onChange: () => told.push(made.observed.because) },
  })
  return { session: made, told, clock, receive, hear: (ttl: number) => receive({}, ttl) }
}

test('packets from too far away: said once, with the remedy', () => {
  using stack = new DisposableStack()
  const it = session()
  stack.defer(() => it.session.close())
  for (const ttl of [254, 253, 254]) it.hear(ttl)
  assert.equal(it.session.observed.state, 'Down')
  const text = 'packets arrive with TTL 254, and less than 255 is dropped: the peer is not on a link of this node'
  assert.deepEqual(it.told, [`${text}: set ebgpMultiHop, and minimumTtl in the BFDProfile`])
})

test('over several hops the profile is what to change', () => {
  using stack = new DisposableStack()
  const it = session({ isMultihop: true })
  stack.defer(() => it.session.close())
  it.hear(250)
  assert.deepEqual(it.told, [
    'packets arrive with TTL 250, and less than 254 is dropped: lower minimumTtl in the BFDProfile',
  ])
})

test('a session that is up does not heed them', () => {
  using stack = new DisposableStack()
  const it = session()
  stack.defer(() => it.session.close())
  it.hear(255)
  it.receive(UP, 255)
  assert.equal(it.session.observed.state, 'Up')
  it.told.length = 0
  it.hear(64)
  assert.deepEqual(it.told, [])
})

// The wire thread ended with ERR_SOCKET_BAD_PORT when a peer was quicker than our own bind and connect.
test('a peer that is heard before our socket is open', () => {
  using stack = new DisposableStack()
  const it = session()
  stack.defer(() => it.session.close())
  it.hear(255)
  assert.equal(it.session.observed.state, 'Init')
  assert.equal(it.session.counters.controlPacketsSent, 0)
})

// With 20 sessions and a loop that was held up for 100 ms more waited than one batch, and what was in the second one
// came too late for its session.
test('who is about to be taken for dead is read for first, as far as something has arrived', async () => {
  using stack = new DisposableStack()
  let waiting: number[] = []
  const it = session({}, () => {
    for (const ageMs of waiting.splice(0)) it.receive(UP, 255, ageMs)
  })
  stack.defer(() => it.session.close())
  it.hear(255)
  it.receive(UP, 255)
  waiting = [90, 40]
  it.clock.advance(160)
  await nextTurn()
  assert.deepEqual([it.session.observed.state, waiting], ['Up', []])
  it.clock.advance(110)
  await nextTurn()
  assert.equal(it.session.observed.state, 'Down', '150 ms after the arrival of the last one')
})
