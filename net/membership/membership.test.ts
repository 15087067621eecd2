import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import { SeededRandom } from '../../testkit/random.ts'
import {
  type Action,
  type Event,
  type Heartbeat,
  initial,
  MAX_PROVISIONAL,
  type Member,
  mayAnswer,
  type Segment,
  type State,
  seal,
  step,
  unseal,
} from './index.ts'

const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')
const NEW_KEY = new TextEncoder().encode('EBESExQVFhcYGRobHB0eHw')
const MEMBERS: readonly Member[] = ['alpha', 'bravo', 'charlie'].map((node, at) => ({
  node,
  addresses: [`192.0.2.${at + 1}`],
}))
const BOOT = 5n

type View = Extract<Action, { kind: 'members' }>

function segment(name: string, hears = 1): Segment {
  return { interface: name, mac: '02:00:00:00:00:99', hears }
}

/** Alpha under test; time moves only by `advance`, which delivers the timers that come due. */
class Alpha {
  now = 1_000
  readonly actions: Action[] = []
  view: View | undefined
  announceable: readonly string[] = []
  /** How often the timer rang. */
  rings = 0
  readonly state: State = initial({ node: 'alpha', bootId: 1n })
  #armedAt: number | undefined

  constructor(members = MEMBERS, keys: readonly Uint8Array[] = [KEY]) {
    this.interfaces('eth0')
    this.step({ kind: 'configure', keys, members })
  }

  step(event: Event): void {
    for (const action of step(this.state, event, this.now)) {
      if (action.kind === 'arm') this.#armedAt = action.at
      else if (action.kind === 'members') this.view = action
      else if (action.kind === 'announceable') this.announceable = action.interfaces
      else this.actions.push(action)
    }
  }

  interfaces(...names: readonly string[]): void {
    this.step({ kind: 'interfaces', interfaces: names.map((name) => ({ name, mac: '02:00:00:00:00:01' })) })
  }

  /** Lets `ms` pass; `every` is called before each step of 10 ms. */
  advance(ms: number, every: () => void = () => undefined): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10
      every()
      if (this.#armedAt !== undefined && this.now >= this.#armedAt) {
        this.#armedAt = undefined
        this.rings++
        this.step({ kind: 'timer' })
      }
    }
  }

  hear(
    node: string,
    sequence: number,
    more: Partial<Heartbeat> = {},
    path: string | undefined = 'eth0',
    key = KEY,
  ): void {
    const heartbeat: Heartbeat = {
      ...{ node, sequence: BigInt(sequence), bootId: BOOT, intervalMs: 100, isLeaving: false },
      ...{ cannotHearYou: false, isUrgent: false, echo: undefined, segments: [segment('eth0')] },
      ...more,
    }
    this.step({ kind: 'datagram', bytes: seal(heartbeat, key), interface: path })
  }

  hearByUnicast(node: string, sequence: number, more: Partial<Heartbeat> = {}): void {
    // `undefined` would mean the default path, so the event is built by hand.
    const heartbeat: Heartbeat = {
      ...{ node, sequence: BigInt(sequence), bootId: BOOT, intervalMs: 100, isLeaving: false },
      ...{ cannotHearYou: true, isUrgent: false, echo: undefined, segments: [segment('eth0')] },
      ...more,
    }
    this.step({ kind: 'datagram', bytes: seal(heartbeat, KEY), interface: undefined })
  }

  /** Members' heartbeats each 100 ms while `ms` pass. */
  hearing(nodes: readonly string[], ms: number, more: Partial<Heartbeat> = {}, path = 'eth0'): void {
    this.advance(ms, () => {
      if (this.now % 100 === 0) for (const node of nodes) this.hear(node, this.now, more, path)
    })
  }

  alive(): string[] {
    return [...(this.view?.alive.keys() ?? [])].sort()
  }

  /** What was sent since the last call. */
  sent(): { multicast: string[]; unicast: string[]; heartbeats: Heartbeat[] } {
    const actions = this.actions.splice(0)
    const opened = actions.flatMap((action) => ('bytes' in action ? [unseal(action.bytes, [KEY, NEW_KEY])] : []))
    return {
      multicast: actions.flatMap((action) => (action.kind === 'multicast' ? [action.interface] : [])),
      unicast: actions.flatMap((action) => (action.kind === 'unicast' ? [action.address] : [])),
      heartbeats: opened.flatMap((unsealed) => (unsealed.kind === 'heartbeat' ? [unsealed.heartbeat] : [])),
    }
  }

  ignored(): string[] {
    return this.actions.flatMap((action) => (action.kind === 'ignored' ? [action.because] : []))
  }
}

