/**
 * All BGP of this node: its peers' sessions, the routes that they are told, and how they end. One Adj-RIB-Out serves
 * all sessions; who reads slowly costs a set of routes, not a queue of messages.
 */
import type { Socket } from 'node:net'
import type { Interfaces } from '../../../native/index.ts'
import {
  AdjRibOut,
  type Contribution,
  type Ending,
  identifierOfNodeName,
  type RouteReport,
} from '../../../net/bgp/index.ts'
import { type Address, parsePrefix } from '../../../net/ip/index.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import { Bfd } from '../bfd/index.ts'
import type {
  DesiredPeers,
  DesiredRoute,
  Farewell,
  FromWire,
  ObservedRoute,
  PeerCounters,
  ServiceRoutes,
} from '../messages.ts'
import { Listener } from './listener.ts'
import { Neighbors } from './neighbors.ts'
import { countersOf, observe, observeRoute } from './observe.ts'
import { bfdPathTo } from './peer-options.ts'
import { PeerSession } from './peer-session.ts'

/** After the withdrawals at the end, for the peers' TCP to take them. */
const WITHDRAW_MS = 250

/** After the last word on all connections. */
const LAST_WORD_MS = 100

/** Routes told to who asks what a peer has been told, before the loop turns. */
const ROUTES_A_TURN = 100

/** For so long after its start a speaker counts as one that has come back (RFC 4724 section 4.1). */
const RESTART_WINDOW_MS = 60_000

export interface BgpOptions {
  readonly node: string
  readonly clock: Clock
  readonly random: Random
  readonly post: (message: FromWire) => void
  /** A packet or connection was turned away; counted by reason. */
  readonly ignored: (reason: string) => void
  readonly fault: (what: string, cause: unknown) => void
}

export class Bgp {
  readonly #options: BgpOptions
  readonly #rib = new AdjRibOut()
  readonly #peers = new Map<string, PeerSession>()
  readonly #listener: Listener
  readonly #bfd: Bfd
  readonly #neighbors: Neighbors
  readonly #contributors = new Set<string>()
  /** What the main thread was told last of each peer, as text. */
  readonly #told = new Map<string, string>()
  /** How a peer is dialled depends on them: before they are known there are no peers. */
  #interfaces: Interfaces | undefined
  #desired: DesiredPeers | undefined
  #listenPort = 0
  #isDraining = false
  readonly #startedMs: number

