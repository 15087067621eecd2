/**
 * Two whole speakers, session and Adj-RIB-Out, joined by simulated TCP in virtual time: chunks of any size, delays,
 * resets, stalls, peers that do not read, processes that die with and without a word.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { TimerHandle } from '../../runtime/clock.ts'
import { property } from '../../testkit/property.ts'
import { SeededRandom } from '../../testkit/random.ts'
import { VirtualClock } from '../../testkit/virtual-clock.ts'
import { parseAddress, parsePrefix } from '../ip/index.ts'
import {
  type AddressFamily,
  AdjRibIn,
  AdjRibOut,
  createSession,
  type Direction,
  type DownReason,
  decodeMessage,
  describeDown,
  MAXIMUM_EXTENDED_LENGTH,
  MessageStream,
  type Negotiated,
  type ReceivedRoute,
  type Session,
  type SessionAction,
  type SessionEvent,
  type SessionOptions,
  stateOf,
  step,
  type TimerName,
} from './index.ts'

/** One end of a TCP connection. */
interface Socket {
  /** undefined once this end is closed or its process gone. */
  owner: Speaker | undefined
  /** Under which direction the owner knows it; undefined = offered, or superseded. */
  direction: Direction | undefined
  peer: Socket | undefined
  readonly stream: MessageStream
  /** Arrived, but the other end does not read. */
  readonly arrived: Uint8Array[]
  /** Octets on their way to the other end. */
  inFlight: number
  /** Deliveries keep their order. */
  lastDeliveryMs: number
}

class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  /** Nothing is delivered before; TCP keeps it. */
  stalledUntilMs = 0
  readonly sockets = new Set<Socket>()

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  connect(dialler: Speaker, target: Speaker): void {
    const socket = this.socket(dialler, 'outgoing')
    dialler.sockets.outgoing = socket
    this.later(socket, () => {
      if (socket.owner === undefined) return
      if (!target.isRunning || !target.listens) {
        this.lose(socket, 'ECONNREFUSED')
        return
      }
      const offered = this.socket(target, undefined)
      offered.peer = socket
      socket.peer = offered
      dialler.happen({ kind: 'connected' })
      target.offer(offered)
    })
  }

  socket(owner: Speaker, direction: Direction | undefined): Socket {
    const stream = new MessageStream(MAXIMUM_EXTENDED_LENGTH)
    const socket = { owner, direction, peer: undefined, stream, arrived: [], inFlight: 0, lastDeliveryMs: 0 }
    this.sockets.add(socket)
    return socket
  }

  send(from: Socket, bytes: Uint8Array): void {
    const size = 1 + Math.floor(this.random.next() * 2 * bytes.length)
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.slice(at, at + size)
      from.inFlight += chunk.length
      this.later(from, () => this.#arrive(from, chunk))
    }
  }

  #arrive(from: Socket, chunk: Uint8Array): void {
    from.arrived.push(chunk)
    if (from.arrived.length === 1) this.#deliver(from)
  }

  #deliver(from: Socket): void {
    for (let chunk = from.arrived[0]; chunk !== undefined; chunk = from.arrived[0]) {
      // A process that died took its sockets with it; the kernel answers for it.
      if (from.peer?.owner === undefined) {
        this.lose(from, 'ECONNRESET')
        return
      }
      if (!from.peer.owner.reads) {
        this.clock.setTimeout(() => this.#deliver(from), 500)
        return
      }
      from.peer.owner.read(from.peer, chunk)
      from.arrived.shift()
      from.inFlight -= chunk.length
    }
    if (from.inFlight === 0) from.owner?.flushed(from)
    from.owner?.pump()
  }

  close(socket: Socket, because: string): void {
    const { peer } = socket
    socket.owner = undefined
    this.sockets.delete(socket)
    if (peer !== undefined) this.later(socket, () => this.lose(peer, because))
  }

  /** The owner learns that its connection is gone. */
  lose(socket: Socket, because: string): void {
    const { owner, direction } = socket
    socket.owner = undefined
    this.sockets.delete(socket)
    if (owner !== undefined && direction !== undefined) owner.lost(direction, socket, because)
  }

  /** After a delay, and not before what was sent earlier. */
  later(socket: Socket, callback: () => void): void {
    const delayMs = 1 + this.random.next() * 20
    const atMs = Math.max(this.clock.now() + delayMs, this.stalledUntilMs, socket.lastDeliveryMs)
    socket.lastDeliveryMs = atMs
    this.clock.setTimeout(callback, atMs - this.clock.now())
  }
}