describe('settling', () => {
  test('nothing is settled, nor is an interface announced on, before 3.5 intervals of listening', () => {
    const alpha = new Alpha()
    alpha.advance(340)
    assert.notEqual(alpha.view?.isSettled, true)
    assert.deepEqual(alpha.announceable, [])
    alpha.advance(70)
    assert.equal(alpha.view?.isSettled, true)
    assert.deepEqual(alpha.announceable, ['eth0'])
  })

  test('it is settled as soon as everybody was heard', () => {
    const alpha = new Alpha()
    alpha.hear('bravo', 1)
    assert.equal(alpha.view?.isSettled, false)
    alpha.hear('charlie', 1)
    assert.equal(alpha.view?.isSettled, true)
    assert.deepEqual(alpha.alive(), ['bravo', 'charlie'])
    assert.deepEqual(alpha.announceable, ['eth0'])
  })

  test('a node that is alone is settled at once', () => {
    const alpha = new Alpha([MEMBERS[0]!])
    assert.equal(alpha.view?.isSettled, true)
    assert.deepEqual(alpha.announceable, ['eth0'])
  })

  test('an interface that comes later is listened to first', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo'], 1_000)
    alpha.interfaces('eth0', 'eth1')
    assert.deepEqual(alpha.announceable, ['eth0'])
    alpha.hearing(['bravo'], 500)
    assert.deepEqual(alpha.announceable, ['eth0', 'eth1'])
  })

  test('without a key nothing is sent and nobody believed', () => {
    const alpha = new Alpha(MEMBERS, [])
    alpha.hear('bravo', 1)
    assert.deepEqual(alpha.ignored(), ['not-configured'])
    alpha.advance(1_000)
    assert.deepEqual(alpha.sent().multicast, [])
    assert.deepEqual(alpha.alive(), [])
  })
})