  constructor(options: BgpOptions) {
    this.#options = options
    this.#startedMs = options.clock.now()
    this.#listener = new Listener({
      connection: (socket, from) => this.#offer(socket, from),
      fault: options.fault,
    })
    this.#neighbors = new Neighbors({
      ...options,
      found: (name, address, scope) => this.#found(name, address, scope),
    })
    this.#bfd = new Bfd({
      ...options,
      onChange: (name) => this.#reportNamed(name),
      onDown: (name) => this.#peers.get(name)?.bfdDown(),
    })
  }

  /** Speaks to exactly these peers. */
  desirePeers(desired: DesiredPeers): void {
    this.#desired = desired
    if (this.#interfaces !== undefined) this.#setPeers(desired)
  }

  #setPeers({ peers, listenPort, isDraining }: DesiredPeers): void {
    if (isDraining !== this.#isDraining) this.#rib.setShuttingDown(isDraining)
    this.#isDraining = isDraining
    const names = new Set(peers.map(({ name }) => name))
    for (const [name, session] of this.#peers) if (!names.has(name)) this.#dismiss(name, session)
    this.#listenPort = listenPort
    for (const desired of peers) {
      const known = this.#peers.get(desired.name)
      if (known === undefined) this.#welcome(desired)
      else known.configure(desired)
      this.#watchPath(this.#peers.get(desired.name)!)
    }
    this.#listen()
    this.#findNeighbors()
    this.#pump()
  }

  /** Announces this for the Services; with `complete`, nothing for all others. */
  desireRoutes(services: readonly ServiceRoutes[], complete: boolean): void {
    if (complete) this.#forgetOthers(new Set(services.map(({ key }) => key)))
    for (const { key, routes } of services) {
      this.#rib.set(key, routes.map(contributionOf))
      if (routes.length > 0) this.#contributors.add(key)
      else this.#contributors.delete(key)
    }
    if (complete) this.#rib.setComplete()
    this.#pump()
  }

  interfacesChanged(interfaces: Interfaces): void {
    const isFirst = this.#interfaces === undefined
    this.#interfaces = interfaces
    if (isFirst && this.#desired !== undefined) this.#setPeers(this.#desired)
    else this.#findNeighbors()
  }

  /** Ends every session as said; resolves when nothing is left to say. */
  async leave(farewell: Farewell): Promise<void> {
    if (farewell.kind === 'shutdown') await this.#withdraw(farewell.drainMs)
    this.#listener.close()
    for (const session of this.#peers.values()) session.stop(endingOf(farewell, session))
    // The process may end after this: what is written must have left it, and what waits to be read must not reset it.
    if (this.#peers.size > 0) await this.#wait(LAST_WORD_MS)
    // Only now: a router to which BFD goes down before it knows of the graceful restart would drop our routes (BIRD).
    this.#bfd.leave()
  }

  close(): void {
    this.#listener.close()
    this.#neighbors.close()
    this.#bfd.close()
    for (const session of this.#peers.values()) session.close()
  }

  counters(): PeerCounters[] {
    const sessions = [...this.#peers.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return sessions.map((session) => countersOf(session, this.#rib, this.#bfd.counters(session.name)))
  }

  readRoutes(id: number, peer: string): void {
    if (this.#peers.get(peer)?.standing !== undefined) this.#tellRoutes(id, this.#rib.eachRoute(peer))
    else this.#options.post({ kind: 'peer-routes', id, routes: undefined, isLast: true })
  }

  /** A few in a turn of the loop: what peers time comes in between. */
  #tellRoutes(id: number, remaining: Generator<RouteReport, void, void>): void {
    const { clock, post } = this.#options
    const routes: ObservedRoute[] = []
    while (routes.length < ROUTES_A_TURN) {
      const { value } = remaining.next()
      if (value === undefined) {
        post({ kind: 'peer-routes', id, routes, isLast: true })
        return
      }
      routes.push(observeRoute(value))
    }
    post({ kind: 'peer-routes', id, routes, isLast: false })
    clock.setTimeout(() => this.#tellRoutes(id, remaining), 0)
  }

  #welcome(desired: DesiredPeers['peers'][number]): void {
    const { clock, random, node } = this.#options
    const around = {
      ...{ clock, random, rib: this.#rib },
      interfaces: () => this.#interfaces!,
      nodeIdentifier: identifierOfNodeName(node),
      onChange: (changed: PeerSession) => {
        this.#watchPath(changed)
        this.#report(changed)
      },
    }
    // Such a peer may hold routes of this process's predecessor.
    const isRestarting = clock.now() - this.#startedMs < RESTART_WINDOW_MS
    const session = new PeerSession(desired, around, isRestarting)
    this.#peers.set(desired.name, session)
    session.start()
    // One that nobody has heard on its link yet has nothing to tell of itself.
    this.#report(session)
  }

  #dismiss(name: string, session: PeerSession): void {
    this.#peers.delete(name)
    session.stop({ kind: 'cease', reason: 'peer-deconfigured' })
    session.close()
    this.#bfd.dismiss(name)
    this.#told.delete(name)
    this.#options.post({ kind: 'peer-gone', name })
  }

  #findNeighbors(): void {
    const links = [...this.#peers.values()].flatMap(({ desired: { target } }) =>
      target.kind === 'interface' ? [target.interface] : [],
    )
    this.#neighbors.sync(new Set(links), this.#interfaces!)
  }

  #found(name: string, address: Address, scope: number): void {
    for (const session of this.#peers.values()) {
      const { target } = session.desired
      if (target.kind === 'interface' && target.interface === name) session.found(address, scope)
    }
    this.#listen()
  }

  #forgetOthers(mentioned: ReadonlySet<string>): void {
    for (const key of this.#contributors) {
      if (mentioned.has(key)) continue
      this.#rib.set(key, [])
      this.#contributors.delete(key)
    }
  }

  /** RFC 8326: first the routes lose against all others, then they go. */
  async #withdraw(drainMs: number): Promise<void> {
    this.#rib.setShuttingDown(true)
    this.#pump()
    await this.#wait(drainMs)
    this.#forgetOthers(new Set())
    this.#pump()
    await this.#wait(WITHDRAW_MS)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.setTimeout(resolve, ms))
  }

  #pump(): void {
    for (const session of this.#peers.values()) session.pump()
  }

  #listen(): void {
    const settled = [...this.#peers.values()].flatMap(({ desired, place }) =>
      place === undefined ? [] : [{ peer: desired, place }],
    )
    this.#listener.sync(settled, this.#listenPort)
  }

  /** Strangers are turned away without a word: it costs them more than us. */
  #offer(socket: Socket, from: Address): void {
    const session = [...this.#peers.values()].find(
      ({ place }) => place?.address.family === from.family && place.address.bits === from.bits,
    )
    if (session !== undefined) session.offer(socket)
    else {
      this.#options.ignored('bgp-stranger')
      socket.resetAndDestroy()
    }
  }

  /** BFD watches the path to a peer as long as the peer is desired, whatever its session does (RFC 5882 section 4). */
  #watchPath(session: PeerSession): void {
    const { name, desired, place } = session
    if (this.#peers.get(name) !== session) return
    if (desired.bfd === undefined || place === undefined) this.#bfd.dismiss(name)
    else this.#bfd.desire(name, bfdPathTo(desired, place, this.#interfaces!), desired.bfd)
  }

  #reportNamed(name: string): void {
    const session = this.#peers.get(name)
    if (session !== undefined) this.#report(session)
  }

  #report(session: PeerSession): void {
    if (this.#peers.get(session.name) !== session) return
    const peer = observe(session, this.#bfd.observed(session.name))
    const text = JSON.stringify(peer)
    if (this.#told.get(peer.name) === text) return
    this.#told.set(peer.name, text)
    this.#options.post({ kind: 'peer', peer })
  }
}

function endingOf(farewell: Farewell, { standing }: PeerSession): Ending {
  if (farewell.kind === 'shutdown') return { kind: 'cease', reason: 'administrative-shutdown', text: farewell.text }
  // A peer that would forget our routes anyway is told why the connection ends.
  const isGraceful = standing?.negotiated.gracefulRestart !== undefined
  if (isGraceful) return { kind: 'graceful-restart' }
  return { kind: 'cease', reason: 'administrative-reset', text: 'the speaker restarts' }
}

/** Routes come from our main thread: a prefix that is none is our fault. */
function contributionOf(route: DesiredRoute): Contribution {
  const prefix = parsePrefix(route.prefix)
  if (prefix === undefined) throw new Error(`desired route ${route.prefix} is no prefix`)
  return { ...route, prefix }
}
