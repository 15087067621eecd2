import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { property } from '../../testkit/property.ts'
import {
  type BfdAction,
  type BfdEvent,
  type BfdOptions,
  type BfdSession,
  type BfdState,
  type ControlPacket,
  createBfdSession,
  decodeControlPacket,
  detectionTimeMs,
  judgeEcho,
  stepBfd,
  transmitIntervalMs,
} from './index.ts'
import { STATES } from './packet.ts'

const OPTIONS: BfdOptions = {
  desiredMinTxMicroseconds: 300_000,
  requiredMinRxMicroseconds: 300_000,
  requiredMinEchoRxMicroseconds: 0,
  detectMultiplier: 3,
  isPassive: false,
  minimumTtl: 255,
}
const OURS = 7
const THEIRS = 9

const packet = (part: Partial<ControlPacket> = {}): ControlPacket => ({
  diagnostic: 0,
  state: 'Down',
  isPoll: false,
  isFinal: false,
  isControlPlaneIndependent: false,
  isDemand: false,
  isMultipoint: false,
  detectMultiplier: 3,
  myDiscriminator: THEIRS,
  yourDiscriminator: OURS,
  desiredMinTxMicroseconds: 300_000,
  requiredMinRxMicroseconds: 300_000,
  requiredMinEchoRxMicroseconds: 0,
  authentication: undefined,
  ...part,
})

/** A session that remembers what it did. */
function subject(options: Partial<BfdOptions> = {}) {
  let session = createBfdSession(OURS, { ...OPTIONS, ...options })
  let nowMs = 0
  const happen = (event: BfdEvent): readonly BfdAction[] => {
    const step = stepBfd(session, event, nowMs)
    session = step.session
    return step.actions
  }
  return {
    happen,
    hear: (part: Partial<ControlPacket> = {}, receivedTtl = 255, ageMs = 0) =>
      happen({ kind: 'packet', packet: packet(part), receivedTtl, ageMs }),
    wait: (ms: number) => {
      nowMs += ms
    },
    get session(): BfdSession {
      return session
    },
  }
}

const sent = (actions: readonly BfdAction[]) =>
  actions.flatMap((action) => (action.kind === 'send' ? [decodeControlPacket(action.bytes)] : []))
const armed = (actions: readonly BfdAction[], timer: string) =>
  actions.findLast((action) => action.kind === 'arm' && action.timer === timer)

/** A session in each state, and its peer's packets acceptable. */
function inState(state: BfdState, options: Partial<BfdOptions> = {}) {
  const it = subject(options)
  it.happen({ kind: 'start' })
  if (state === 'Init' || state === 'Up') it.hear({ state: 'Down' })
  if (state === 'Up') it.hear({ state: 'Init' })
  if (state === 'AdminDown') it.happen({ kind: 'admin-down' })
  assert.equal(it.session.state, state)
  return it
}

describe('RFC 5880 section 6.2: states', () => {
  /** Rows: our state; columns: the peer's AdminDown, Down, Init, Up. */
  const TABLE: Readonly<Record<BfdState, readonly [BfdState, BfdState, BfdState, BfdState]>> = {
    AdminDown: ['AdminDown', 'AdminDown', 'AdminDown', 'AdminDown'],
    Down: ['Down', 'Init', 'Up', 'Down'],
    Init: ['Down', 'Init', 'Up', 'Up'],
    Up: ['Down', 'Down', 'Up', 'Up'],
  }
  for (const state of STATES) {
    for (const [column, heard] of STATES.entries()) {
      const next = TABLE[state][column]!
      test(`${state}, ${heard} heard: ${next}`, () => {
        const it = inState(state)
        const actions = it.hear({ state: heard })
        assert.equal(it.session.state, next)
        assert.equal(
          actions.some((action) => action.kind === 'up'),
          state !== 'Up' && next === 'Up',
        )
        assert.equal(
          actions.some((action) => action.kind === 'down'),
          state === 'Up' && next !== 'Up',
        )
        if (next !== state) assert.equal(sent(actions).at(-1)?.state, next, 'a change is told at once (section 6.8.7)')
      })
    }
  }
  for (const [heard, because] of [
    ['Down', 'neighbor-signaled-down'],
    ['AdminDown', 'neighbor-administratively-down'],
  ] as const) {
    test(`Up, ${heard} heard: down because ${because}`, () => {
      assert.deepEqual(
        inState('Up')
          .hear({ state: heard })
          .find((action) => action.kind === 'down'),
        { kind: 'down', because, diagnostic: 'neighbor signaled session down' },
      )
    })
  }
})