describe('life and death', () => {
  test('a member is dead after 3.5 of its intervals of silence, not before', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    alpha.hearing(['bravo'], 340)
    assert.deepEqual(alpha.alive(), ['bravo', 'charlie'])
    alpha.hearing(['bravo'], 20)
    assert.deepEqual(alpha.alive(), ['bravo'])
  })

  test('a slow member is judged by its own interval', () => {
    const alpha = new Alpha()
    alpha.hear('bravo', 1, { intervalMs: 1_000 })
    alpha.advance(3_400)
    assert.deepEqual(alpha.alive(), ['bravo'])
    alpha.advance(200)
    assert.deepEqual(alpha.alive(), [])
  })

  for (const [promised, deadAfterMs] of [
    [0, 70],
    [65_535, 35_000],
  ] as const) {
    test(`a promise of ${promised} ms is not taken literally: dead after ${deadAfterMs} ms`, () => {
      const alpha = new Alpha()
      alpha.hear('bravo', 1, { intervalMs: promised })
      alpha.advance(deadAfterMs - 10)
      assert.deepEqual(alpha.alive(), ['bravo'])
      alpha.advance(110)
      assert.deepEqual(alpha.alive(), [])
    })
  }

  test('one that leaves is gone at once, and back with a newer boot', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo'], 500)
    alpha.hear('bravo', 9_000, { isLeaving: true })
    assert.deepEqual(alpha.alive(), [])
    alpha.hear('bravo', 1, { bootId: BOOT + 1n })
    assert.deepEqual(alpha.alive(), ['bravo'])
  })

  test('one that is configured no more is alive while it is heard, and forgotten thereafter', () => {
    const alpha = new Alpha()
    alpha.hear('bravo', 1)
    alpha.step({ kind: 'configure', keys: [KEY], members: MEMBERS.slice(0, 1) })
    assert.deepEqual(alpha.alive(), ['bravo'])
    alpha.advance(400)
    assert.deepEqual(alpha.alive(), [])
    alpha.step({ kind: 'configure', keys: [KEY], members: MEMBERS.slice(0, 1) })
    assert.equal(alpha.state.peers.size, 0)
  })

  test('one that has the key is alive before the list of members names it, and nobody waits for it', () => {
    const alpha = new Alpha(MEMBERS.slice(0, 1))
    alpha.hear('bravo', 1)
    assert.deepEqual(alpha.alive(), ['bravo'])
    assert.deepEqual(alpha.ignored(), [])
    alpha.advance(400)
    assert.deepEqual(alpha.alive(), [])
    assert.equal(alpha.view?.isSettled, true)
  })

  test('of those that no list names only so many are remembered', () => {
    const alpha = new Alpha(MEMBERS.slice(0, 1))
    for (let at = 0; at < MAX_PROVISIONAL + 1; at++) alpha.hear(`node-${at}`, 1)
    assert.deepEqual(alpha.ignored(), ['unknown-member'])
    assert.equal(alpha.state.peers.size, MAX_PROVISIONAL)
    alpha.advance(1_000)
    alpha.hear('another', 1)
    assert.equal(alpha.state.peers.size, MAX_PROVISIONAL)
    assert.deepEqual(alpha.alive(), ['another'])
  })

  test('what members can announce on is known, and followed', () => {
    const alpha = new Alpha()
    alpha.hear('bravo', 1, { segments: [segment('eth0'), segment('eth1')] })
    assert.deepEqual(alpha.view?.alive.get('bravo'), { interfaces: ['eth0', 'eth1'] })
    alpha.hear('bravo', 2, { segments: [] })
    assert.deepEqual(alpha.view?.alive.get('bravo'), { interfaces: [] })
  })

  test('whose a MAC address is stays known after a death', () => {
    const alpha = new Alpha()
    alpha.hear('bravo', 1)
    alpha.advance(1_000)
    assert.deepEqual(alpha.alive(), [])
    assert.deepEqual([...alpha.view!.nodeOfMac], [['02:00:00:00:00:99', 'bravo']])
  })

  test('a heartbeat that changes nothing reports nothing', () => {
    const alpha = new Alpha()
    alpha.hear('bravo', 1)
    const before = alpha.view
    alpha.hear('bravo', 2, { segments: [segment('eth0', 7)] })
    assert.equal(alpha.view, before)
  })

  test('one that fell silent and returns without restart is healed, one that restarted is not', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.advance(500)
    assert.deepEqual(alpha.alive(), [])
    alpha.hear('bravo', 9_000)
    assert.deepEqual(alpha.view?.healed, ['bravo'])
    alpha.hear('charlie', 1, { bootId: BOOT + 1n })
    assert.deepEqual(alpha.view?.healed, [])
  })
})

describe('what is ignored, and counted', () => {
  const rows: readonly [name: string, act: (alpha: Alpha) => void, because: string[]][] = [
    ['the same once more', (alpha) => alpha.hear('bravo', 5), ['replayed']],
    ['an older sequence number', (alpha) => alpha.hear('bravo', 4), ['replayed']],
    ['an older boot', (alpha) => alpha.hear('bravo', 99, { bootId: BOOT - 1n }), ['older-boot']],
    ['the same by another path', (alpha) => alpha.hear('bravo', 5, {}, 'eth1'), []],
    ['a recording played on a quiet path', (alpha) => alpha.hear('bravo', 2, {}, 'eth1'), ['replayed']],
    ['our own heartbeat', (alpha) => alpha.hear('alpha', 1), ['own']],
    ['a foreign key', (alpha) => alpha.hear('bravo', 6, {}, 'eth0', NEW_KEY), ['forged']],
    [
      'something else on our port',
      (alpha) => alpha.step({ kind: 'datagram', bytes: new Uint8Array(4), interface: 'eth0' }),
      ['malformed'],
    ],
  ]
  for (const [name, act, because] of rows) {
    test(`${name}: ${because[0] ?? 'taken'}`, () => {
      const alpha = new Alpha()
      alpha.hear('bravo', 5)
      alpha.actions.length = 0
      act(alpha)
      assert.deepEqual(alpha.ignored(), because)
    })
  }

  test('a heartbeat repeated for ever keeps nobody alive', () => {
    const alpha = new Alpha()
    alpha.advance(1_000, () => alpha.hear('bravo', 5))
    assert.deepEqual(alpha.alive(), [])
  })

  property(
    'no datagram makes it throw or remember a stranger',
    [
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 120 }),
          fc.nat(20).map((at) => sealedFrom(`stranger-${at}`)),
        ),
        { maxLength: 20 },
      ),
    ],
    (datagrams) => {
      const alpha = new Alpha()
      for (const bytes of datagrams) alpha.step({ kind: 'datagram', bytes, interface: 'eth0' })
      const signed = new Set(datagrams.filter((bytes) => unseal(bytes, [KEY]).kind === 'heartbeat').map(toHex))
      assert.equal(alpha.state.peers.size, 2 + signed.size)
    },
    { share: 0.3 },
  )
})