const WINDOW = 3000

/** What a speaker's process keeps in its wire thread: the shell in small. */
class Speaker {
  session: Session
  readonly rib = new AdjRibOut()
  readonly sockets: Record<Direction, Socket | undefined> = { outgoing: undefined, incoming: undefined }
  isRunning = true
  listens = true
  reads = true
  /** The peer's routes: of this session, and those kept from the one before it. */
  received: AdjRibIn | undefined
  stale = new Map<string, ReceivedRoute>()
  readonly downs: DownReason[] = []
  establishments = 0
  readonly #world: World
  readonly #peer: () => Speaker
  readonly #timers = new Map<TimerName, TimerHandle>()
  #established: { direction: Direction; negotiated: Negotiated } | undefined
  #offered: Socket | undefined

  constructor(world: World, options: SessionOptions, peer: () => Speaker, isRestarting = false) {
    this.#world = world
    this.#peer = peer
    this.session = createSession(options, isRestarting)
  }

  get state(): string {
    return stateOf(this.session)
  }

  /** Prefixes of the peer that are usable here, with their communities. */
  get routes(): Map<string, string> {
    const routes = new Map<string, string>()
    for (const table of [this.stale, this.received?.routes ?? new Map<string, ReceivedRoute>()]) {
      for (const [prefix, route] of table) routes.set(prefix, route.communities.join())
    }
    return routes
  }

  announce(service: string, prefix: string | undefined, community: number): void {
    const wish = {
      advertisement: 'default',
      localPreference: undefined,
      communities: [community],
      largeCommunities: [],
      peers: undefined,
    }
    this.rib.set(service, prefix === undefined ? [] : [{ ...wish, prefix: parsePrefix(prefix)! }])
    this.pump()
  }