describe('RFC 5880 section 6.8.6: packets that are dropped', () => {
  for (const [because, part, ttl] of [
    ['ttl-too-low', {}, 254],
    ['zero-detect-multiplier', { detectMultiplier: 0 }, 255],
    ['multipoint', { isMultipoint: true }, 255],
    ['zero-my-discriminator', { myDiscriminator: 0 }, 255],
    ['not-our-discriminator', { yourDiscriminator: 8 }, 255],
    ['zero-your-discriminator', { yourDiscriminator: 0, state: 'Init' }, 255],
    ['zero-your-discriminator', { yourDiscriminator: 0, state: 'Up' }, 255],
    ['authentication-not-configured', { authentication: new Uint8Array(7) }, 255],
  ] as const) {
    test(`${because} ${JSON.stringify(part)} changes nothing`, () => {
      const it = inState('Up')
      const before = it.session
      assert.deepEqual(it.hear({ state: 'Down', ...part }, ttl), [{ kind: 'discarded', because }])
      assert.equal(it.session, before)
    })
  }
  test("several hops: the least TTL is the profile's (RFC 5883)", () => {
    const it = subject({ minimumTtl: 250 })
    assert.deepEqual(it.hear({}, 249), [{ kind: 'discarded', because: 'ttl-too-low' }])
    it.hear({}, 250)
    assert.equal(it.session.state, 'Init')
  })
  test('your discriminator 0 is fine while the peer is Down', () => {
    const it = subject()
    it.hear({ yourDiscriminator: 0 })
    assert.equal(it.session.state, 'Init')
  })
})

describe('RFC 5880 section 6.8: times', () => {
  test('not Up: once a second at most, whatever is configured; Up: as configured, with a poll', () => {
    const it = subject()
    const [hello] = sent(it.happen({ kind: 'start' }))
    assert.equal(hello?.desiredMinTxMicroseconds, 1_000_000)
    assert.equal(transmitIntervalMs(it.session), 1000)
    it.hear()
    const [up] = sent(it.hear({ state: 'Init' }))
    assert.deepEqual([up?.state, up?.isPoll, up?.desiredMinTxMicroseconds], ['Up', true, 300_000])
    assert.equal(transmitIntervalMs(it.session), 300)
  })
  test('the peer sets the pace if it is slower, and silence if it says 0', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', requiredMinRxMicroseconds: 2_000_000 })
    assert.equal(transmitIntervalMs(it.session), 2000)
    const actions = it.hear({ state: 'Up', requiredMinRxMicroseconds: 0 })
    assert.equal(transmitIntervalMs(it.session), undefined)
    assert.ok(actions.some((action) => action.kind === 'disarm' && action.timer === 'transmit'))
  })
  test('6.8.4 detection time: remote multiplier times the slower of our receive and their transmit interval', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', detectMultiplier: 5, desiredMinTxMicroseconds: 100_000 })
    assert.equal(detectionTimeMs(it.session), 1500)
    it.hear({ state: 'Up', detectMultiplier: 2, desiredMinTxMicroseconds: 500_000 })
    assert.equal(detectionTimeMs(it.session), 1000)
  })
  test('6.8.7 jitter: 75 to 100 % of the interval, 75 to 90 % with multiplier 1', () => {
    const window = (detectMultiplier: number) => {
      const arm = armed(inState('Up', { detectMultiplier }).happen({ kind: 'timer', timer: 'transmit' }), 'transmit')
      return arm?.kind === 'arm' ? [arm.afterMs * (1 - arm.jitter), arm.afterMs].map(Math.round) : []
    }
    assert.deepEqual(window(3), [225, 300])
    assert.deepEqual(window(1), [225, 270])
  })
  test('silence for the detection time: down, the peer is forgotten', () => {
    const it = inState('Up')
    it.wait(899)
    assert.equal(armed(it.happen({ kind: 'timer', timer: 'detect' }), 'detect')?.kind, 'arm')
    assert.equal(it.session.state, 'Up')
    it.wait(1)
    const actions = it.happen({ kind: 'timer', timer: 'detect' })
    assert.ok(actions.some((action) => action.kind === 'down' && action.because === 'detection-time-expired'))
    const [last] = sent(actions)
    assert.deepEqual([last?.state, last?.diagnostic, last?.yourDiscriminator], ['Down', 1, 0])
  })
  test('a packet just before the end moves the deadline without arming the timer again', () => {
    const it = inState('Up')
    it.wait(890)
    assert.equal(armed(it.hear({ state: 'Up' }), 'detect'), undefined)
    it.wait(10)
    const again = armed(it.happen({ kind: 'timer', timer: 'detect' }), 'detect')
    assert.equal(again?.kind === 'arm' && again.afterMs, 890)
    assert.equal(it.session.state, 'Up')
  })
})