function sealedFrom(node: string): Uint8Array {
  const segments = [segment('eth0')]
  const addressed = { cannotHearYou: false, isUrgent: false, echo: undefined }
  const fixed = { bootId: BOOT, sequence: 1n, intervalMs: 100, isLeaving: false, ...addressed }
  return seal({ node, segments, ...fixed }, KEY)
}

describe('a member whose clock was set back', () => {
  function dead(): Alpha {
    const alpha = new Alpha()
    alpha.hearing(['bravo'], 500)
    alpha.advance(1_000)
    return alpha
  }
  const bootId = BOOT - 3n

  test('is not believed on its word: it might be a recording', () => {
    const alpha = dead()
    alpha.hear('bravo', 99_000, { bootId })
    assert.deepEqual(alpha.alive(), [])
  })

  test('is believed when it echoes what we said last', () => {
    const alpha = dead()
    alpha.hearByUnicast('bravo', 1, { bootId, echo: { bootId: 1n, sequence: alpha.state.sequence } })
    assert.deepEqual(alpha.alive(), ['bravo'])
  })

  test('is not believed with an echo of long ago, or of another boot of ours', () => {
    const alpha = dead()
    alpha.hearByUnicast('bravo', 1, { bootId, echo: { bootId: 1n, sequence: alpha.state.sequence - 11n } })
    alpha.hearByUnicast('bravo', 1, { bootId, echo: { bootId: 0n, sequence: alpha.state.sequence } })
    assert.deepEqual(alpha.alive(), [])
  })
})