  happen(event: SessionEvent): void {
    if (!this.isRunning) return
    const { session, actions } = step(this.session, event, this.#world.clock.now())
    this.session = session
    for (const action of actions) this.#perform(action)
    this.pump()
  }

  offer(socket: Socket): void {
    this.#offered = socket
    this.happen({ kind: 'offered' })
  }

  read(socket: Socket, chunk: Uint8Array): void {
    for (const item of socket.stream.push(chunk)) {
      if (socket.owner === undefined || socket.direction === undefined) return
      const { direction } = socket
      if (item.kind === 'fault') this.happen({ kind: 'fault', direction, notification: item.notification })
      else {
        const frame = { direction, type: item.type, body: item.body.slice() }
        if (item.type === 'route-refresh' || item.type === 'update') this.#note(frame)
        this.happen({ kind: 'frame', ...frame })
      }
    }
  }

  lost(direction: Direction, socket: Socket, because: string): void {
    if (this.sockets[direction] !== socket) return
    this.sockets[direction] = undefined
    this.happen({ kind: 'disconnected', direction, because })
  }

  flushed(socket: Socket): void {
    if (socket.direction !== undefined) this.happen({ kind: 'flushed', direction: socket.direction })
  }

  pump(): void {
    if (this.#established === undefined) return
    const socket = this.sockets[this.#established.direction]
    while (socket?.owner !== undefined && socket.inFlight < WINDOW) {
      const message = this.rib.next('peer')
      if (message === undefined) return
      this.#world.send(socket, message)
    }
  }

  /** The process ends; with a word on each connection (FIN), or without one as when the power goes. */
  die(isSilent: boolean): void {
    this.isRunning = false
    for (const handle of this.#timers.values()) this.#world.clock.clearTimeout(handle)
    for (const socket of this.#world.sockets) {
      if (socket.owner !== this) continue
      if (isSilent) socket.owner = undefined
      else this.#world.close(socket, 'EOF')
    }
  }

  #note(frame: { type: 'route-refresh' | 'update' | string; body: Uint8Array }): void {
    if (this.received === undefined) return
    const message = decodeBodyOf(frame)
    if (message.kind === 'route-refresh') this.received.refresh(message.refresh)
    if (message.kind !== 'update') return
    this.received.update(message.update)
    for (const prefix of this.received.routes.keys()) this.stale.delete(prefix)
    // RFC 4724 section 4.2: what has not come again by End-of-RIB is gone.
    const isDone = (['ipv4-unicast', 'ipv6-unicast'] as AddressFamily[]).filter((each) =>
      this.received!.complete.has(each),
    )
    for (const prefix of [...this.stale.keys()]) {
      if (isDone.includes(prefix.includes(':') ? 'ipv6-unicast' : 'ipv4-unicast')) this.stale.delete(prefix)
    }
  }

  #perform(action: SessionAction): void {
    switch (action.kind) {
      case 'dial':
        this.#world.connect(this, this.#peer())
        break
      case 'accept':
        this.sockets.incoming = this.#offered
        this.#offered!.direction = 'incoming'
        break
      case 'refuse':
        this.#world.send(this.#offered!, action.bytes)
        this.#world.close(this.#offered!, 'EOF')
        break
      case 'send':
        this.#world.send(this.sockets[action.direction]!, action.bytes)
        break
      case 'close':
        this.#world.close(this.sockets[action.direction]!, action.isAbortive ? 'ECONNRESET' : 'EOF')
        this.sockets[action.direction] = undefined
        break
      case 'arm':
        this.#arm(action.timer, action.afterMs * (1 - action.jitter * this.#world.random.next()))
        break
      case 'disarm':
        this.#disarm(action.timer)
        break
      case 'established':
        this.#begin(action.direction, action.negotiated)
        break
      case 'refresh':
        this.rib.refresh('peer', action.family)
        break
      case 'down':
        this.#end(action)
    }
  }

  #begin(direction: Direction, negotiated: Negotiated): void {
    this.establishments++
    this.#established = { direction, negotiated }
    this.received = new AdjRibIn({ ...negotiated, isExternal: negotiated.kind === 'external' })
    const nextHops = {
      ipv4: parseAddress('192.0.2.1'),
      ipv6Global: parseAddress('2001:db8::1'),
      ipv6LinkLocal: undefined,
    }
    this.rib.attach('peer', negotiated, nextHops)
  }

  #end(down: Extract<SessionAction, { kind: 'down' }>): void {
    this.downs.push(down.because)
    if (!down.wasEstablished) return
    const peerIsGraceful = this.#established?.negotiated.gracefulRestart !== undefined
    const routes = this.received?.routes ?? new Map()
    this.stale = peerIsGraceful && keepsRoutesOf(down.because) ? new Map([...this.stale, ...routes]) : new Map()
    this.received = undefined
    this.#established = undefined
    this.rib.detach('peer')
  }

  #arm(timer: TimerName, afterMs: number): void {
    this.#disarm(timer)
    const handle = this.#world.clock.setTimeout(() => this.happen({ kind: 'timer', timer }), afterMs)
    this.#timers.set(timer, handle)
  }

  #disarm(timer: TimerName): void {
    const handle = this.#timers.get(timer)
    if (handle !== undefined) this.#world.clock.clearTimeout(handle)
  }
}

/** A helper keeps routes over a lost connection only (RFC 4724 section 4.2); the restart timer is left out. */
function keepsRoutesOf(because: DownReason): boolean {
  return because.kind === 'disconnected' || because.kind === 'replaced-by-new-connection'
}

function decodeBodyOf(frame: { type: string; body: Uint8Array }) {
  const bytes = new Uint8Array(19 + frame.body.length).fill(255, 0, 16)
  bytes.set([bytes.length >> 8, bytes.length & 255, frame.type === 'update' ? 2 : 5], 16)
  bytes.set(frame.body, 19)
  return decodeMessage(bytes, MAXIMUM_EXTENDED_LENGTH)
}

