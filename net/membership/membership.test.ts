import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeHeartbeat, type Heartbeat } from './heartbeat.ts'
import { Membership, type MembershipAction, type MembershipEvent, type MembershipView } from './membership.ts'

const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')
const NEW_KEY = new TextEncoder().encode('EBESExQVFhcYGRobHB0eHw')
const MEMBERS = ['alpha', 'bravo', 'charlie'].map((node, at) => ({ node, addresses: [`192.0.2.${at + 1}`] }))

/** One node under test; time moves only by `advance`, which delivers the timers that come due. */
class Bench {
  now = 1_000
  readonly actions: MembershipAction[] = []
  view: MembershipView | undefined
  readonly membership: Membership
  #armedAtMs: number | undefined

  constructor(members = MEMBERS, keys = [KEY]) {
    this.membership = new Membership({ node: 'alpha', bootId: 1n, minIntervalMs: 100 })
    this.step({ kind: 'interfaces', names: ['eth0'] })
    this.step({ kind: 'configure', configuration: { keys, members } })
  }

  step(event: MembershipEvent): void {
    for (const action of this.membership.step(event, this.now)) {
      if (action.kind === 'arm') this.#armedAtMs = action.atMs
      else if (action.kind === 'view') this.view = action.view
      else this.actions.push(action)
    }
  }

  /** Lets `ms` pass; `every` is called before each step of 10 ms. */
  advance(ms: number, every: () => void = () => undefined): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10
      every()
      if (this.#armedAtMs !== undefined && this.now >= this.#armedAtMs) {
        this.#armedAtMs = undefined
        this.step({ kind: 'timer' })
      }
    }
  }

  hear(node: string, sequence: number, more: Partial<Heartbeat> = {}, key = KEY): void {
    const heartbeat = {
      ...{ node, sequence: BigInt(sequence), bootId: 5n, intervalMs: 100 },
      ...{ isLeaving: false, isUnicast: false, interfaces: ['eth0'] },
      ...more,
    }
    this.step({ kind: 'datagram', bytes: encodeHeartbeat(heartbeat, key) })
  }

  /** A member's heartbeats each 100 ms while `ms` pass. */
  hearing(nodes: readonly string[], ms: number, more: Partial<Heartbeat> = {}): void {
    this.advance(ms, () => {
      if (this.now % 100 === 0) for (const node of nodes) this.hear(node, this.now, more)
    })
  }

  alive(): string[] {
    return [...(this.view?.alive.keys() ?? [])].sort()
  }

  sent(): { multicast: number; unicast: string[] } {
    const multicast = this.actions.filter((action) => action.kind === 'send-multicast').length
    const unicast = this.actions.flatMap((action) => (action.kind === 'send-unicast' ? [action.address] : []))
    this.actions.length = 0
    return { multicast, unicast }
  }

  ignored(): string[] {
    return this.actions.flatMap((action) => (action.kind === 'ignored' ? [action.because] : []))
  }
}

describe('membership: settling', () => {
  test('nothing settles before 3.5 intervals of listening', () => {
    const bench = new Bench()
    bench.advance(340)
    assert.equal(bench.view?.isSettled, false)
    bench.advance(10)
    assert.equal(bench.view?.isSettled, true)
    assert.deepEqual(bench.alive(), ['alpha'])
  })

  test('it settles as soon as everybody was heard', () => {
    const bench = new Bench()
    bench.hear('bravo', 1)
    assert.equal(bench.view?.isSettled, false)
    bench.hear('charlie', 1)
    assert.equal(bench.view?.isSettled, true)
    assert.deepEqual(bench.alive(), ['alpha', 'bravo', 'charlie'])
  })

  test('a node that is alone settles at once', () => {
    assert.equal(new Bench([MEMBERS[0]!]).view?.isSettled, true)
  })

  test('without a key nothing is sent and nothing settles, until the key is there', () => {
    const bench = new Bench(MEMBERS, [])
    bench.advance(1_000)
    assert.deepEqual(bench.sent(), { multicast: 0, unicast: [] })
    assert.equal(bench.view?.isSettled, false)
    bench.step({ kind: 'configure', configuration: { keys: [KEY], members: MEMBERS } })
    bench.advance(350)
    assert.equal(bench.view?.isSettled, true)
  })
})

describe('membership: life and death', () => {
  test('a member is dead after 3.5 of its intervals of silence, not before', () => {
    const bench = new Bench()
    bench.hearing(['bravo', 'charlie'], 1_000)
    bench.hearing(['bravo'], 340)
    assert.deepEqual(bench.alive(), ['alpha', 'bravo', 'charlie'])
    bench.hearing(['bravo'], 20)
    assert.deepEqual(bench.alive(), ['alpha', 'bravo'])
  })

  test('a slow member is judged by its own interval', () => {
    const bench = new Bench()
    bench.hear('bravo', 1, { intervalMs: 1_000 })
    bench.advance(3_400)
    assert.deepEqual(bench.alive(), ['alpha', 'bravo'])
    bench.advance(150)
    assert.deepEqual(bench.alive(), ['alpha'])
  })

  test('one that leaves is gone at once, and back with a newer boot', () => {
    const bench = new Bench()
    bench.hearing(['bravo'], 500)
    bench.hear('bravo', 9_000, { isLeaving: true })
    assert.deepEqual(bench.alive(), ['alpha'])
    bench.hear('bravo', 1, { bootId: 6n })
    assert.deepEqual(bench.alive(), ['alpha', 'bravo'])
  })

  test('one that is configured no more is not alive', () => {
    const bench = new Bench()
    bench.hear('bravo', 1)
    bench.step({ kind: 'configure', configuration: { keys: [KEY], members: MEMBERS.slice(0, 1) } })
    assert.deepEqual(bench.alive(), ['alpha'])
  })

  test('what members can announce on is known, and followed', () => {
    const bench = new Bench()
    bench.hear('bravo', 1, { interfaces: ['eth0', 'eth1'] })
    assert.deepEqual(bench.view?.alive.get('bravo'), ['eth0', 'eth1'])
    bench.hear('bravo', 2, { interfaces: [] })
    assert.deepEqual(bench.view?.alive.get('bravo'), [])
  })

  test('a heartbeat that changes nothing reports nothing', () => {
    const bench = new Bench()
    bench.hear('bravo', 1)
    const before = bench.view
    bench.hear('bravo', 2)
    assert.equal(bench.view, before)
  })
})