describe('sending', () => {
  test('one multicast an interval on every interface', () => {
    const alpha = new Alpha()
    alpha.interfaces('eth0', 'eth1')
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.sent()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    const { multicast, unicast } = alpha.sent()
    assert.equal(multicast.length, 20)
    assert.deepEqual(unicast, [])
  })

  test('unicast to those not heard by multicast, saying so and echoing them', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo'], 200)
    alpha.hearByUnicast('charlie', 41)
    alpha.sent()
    alpha.hearing(['bravo'], 100)
    const { unicast, heartbeats } = alpha.sent()
    assert.deepEqual(unicast, ['192.0.2.3'])
    assert.equal(heartbeats[1]?.cannotHearYou, true)
    assert.deepEqual(heartbeats[1]?.echo, { bootId: BOOT, sequence: 41n })
  })

  test('unicast to one that we hear but that does not hear us, without asking it for the same', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.sent()
    alpha.hearByUnicast('bravo', alpha.now)
    alpha.hearing(['bravo', 'charlie'], 100)
    const { unicast, heartbeats } = alpha.sent()
    assert.deepEqual(unicast, ['192.0.2.2'])
    assert.equal(heartbeats[1]?.cannotHearYou, false)
  })

  test('one that has been silent for half a minute is asked less often', () => {
    const alpha = new Alpha(MEMBERS.slice(0, 2))
    alpha.advance(40_000)
    alpha.sent()
    alpha.advance(10_000)
    assert.equal(alpha.sent().unicast.length, 10)
  })

  test('a new interface is used at once', () => {
    const alpha = new Alpha()
    alpha.advance(50)
    alpha.sent()
    alpha.interfaces('eth0', 'eth1')
    assert.deepEqual(alpha.sent().multicast, ['eth0', 'eth1'])
  })

  test('it says where it announces and how many it hears there', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    const { heartbeats } = alpha.sent()
    assert.deepEqual(heartbeats.at(-1)!.segments, [{ interface: 'eth0', mac: '02:00:00:00:00:01', hears: 2 }])
  })

  test('however many members, they send 500 heartbeats a second together', () => {
    const many = Array.from({ length: 500 }, (_, at) => ({ node: `n${at}`, addresses: [] }))
    const alpha = new Alpha([MEMBERS[0]!, ...many])
    assert.ok(500 / (alpha.sent().heartbeats[0]!.intervalMs / 1_000) <= 500)
  })

  test('500 members, a fifth of all packets lost: what each receives stays below 1,000 datagrams a second', () => {
    const names = Array.from({ length: 499 }, (_, at) => `n${at}`)
    const alpha = new Alpha([MEMBERS[0]!, ...names.map((node) => ({ node, addresses: [node] }))])
    const random = new SeededRandom(1)
    let sequence = 0
    let asked = 0
    const answerQuestions = (loss: number) => {
      for (const action of alpha.actions.splice(0)) {
        if (action.kind !== 'unicast') continue
        asked++
        if (!random.chance(loss) && !random.chance(loss)) {
          alpha.hearByUnicast(action.address, sequence, { intervalMs: 1_000, cannotHearYou: false })
        }
      }
    }
    const second = (loss: number) => {
      sequence++
      alpha.advance(1_000, () => {
        answerQuestions(loss)
        for (const node of names.filter((_, at) => at % 100 === (alpha.now / 10) % 100)) {
          if (!random.chance(loss)) alpha.hear(node, sequence, { intervalMs: 1_000 })
        }
      })
    }
    for (let at = 0; at < 3; at++) second(0)
    asked = 0
    second(0)
    assert.deepEqual([alpha.alive().length, asked], [499, 0])
    for (let at = 0; at < 10; at++) second(0.2)
    // Each asks as often as it is asked, and is answered as often.
    assert.equal(alpha.alive().length, 499)
    assert.ok(499 + 2 * (asked / 10) < 1_000, `${asked / 10} questions a second`)
  })

  test('the newest key signs; a key taken away opens nothing any more', () => {
    const alpha = new Alpha()
    alpha.step({ kind: 'configure', keys: [NEW_KEY, KEY], members: MEMBERS })
    alpha.hear('bravo', 1)
    assert.deepEqual(alpha.ignored(), [])
    alpha.sent()
    alpha.advance(100)
    const sent = alpha.actions.find((action) => action.kind === 'multicast')!
    assert.equal(unseal(sent.bytes, [NEW_KEY]).kind, 'heartbeat')
    alpha.step({ kind: 'configure', keys: [NEW_KEY], members: MEMBERS })
    alpha.hear('bravo', 2)
    assert.deepEqual(alpha.ignored(), ['forged'])
  })

  test('leaving: three goodbyes within 50 ms, then left, then silence', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.sent()
    alpha.step({ kind: 'leave' })
    alpha.advance(50)
    assert.ok(alpha.actions.some(({ kind }) => kind === 'left'))
    const { multicast, heartbeats } = alpha.sent()
    assert.equal(multicast.length, 3)
    assert.ok(heartbeats.every(({ isLeaving }) => isLeaving))
    alpha.step({ kind: 'configure', keys: [NEW_KEY, KEY], members: MEMBERS })
    alpha.advance(1_000)
    assert.deepEqual(alpha.sent().multicast, [], 'also when it is configured once more')
  })

  test('leaving while a member is silent: the timer does not ring for questions that are not asked', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.hearing(['bravo'], 140)
    alpha.step({ kind: 'leave' })
    alpha.now += 10
    const armed = step(alpha.state, { kind: 'timer' }, alpha.now).filter(({ kind }) => kind === 'arm')
    assert.ok(armed.every((action) => action.kind === 'arm' && action.at > alpha.now))
  })

  test('a heartbeat that is due within half an interval goes out with the one that was heard', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.sent()
    const due = alpha.state.nextSendAt!
    alpha.now = due - 51
    alpha.hear('bravo', 2_000)
    assert.deepEqual(alpha.sent().multicast, [], 'too early')
    alpha.now = due - 50
    alpha.hear('charlie', 2_000)
    assert.deepEqual(alpha.sent().multicast, ['eth0'])
    assert.equal(alpha.state.nextSendAt, alpha.now + 100)
    alpha.hear('bravo', 2_001)
    assert.deepEqual(alpha.sent().multicast, [], 'it has gone')
  })

  test('many members keep no step: a burst of heartbeats would keep questions waiting', () => {
    const others = Array.from({ length: 10 }, (_, at) => `node-${at}`)
    const members = ['alpha', ...others].map((node, at) => ({ node, addresses: [`192.0.2.${at + 1}`] }))
    const alpha = new Alpha(members)
    alpha.hearing(others, 500)
    alpha.sent()
    alpha.now = alpha.state.nextSendAt! - 10
    alpha.hear('node-0', 2_000)
    assert.deepEqual(alpha.sent().multicast, [])
  })

  test('while everybody is heard the timer rings for the heartbeats of this node alone', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.rings = 0
    alpha.sent()
    alpha.advance(1_000, () => {
      // More than half an interval before this node speaks.
      if (alpha.now % 100 === 40) for (const node of ['bravo', 'charlie']) alpha.hear(node, alpha.now)
    })
    assert.equal(alpha.rings, alpha.sent().multicast.length)
  })

  test('all keys taken away: nothing is sent and no timer rings', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo'], 500)
    alpha.step({ kind: 'configure', keys: [], members: MEMBERS })
    alpha.actions.length = 0
    const actions = step(alpha.state, { kind: 'timer' }, alpha.now + 1_000)
    assert.deepEqual(
      actions.map(({ kind }) => kind),
      ['members'],
    )
  })

  test('leaving before there is a key: nobody to tell, so it has left', () => {
    const alpha = new Alpha(MEMBERS, [])
    alpha.step({ kind: 'leave' })
    assert.deepEqual(alpha.actions, [{ kind: 'left' }])
    alpha.advance(1_000)
    assert.equal(alpha.actions.length, 1)
  })

  test('an interface that is gone is no longer published, at once', () => {
    const alpha = new Alpha()
    alpha.interfaces('eth0', 'eth1')
    alpha.hearing(['bravo', 'charlie'], 500)
    alpha.sent()
    alpha.interfaces('eth1')
    const { multicast, heartbeats } = alpha.sent()
    assert.deepEqual(multicast, ['eth1'])
    assert.deepEqual(
      heartbeats[0]?.segments.map((one) => one.interface),
      ['eth1'],
    )
  })
})