describe('RFC 5880 sections 6.5 and 6.8.3: poll sequences', () => {
  test('a poll is answered at once, with Final and without Poll', () => {
    const [answer] = sent(inState('Up').hear({ state: 'Up', isPoll: true }))
    assert.deepEqual([answer?.isFinal, answer?.isPoll], [true, false])
  })
  test('answers to polls do not put off the periodic packets', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', isFinal: true })
    it.happen({ kind: 'timer', timer: 'transmit' })
    const { lastSentMs } = it.session
    it.wait(200)
    it.hear({ state: 'Up', isPoll: true })
    assert.equal(it.session.lastSentMs, lastSentMs)
    const again = armed(it.hear({ state: 'Up', requiredMinRxMicroseconds: 400_000 }), 'transmit')
    assert.equal(again?.kind === 'arm' && again.afterMs, 200)
  })
  test('our own poll goes on although the peer is in Demand mode', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', isDemand: true })
    assert.equal(transmitIntervalMs(it.session), 300, 'the poll that announces our times is not answered yet')
    it.hear({ state: 'Up', isDemand: true, isFinal: true })
    assert.equal(transmitIntervalMs(it.session), undefined)
  })
  test('slower sending waits for Final, shorter waiting too', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', isFinal: true })
    const slower = { ...OPTIONS, desiredMinTxMicroseconds: 900_000, requiredMinRxMicroseconds: 100_000 }
    const [poll] = sent(it.happen({ kind: 'configure', options: slower }))
    assert.deepEqual(
      [poll?.isPoll, poll?.desiredMinTxMicroseconds, poll?.requiredMinRxMicroseconds],
      [true, 900_000, 100_000],
    )
    assert.equal(transmitIntervalMs(it.session), 300, 'the peer may still count on 300 ms')
    it.hear({ state: 'Up', desiredMinTxMicroseconds: 100_000 })
    assert.equal(detectionTimeMs(it.session), 900)
    it.hear({ state: 'Up', isFinal: true, desiredMinTxMicroseconds: 100_000 })
    assert.equal(transmitIntervalMs(it.session), 900)
    assert.equal(detectionTimeMs(it.session), 300)
    assert.equal(it.session.state, 'Up', 'no flap')
  })
  test('a session that goes down polls no more', () => {
    const it = inState('Up')
    assert.equal(it.session.poll, 'running')
    assert.deepEqual(
      sent(it.hear({ state: 'Down' })).map((each) => [each.state, each.isPoll]),
      [['Down', false]],
    )
  })
  test('faster sending begins at once', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', isFinal: true })
    it.happen({ kind: 'configure', options: { ...OPTIONS, desiredMinTxMicroseconds: 100_000 } })
    it.hear({ state: 'Up', requiredMinRxMicroseconds: 100_000 })
    assert.equal(transmitIntervalMs(it.session), 100)
  })
  test('a change during a poll sequence takes another one', () => {
    const it = inState('Up')
    it.happen({ kind: 'configure', options: { ...OPTIONS, desiredMinTxMicroseconds: 900_000 } })
    it.hear({ state: 'Up', isFinal: true })
    assert.equal(it.session.poll, 'running')
    it.hear({ state: 'Up', isFinal: true })
    assert.equal(it.session.poll, 'none')
    assert.equal(transmitIntervalMs(it.session), 900)
  })
  test('the same options again are nothing', () => {
    const it = inState('Up')
    assert.deepEqual(it.happen({ kind: 'configure', options: { ...OPTIONS } }), [])
  })
})