const LEFT: SessionOptions = {
  localAsn: 64_512,
  remote: { kind: 'asn', asn: 4_200_000_000 },
  identifier: 1,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: undefined,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  offersExtendedNextHop: false,
  offersExtendedMessage: false,
  gracefulRestart: undefined,
  role: undefined,
  mustHaveRole: false,
  isPassive: false,
}
const RIGHT: SessionOptions = { ...LEFT, localAsn: 4_200_000_000, remote: { kind: 'asn', asn: 64_512 }, identifier: 2 }

/** Two speakers, started, neither with routes. */
class Pair {
  readonly world: World
  readonly options: readonly [SessionOptions, SessionOptions]
  readonly speakers: [Speaker, Speaker]
  /** What each side wants to announce, whatever becomes of its process. */
  readonly wanted: [Map<string, [string, number]>, Map<string, [string, number]>] = [new Map(), new Map()]

  constructor(seed: number, left: Partial<SessionOptions> = {}, right: Partial<SessionOptions> = {}) {
    this.world = new World(seed)
    this.options = [
      { ...LEFT, ...left },
      { ...RIGHT, ...right },
    ]
    this.speakers = [this.#make(0), this.#make(1)]
    for (const speaker of this.speakers) speaker.rib.setComplete()
    for (const speaker of this.speakers) speaker.happen({ kind: 'start' })
  }

  #make(side: 0 | 1, isRestarting = false): Speaker {
    return new Speaker(this.world, this.options[side], () => this.speakers[1 - side]!, isRestarting)
  }

  announce(side: 0 | 1, service: string, prefix: string | undefined, community = 0): void {
    if (prefix === undefined) this.wanted[side].delete(service)
    else this.wanted[side].set(service, [prefix, community])
    this.speakers[side].announce(service, prefix, community)
  }

  advance(ms: number): void {
    this.world.clock.advance(ms)
  }

  /** The process dies and comes back after a while, with its routes but not knowing at once that these are all. */
  restart(side: 0 | 1, isSilent: boolean, afterMs: number): void {
    this.speakers[side].die(isSilent)
    this.advance(afterMs)
    const reborn = this.#make(side, true)
    this.speakers[side] = reborn
    reborn.happen({ kind: 'start' })
    this.advance(50)
    for (const [service, [prefix, community]] of this.wanted[side]) reborn.announce(service, prefix, community)
    reborn.rib.setComplete()
    reborn.pump()
  }

  heal(): void {
    this.world.stalledUntilMs = 0
    for (const speaker of this.speakers) {
      speaker.reads = true
      speaker.listens = true
    }
  }

  assertEqualRibs(): void {
    for (const side of [0, 1] as const) {
      const wanted = new Map([...this.wanted[side].values()].map(([prefix, community]) => [prefix, `${community}`]))
      const other = this.speakers[1 - side]!
      assert.deepEqual([...other.routes].sort(), [...wanted].sort(), `what side ${side} announces`)
      assert.deepEqual([...(other.received?.complete ?? [])].sort(), ['ipv4-unicast', 'ipv6-unicast'])
    }
  }

  describe(): string {
    return this.speakers.map(({ state, downs }) => `${state}: ${downs.map(describeDown).join(', ')}`).join(' | ')
  }
}