describe('a process that stood still', () => {
  test('buries nobody before it has read what was waiting', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    alpha.now += 5_000
    alpha.step({ kind: 'timer' })
    assert.deepEqual(alpha.alive(), ['bravo', 'charlie'])
    alpha.hear('bravo', 90_000)
    alpha.hearing([], 160)
    assert.deepEqual(alpha.alive(), ['bravo'])
  })

  test('reckons that the others have taken over meanwhile: it listens first, then has its last word', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    alpha.now += 5_000
    assert.equal(mayAnswer(alpha.state, alpha.now), false, 'not even before its first step')
    alpha.step({ kind: 'timer' })
    assert.deepEqual([alpha.view?.isCatchingUp, alpha.view?.mayBeBuried, alpha.view?.healed], [true, true, []])
    assert.equal(mayAnswer(alpha.state, alpha.now), false)
    alpha.hearing(['bravo', 'charlie'], 100)
    assert.deepEqual([alpha.view?.isCatchingUp, alpha.view?.healed], [false, ['bravo', 'charlie']])
    assert.equal(mayAnswer(alpha.state, alpha.now), true)
  })

  test('too short for anybody to have buried it: it listens, and nobody is said to be back', () => {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    alpha.now += 340
    alpha.step({ kind: 'timer' })
    assert.deepEqual([alpha.view?.isCatchingUp, alpha.view?.mayBeBuried], [true, false])
    assert.equal(mayAnswer(alpha.state, alpha.now), false)
    alpha.hearing(['bravo', 'charlie'], 100)
    assert.deepEqual([alpha.view?.isCatchingUp, alpha.view?.healed], [false, []])
  })

  const standstills: readonly [afterLastWordsMs: number, mayAnswerThen: boolean][] = [
    [100, true],
    [299, true],
    [300, false],
    [400, false],
    [60_000, false],
  ]
  for (const [ms, expected] of standstills) {
    test(`${ms} ms after its last heartbeat it may ${expected ? 'still' : 'not'} answer: they bury it after 350`, () => {
      const alpha = new Alpha()
      alpha.hearing(['bravo', 'charlie'], 1_000)
      assert.equal(alpha.state.nextSendAt, alpha.now + 100)
      assert.equal(mayAnswer(alpha.state, alpha.now + ms), expected)
    })
  }

  test('alone it may always answer', () => {
    const alpha = new Alpha([MEMBERS[0]!])
    assert.equal(mayAnswer(alpha.state, alpha.now + 60_000), true)
  })
})