describe('membership: what is ignored, and counted', () => {
  const CASES: readonly [string, (bench: Bench) => void, string[]][] = [
    ['an older sequence number', (bench) => bench.hear('bravo', 4), ['replayed']],
    ['an older boot', (bench) => bench.hear('bravo', 99, { bootId: 4n }), ['older-boot']],
    ['a copy that came another way', (bench) => bench.hear('bravo', 5, { isUnicast: true }), []],
    ['the own heartbeat', (bench) => bench.hear('alpha', 1), ['own']],
    ['a node that is not configured', (bench) => bench.hear('mallory', 1), ['unknown-member']],
    ['a forged one', (bench) => bench.hear('bravo', 6, {}, NEW_KEY), ['bad-authentication']],
  ]
  for (const [name, act, expected] of CASES) {
    test(name, () => {
      const bench = new Bench()
      bench.hear('bravo', 5)
      bench.actions.length = 0
      act(bench)
      assert.deepEqual(bench.ignored(), expected)
    })
  }

  test('a heartbeat repeated for ever keeps nobody alive', () => {
    const bench = new Bench()
    bench.advance(1_000, () => bench.hear('bravo', 5))
    assert.deepEqual(bench.alive(), ['alpha'])
  })
})

describe('membership: sending', () => {
  test('one multicast an interval on every interface', () => {
    const bench = new Bench()
    bench.step({ kind: 'interfaces', names: ['eth0', 'eth1'] })
    bench.hearing(['bravo', 'charlie'], 500)
    bench.sent()
    bench.hearing(['bravo', 'charlie'], 1_000)
    assert.deepEqual(bench.sent(), { multicast: 20, unicast: [] })
  })

  test('unicast to those not heard by multicast', () => {
    const bench = new Bench()
    bench.hearing(['bravo'], 500)
    bench.sent()
    bench.hearing(['bravo'], 100)
    assert.deepEqual(bench.sent().unicast, ['192.0.2.3'])
  })

  test('unicast to one that we hear but that does not hear us', () => {
    const bench = new Bench()
    bench.hearing(['bravo', 'charlie'], 500)
    bench.sent()
    bench.hear('bravo', bench.now + 1, { isUnicast: true })
    bench.hearing(['bravo', 'charlie'], 100)
    assert.deepEqual(bench.sent().unicast, ['192.0.2.2'])
  })

  test('a new interface is used at once', () => {
    const bench = new Bench()
    bench.advance(50)
    bench.sent()
    bench.step({ kind: 'interfaces', names: ['eth0', 'eth1'] })
    assert.equal(bench.sent().multicast, 2)
  })

  test('with many members the interval grows: 500 send no more than 1,000 datagrams a second together', () => {
    const many = Array.from({ length: 500 }, (_, at) => ({ node: `n${at}`, addresses: [] }))
    const bench = new Bench(many)
    assert.ok(500 / (bench.membership.intervalMs / 1_000) <= 1_000, `interval ${bench.membership.intervalMs} ms`)
  })

  test('a rotated key signs from the next heartbeat on', () => {
    const bench = new Bench()
    bench.step({ kind: 'configure', configuration: { keys: [NEW_KEY, KEY], members: MEMBERS } })
    const other = new Membership({ node: 'bravo', bootId: 1n, minIntervalMs: 100 })
    other.step({ kind: 'configure', configuration: { keys: [KEY], members: MEMBERS } }, 0)
    bench.sent()
    bench.advance(100)
    const heartbeat = bench.actions.find((action) => action.kind === 'send-multicast')
    assert.ok(heartbeat?.kind === 'send-multicast')
    const answers = other.step({ kind: 'datagram', bytes: heartbeat.bytes }, 1)
    assert.ok(answers.some((action) => action.kind === 'ignored' && action.because === 'bad-authentication'))
    assert.equal(bench.view?.isSettled, false, 'rotation does not begin anew, so settling goes on as it was')
  })

  test('leaving: three goodbyes, then left, then silence', () => {
    const bench = new Bench()
    bench.hearing(['bravo', 'charlie'], 500)
    bench.sent()
    bench.step({ kind: 'leave' })
    bench.advance(100)
    assert.equal(bench.actions.filter((action) => action.kind === 'left').length, 1)
    assert.equal(bench.sent().multicast, 3)
    bench.advance(1_000)
    assert.equal(bench.sent().multicast, 0)
  })
})

describe('membership: a frozen process', () => {
  test('thawed, it claims nothing and buries nobody before it has listened again', () => {
    const bench = new Bench()
    bench.hearing(['bravo', 'charlie'], 1_000)
    bench.now += 5_000
    bench.step({ kind: 'timer' })
    assert.equal(bench.view?.isSettled, false)
    assert.deepEqual(bench.alive(), ['alpha', 'bravo', 'charlie'])
    bench.hearing(['bravo'], 400)
    assert.equal(bench.view?.isSettled, true)
    assert.deepEqual(bench.alive(), ['alpha', 'bravo'])
  })
})