describe('a pair of speakers', () => {
  test("both dial: one connection is left, both are Established and have the other's routes", () => {
    for (let seed = 0; seed < 50; seed++) {
      const pair = new Pair(seed)
      pair.announce(0, 'a', '192.0.2.1/32', 7)
      pair.announce(1, 'b', '2001:db8::1/128')
      pair.advance(30_000)
      assert.deepEqual(
        pair.speakers.map(({ state }) => state),
        ['Established', 'Established'],
        pair.describe(),
      )
      assert.equal(pair.world.sockets.size, 2)
      pair.assertEqualRibs()
    }
  })
  test('one side is passive', () => {
    const pair = new Pair(1, {}, { isPassive: true })
    pair.advance(2000)
    assert.deepEqual(
      pair.speakers.map(({ state }) => state),
      ['Established', 'Established'],
    )
  })
  test('both are passive: nothing happens, for ever', () => {
    const pair = new Pair(1, { isPassive: true }, { isPassive: true })
    pair.advance(100_000)
    assert.deepEqual(
      pair.speakers.map(({ state }) => state),
      ['Active', 'Active'],
    )
  })
  test('keepalives hold a silent session up for a day', () => {
    const pair = new Pair(3, { holdTimeSeconds: 9 }, { isPassive: true })
    pair.advance(86_400_000)
    assert.deepEqual(
      pair.speakers.map(({ downs }) => downs),
      [[], []],
    )
  })
  test('2,000 routes over a peer that reads in small pieces, while they change', () => {
    const pair = new Pair(4, {}, { isPassive: true })
    for (let index = 0; index < 2000; index++) pair.announce(0, `s${index}`, `10.0.${index >> 8}.${index & 255}/32`)
    for (let index = 0; index < 2000; index += 3) {
      pair.advance(1)
      pair.announce(0, `s${index}`, index % 2 === 0 ? undefined : `10.0.${index >> 8}.${index & 255}/32`, 5)
    }
    pair.advance(10_000)
    pair.assertEqualRibs()
  })
  test('a peer that stops reading is given up after its own silence or eight minutes, and recovers', () => {
    const pair = new Pair(5, {}, { isPassive: true })
    pair.advance(5000)
    pair.speakers[1].reads = false
    for (let index = 0; index < 3000; index++) pair.announce(0, `s${index}`, `10.0.${index >> 8}.${index & 255}/32`)
    pair.advance(600_000)
    assert.ok(pair.speakers[0].downs.length > 0)
    pair.heal()
    pair.advance(120_000)
    pair.assertEqualRibs()
  })
})

describe('graceful restart, seen from the peer', () => {
  const GRACEFUL = { gracefulRestart: { restartTimeSeconds: 120, offersNotificationSupport: true } }
  const world = (seed: number, isGraceful: boolean) => {
    const part = isGraceful ? GRACEFUL : {}
    const pair = new Pair(seed, part, { ...part, isPassive: true })
    pair.announce(0, 'a', '192.0.2.1/32')
    pair.announce(0, 'b', '2001:db8::1/128')
    pair.advance(5000)
    return pair
  }
  /** Watches the peer's table every ten milliseconds. */
  const fewestRoutes = (pair: Pair, forMs: number) => {
    let fewest = Number.POSITIVE_INFINITY
    for (let ms = 0; ms < forMs; ms += 10) {
      pair.advance(10)
      fewest = Math.min(fewest, pair.speakers[1].routes.size)
    }
    return fewest
  }
  for (const isSilent of [false, true]) {
    test(`killed ${isSilent ? 'without a word' : 'with FIN'} and back: the peer never lacks a route`, () => {
      const pair = world(11, true)
      pair.restart(0, isSilent, 3000)
      assert.equal(fewestRoutes(pair, 30_000), 2)
      pair.assertEqualRibs()
    })
  }
  test('without it the routes are gone meanwhile', () => {
    const pair = world(12, false)
    pair.speakers[0].die(false)
    assert.equal(fewestRoutes(pair, 1000), 0)
  })
  test('a planned restart says nothing and loses nothing', () => {
    const pair = world(13, true)
    pair.speakers[0].happen({ kind: 'stop', ending: { kind: 'graceful-restart' } })
    assert.equal(fewestRoutes(pair, 1000), 2)
    pair.restart(0, false, 1000)
    assert.equal(fewestRoutes(pair, 30_000), 2)
  })
  test('a route that did not come back is gone with End-of-RIB', () => {
    const pair = world(14, true)
    pair.wanted[0].delete('b')
    pair.restart(0, false, 1000)
    pair.advance(30_000)
    assert.deepEqual([...pair.speakers[1].routes.keys()], ['192.0.2.1/32'])
  })
  test('a shutdown takes the routes along', () => {
    const pair = world(15, true)
    const ending = { kind: 'cease', reason: 'administrative-shutdown', text: 'drained' } as const
    pair.speakers[0].happen({ kind: 'stop', ending })
    assert.equal(fewestRoutes(pair, 1000), 0)
    assert.match(pair.describe(), /the peer ended it: cease: administrative shutdown "drained"/)
  })
})