describe('a member that has missed heartbeats', () => {
  /** Alpha after charlie has been silent for `ms`, bravo not. */
  function missing(ms: number): Alpha {
    const alpha = new Alpha()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    alpha.sent()
    alpha.hearing(['bravo'], ms)
    return alpha
  }

  test('is asked by unicast after 1.5 intervals, and each fifth of one from then on until it counts as dead, always twice', () => {
    const alpha = missing(140)
    assert.deepEqual(alpha.sent().unicast, [])
    alpha.hearing(['bravo'], 200)
    const { unicast, heartbeats } = alpha.sent()
    assert.deepEqual(unicast, Array(20).fill('192.0.2.3'))
    alpha.hearing(['bravo'], 20)
    assert.deepEqual(alpha.alive(), ['bravo'])
    assert.equal(heartbeats.filter(({ isUrgent }) => isUrgent).length, 20)
  })

  test('is asked no more once it is heard', () => {
    const alpha = missing(150)
    alpha.hearByUnicast('charlie', alpha.now, { cannotHearYou: false })
    alpha.sent()
    alpha.hearing(['bravo', 'charlie'], 1_000)
    assert.deepEqual(alpha.sent().unicast, [])
  })

  test('answers each question at once', () => {
    const alpha = missing(0)
    alpha.hearByUnicast('bravo', alpha.now + 1, { cannotHearYou: false, isUrgent: true })
    const { unicast, heartbeats } = alpha.sent()
    assert.deepEqual(unicast, ['192.0.2.2'])
    assert.ok(
      heartbeats.every(({ isUrgent }) => !isUrgent),
      'or they would ask each other for ever',
    )
  })
})

describe('an interface cut off from its segment', () => {
  function hearingBothWays(alpha: Alpha, eth1: boolean, hears: number, ms: number): void {
    const segments = [segment('eth0', 2), segment('eth1', hears)]
    alpha.advance(ms, () => {
      if (alpha.now % 100 !== 0) return
      for (const node of ['bravo', 'charlie']) {
        alpha.hear(node, alpha.now, { segments })
        if (eth1) alpha.hear(node, alpha.now, { segments }, 'eth1')
      }
    })
  }
  function connected(): Alpha {
    const alpha = new Alpha()
    alpha.interfaces('eth0', 'eth1')
    hearingBothWays(alpha, true, 2, 1_000)
    assert.deepEqual(alpha.announceable, ['eth0', 'eth1'])
    return alpha
  }

  test('is given up when the others still hear each other there, and taken again when it heals', () => {
    const alpha = connected()
    hearingBothWays(alpha, false, 1, 700)
    assert.deepEqual(alpha.announceable, ['eth0'])
    hearingBothWays(alpha, true, 1, 100)
    assert.deepEqual(alpha.announceable, ['eth0', 'eth1'])
  })

  test('is kept when nobody hears anybody there: then the segment is broken, not ours alone', () => {
    const alpha = connected()
    hearingBothWays(alpha, false, 0, 2_000)
    assert.deepEqual(alpha.announceable, ['eth0', 'eth1'])
  })

  test('is kept when the others are dead: somebody must answer', () => {
    const alpha = connected()
    alpha.advance(2_000)
    assert.deepEqual(alpha.alive(), [])
    assert.deepEqual(alpha.announceable, ['eth0', 'eth1'])
  })

  test('where nobody was ever heard proves nothing', () => {
    const alpha = new Alpha()
    alpha.interfaces('eth0', 'eth1')
    hearingBothWays(alpha, false, 1, 2_000)
    assert.deepEqual(alpha.announceable, ['eth0', 'eth1'])
  })
})