describe('roles and modes', () => {
  test('6.1 passive: silent until the peer has spoken', () => {
    const it = subject({ isPassive: true })
    assert.deepEqual(sent(it.happen({ kind: 'start' })), [])
    assert.equal(sent(it.hear())[0]?.state, 'Init')
  })
  test('6.6 the peer is in Demand mode and both are Up: no periodic packets, but polls are answered', () => {
    const it = inState('Up')
    it.hear({ state: 'Up', isFinal: true })
    it.hear({ state: 'Up', isDemand: true })
    assert.equal(transmitIntervalMs(it.session), undefined)
    assert.equal(sent(it.hear({ state: 'Up', isDemand: true, isPoll: true }))[0]?.isFinal, true)
    it.hear({ state: 'Up' })
    assert.equal(transmitIntervalMs(it.session), 300)
  })
  test("6.8.16 leaving: AdminDown is said for the peer's detection time, then the session is finished", () => {
    const it = inState('Up')
    const actions = it.happen({ kind: 'admin-down' })
    const [bye] = sent(actions)
    assert.ok(actions.some((action) => action.kind === 'disarm' && action.timer === 'detect'))
    assert.deepEqual([bye?.state, bye?.diagnostic], ['AdminDown', 7])
    assert.ok(actions.some((action) => action.kind === 'down' && action.because === 'administratively-down'))
    assert.deepEqual(armed(actions, 'linger'), { kind: 'arm', timer: 'linger', afterMs: 3000, jitter: 0 })
    assert.equal(sent(it.happen({ kind: 'timer', timer: 'transmit' }))[0]?.state, 'AdminDown')
    it.wait(100_000)
    assert.deepEqual(it.happen({ kind: 'timer', timer: 'detect' }), [], 'nobody is awaited any more')
    assert.ok(it.happen({ kind: 'timer', timer: 'linger' }).some((action) => action.kind === 'finished'))
  })
  test('6.8.4 silence counts from when the last packet arrived, not from when it was read', () => {
    const it = inState('Up')
    it.wait(600)
    it.hear({ state: 'Up' }, 255, 400)
    it.wait(499)
    const early = it.happen({ kind: 'timer', timer: 'detect' })
    assert.deepEqual(
      [it.session.state, armed(early, 'detect')],
      ['Up', { kind: 'arm', timer: 'detect', afterMs: 1, jitter: 0 }],
    )
    it.wait(1)
    assert.ok(it.happen({ kind: 'timer', timer: 'detect' }).some(({ kind }) => kind === 'down'))
  })
  test('echo packets go back only while Up, if offered, and from the next hop', () => {
    const offered = { requiredMinEchoRxMicroseconds: 50_000 }
    assert.equal(judgeEcho(inState('Up', offered).session, 255), 'return')
    assert.equal(judgeEcho(inState('Up', offered).session, 254), 'ttl-too-low')
    assert.equal(judgeEcho(inState('Init', offered).session, 255), 'not-up')
    assert.equal(judgeEcho(inState('Up').session, 255), 'not-offered')
    assert.equal(
      sent(inState('Up', offered).hear({ isPoll: true, state: 'Up' }))[0]?.requiredMinEchoRxMicroseconds,
      50_000,
    )
  })
})

const anyPacket = fc.record({
  state: fc.constantFrom(...STATES),
  isPoll: fc.boolean(),
  isFinal: fc.boolean(),
  isDemand: fc.boolean(),
  isMultipoint: fc.boolean(),
  detectMultiplier: fc.integer({ min: 0, max: 255 }),
  yourDiscriminator: fc.constantFrom(0, OURS, 1234),
  myDiscriminator: fc.constantFrom(0, THEIRS, 0xffff_ffff),
  desiredMinTxMicroseconds: fc.constantFrom(0, 1, 50_000, 0xffff_ffff),
  requiredMinRxMicroseconds: fc.constantFrom(0, 1, 50_000, 0xffff_ffff),
})
const anyEvent: fc.Arbitrary<BfdEvent> = fc.oneof(
  fc
    .tuple(anyPacket, fc.constantFrom(0, 20, 5000))
    .map(([part, ageMs]) => ({ kind: 'packet' as const, packet: packet(part), receivedTtl: 255, ageMs })),
  fc
    .constantFrom('transmit' as const, 'detect' as const, 'linger' as const)
    .map((timer) => ({ kind: 'timer' as const, timer })),
  fc.constantFrom(50_000, 300_000, 2_000_000).map((desiredMinTxMicroseconds) => ({
    kind: 'configure' as const,
    options: { ...OPTIONS, desiredMinTxMicroseconds },
  })),
  fc.constant({ kind: 'admin-down' as const }),
)

property(
  'whatever happens: timers are finite, packets are sound, up and down take turns',
  [fc.array(fc.tuple(anyEvent, fc.integer({ min: 0, max: 2000 })), { maxLength: 60 })],
  (events) => {
    const it = subject()
    let isUp = false
    for (const [event, waitMs] of [[{ kind: 'start' } as BfdEvent, 0] as const, ...events]) {
      it.wait(waitMs)
      for (const action of it.happen(event)) {
        if (action.kind === 'arm') {
          assert.ok(action.afterMs >= 0 && action.afterMs < 2 ** 31 && action.jitter >= 0 && action.jitter <= 0.25)
        }
        if (action.kind === 'send') {
          const { isPoll, isFinal, myDiscriminator } = decodeControlPacket(action.bytes)
          assert.ok(!(isPoll && isFinal) && myDiscriminator === OURS)
        }
        if (action.kind === 'up' || action.kind === 'down') {
          assert.equal(isUp, action.kind === 'down')
          isUp = !isUp
        }
      }
      assert.equal(isUp, it.session.state === 'Up')
    }
  },
)
