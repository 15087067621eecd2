/** Two sessions joined by a lossy link in virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TimerHandle } from '../../runtime/clock.ts'
import { property } from '../../testkit/property.ts'
import { SeededRandom } from '../../testkit/random.ts'
import { VirtualClock } from '../../testkit/virtual-clock.ts'
import {
  type BfdEvent,
  type BfdOptions,
  type BfdSession,
  type BfdTimer,
  createBfdSession,
  decodeControlPacket,
  stepBfd,
} from './index.ts'

const FAST: BfdOptions = {
  desiredMinTxMicroseconds: 50_000,
  requiredMinRxMicroseconds: 50_000,
  requiredMinEchoRxMicroseconds: 0,
  detectMultiplier: 3,
  isPassive: false,
  minimumTtl: 255,
}

interface Link {
  /** Probability that a packet is lost. */
  loss: number
  delayMs: number
}

/** One end: does what a shell does, on a virtual clock. */
class End {
  session: BfdSession
  readonly downs: { readonly because: string; readonly atMs: number }[] = []
  peer: End | undefined
  sent = 0
  readonly #timers = new Map<BfdTimer, TimerHandle>()
  readonly #clock: VirtualClock
  readonly #link: Link
  readonly #random: SeededRandom

  constructor(
    discriminator: number,
    options: BfdOptions,
    world: { clock: VirtualClock; link: Link; random: SeededRandom },
  ) {
    this.session = createBfdSession(discriminator, options)
    this.#clock = world.clock
    this.#link = world.link
    this.#random = world.random
  }

  happen(event: BfdEvent): void {
    const { session, actions } = stepBfd(this.session, event, this.#clock.now())
    this.session = session
    for (const action of actions) {
      if (action.kind === 'send') this.#transmit(action.bytes)
      if (action.kind === 'down') this.downs.push({ because: action.because, atMs: this.#clock.now() })
      if (action.kind === 'arm') this.#arm(action.timer, action.afterMs * (1 - action.jitter * this.#random.next()))
      if (action.kind === 'disarm') this.#disarm(action.timer)
    }
  }

  #transmit(bytes: Uint8Array): void {
    this.sent++
    if (this.#random.next() < this.#link.loss) return
    const packet = decodeControlPacket(bytes)
    this.#clock.setTimeout(
      () => this.peer?.happen({ kind: 'packet', packet, receivedTtl: 255, ageMs: 0 }),
      this.#link.delayMs,
    )
  }

  #arm(timer: BfdTimer, afterMs: number): void {
    this.#disarm(timer)
    this.#timers.set(
      timer,
      this.#clock.setTimeout(() => this.happen({ kind: 'timer', timer }), afterMs),
    )
  }

  #disarm(timer: BfdTimer): void {
    const handle = this.#timers.get(timer)
    if (handle !== undefined) this.#clock.clearTimeout(handle)
  }
}

function pair(seed: number, left: Partial<BfdOptions> = {}, right: Partial<BfdOptions> = {}) {
  const world = { clock: new VirtualClock(), link: { loss: 0, delayMs: 1 }, random: new SeededRandom(seed) }
  const a = new End(1, { ...FAST, ...left }, world)
  const b = new End(2, { ...FAST, ...right }, world)
  a.peer = b
  b.peer = a
  a.happen({ kind: 'start' })
  b.happen({ kind: 'start' })
  return { ...world, a, b }
}

test('both come up within seconds, and stay up without loss', () => {
  const { clock, a, b } = pair(1)
  clock.advance(3000)
  assert.deepEqual([a.session.state, b.session.state], ['Up', 'Up'])
  clock.advance(60_000)
  assert.deepEqual([...a.downs, ...b.downs], [])
})

test('packets go out at 75 to 100 % of the agreed interval', () => {
  const { clock, a } = pair(2)
  clock.advance(5000)
  const before = a.sent
  clock.advance(10_000)
  const perSecond = (a.sent - before) / 10
  assert.ok(perSecond >= 20 && perSecond <= 27, `${perSecond} a second`)
})

test('a cut link is noticed within the detection time', () => {
  const { clock, link, a, b } = pair(3)
  clock.advance(5000)
  link.loss = 1
  const cutAtMs = clock.now()
  clock.advance(1000)
  for (const end of [a, b]) {
    assert.equal(end.downs.length, 1)
    assert.equal(end.downs[0]?.because, 'detection-time-expired')
    assert.ok(end.downs[0]!.atMs - cutAtMs <= 152, `after ${end.downs[0]!.atMs - cutAtMs} ms`)
  }
})

test('one end restarts: the other goes down and both come up again', () => {
  const { clock, a, b, link, random } = pair(4)
  clock.advance(5000)
  const reborn = new End(3, FAST, { clock, link, random })
  b.peer = undefined
  a.peer = reborn
  reborn.peer = a
  reborn.happen({ kind: 'start' })
  clock.advance(5000)
  assert.deepEqual([a.session.state, reborn.session.state], ['Up', 'Up'])
  assert.equal(a.downs.length, 1)
})

test('a new profile is taken over without a flap, both ways', () => {
  const { clock, a, b } = pair(5)
  clock.advance(5000)
  for (const microseconds of [400_000, 20_000, 300_000]) {
    const times = { desiredMinTxMicroseconds: microseconds, requiredMinRxMicroseconds: microseconds }
    a.happen({ kind: 'configure', options: { ...FAST, ...times } })
    clock.advance(5000)
  }
  assert.deepEqual([a.session.state, b.session.state, a.downs, b.downs], ['Up', 'Up', [], []])
})

test('two passive ends never speak, one is enough', () => {
  const silent = pair(6, { isPassive: true }, { isPassive: true })
  silent.clock.advance(10_000)
  assert.equal(silent.a.sent + silent.b.sent, 0)
  const one = pair(6, { isPassive: true })
  one.clock.advance(5000)
  assert.equal(one.a.session.state, 'Up')
})

test('an end that leaves is no failure to the other', () => {
  const { clock, a, b } = pair(7)
  clock.advance(5000)
  a.happen({ kind: 'admin-down' })
  clock.advance(5000)
  assert.deepEqual(
    b.downs.map((down) => down.because),
    ['neighbor-administratively-down'],
  )
})

property(
  'after any trouble both are Up again once the link is good',
  [
    fc.integer(),
    fc.array(
      fc.tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 10, max: 3000 })),
      { maxLength: 6 },
    ),
  ],
  (seed, troubles) => {
    const { clock, link, a, b } = pair(seed)
    for (const [tenths, delayMs, forMs] of troubles) {
      link.loss = tenths / 10
      link.delayMs = delayMs
      clock.advance(forMs)
    }
    link.loss = 0
    link.delayMs = 1
    clock.advance(10_000)
    assert.deepEqual([a.session.state, b.session.state], ['Up', 'Up'])
    const downs = a.downs.length + b.downs.length
    clock.advance(10_000)
    assert.equal(a.downs.length + b.downs.length, downs, 'and stay so')
  },
  { share: 0.1 },
)