const PREFIXES = ['192.0.2.1/32', '192.0.2.0/24', '2001:db8::/64', '2001:db8::1/128', '10.0.0.0/8']
const anySide = fc.constantFrom<0 | 1>(0, 1)
const anyTrouble = fc.oneof(
  fc.tuple(fc.constant('announce' as const), anySide, fc.integer({ min: 0, max: 4 })),
  fc.tuple(fc.constant('reset' as const), anySide, fc.constant(0)),
  fc.tuple(fc.constant('stall' as const), anySide, fc.integer({ min: 100, max: 120_000 })),
  fc.tuple(fc.constant('deaf' as const), anySide, fc.constant(0)),
  fc.tuple(fc.constant('closed' as const), anySide, fc.constant(0)),
  fc.tuple(fc.constant('restart' as const), anySide, fc.integer({ min: 0, max: 5000 })),
  fc.tuple(fc.constant('power' as const), anySide, fc.integer({ min: 0, max: 5000 })),
  fc.tuple(fc.constant('bounce' as const), anySide, fc.constant(0)),
)
const anyOptions = fc.record({
  holdTimeSeconds: fc.constantFrom(3, 9, 90),
  gracefulRestart: fc.constantFrom(
    undefined,
    { restartTimeSeconds: 120, offersNotificationSupport: true },
    { restartTimeSeconds: 120, offersNotificationSupport: false },
  ),
  offersExtendedMessage: fc.boolean(),
})

function befall(pair: Pair, [kind, side, detail]: readonly [string, 0 | 1, number]): void {
  const speaker = pair.speakers[side]
  if (kind === 'announce') {
    const service = `s${detail}`
    const isWanted = pair.wanted[side].has(service) && pair.world.random.next() < 0.5
    pair.announce(side, service, isWanted ? undefined : PREFIXES[detail], Math.floor(pair.world.random.next() * 3))
  }
  if (kind === 'reset')
    for (const socket of [...pair.world.sockets]) if (socket.owner === speaker) pair.world.lose(socket, 'ECONNRESET')
  if (kind === 'stall') pair.world.stalledUntilMs = pair.world.clock.now() + detail
  if (kind === 'deaf') speaker.reads = !speaker.reads
  if (kind === 'closed') speaker.listens = !speaker.listens
  if (kind === 'restart' || kind === 'power') pair.restart(side, kind === 'power', detail)
  if (kind === 'bounce') {
    speaker.happen({ kind: 'reset', ending: { kind: 'cease', reason: 'administrative-reset' } })
  }
}

property(
  'after any trouble both are Established, with equal RIBs',
  [
    fc.integer(),
    anyOptions,
    fc.option(anyOptions, { nil: undefined }),
    fc.array(fc.tuple(anyTrouble, fc.integer({ min: 1, max: 20_000 })), { size: 'max', maxLength: 12 }),
  ],
  (seed, left, right, troubles) => {
    const pair = new Pair(seed, left, right ?? { ...left, isPassive: true })
    for (const [trouble, waitMs] of troubles) {
      befall(pair, trouble)
      pair.advance(waitMs)
    }
    pair.heal()
    pair.advance(400_000)
    assert.deepEqual(
      pair.speakers.map(({ state }) => state),
      ['Established', 'Established'],
      pair.describe(),
    )
    pair.assertEqualRibs()
    const establishments = pair.speakers.map((speaker) => speaker.establishments)
    pair.advance(200_000)
    assert.deepEqual(
      pair.speakers.map((speaker) => speaker.establishments),
      establishments,
      'and stay so',
    )
  },
  { share: 0.2 },
)
