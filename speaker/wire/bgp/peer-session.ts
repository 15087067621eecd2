/**
 * The driver of one peer's session: turns what happens to its connections and timers into events of net/bgp, and the
 * machine's actions into what its connections do. Events wait in one queue, first in, first out; the machine is never
 * entered from within itself.
 */
import type { Socket } from 'node:net'
import type { Interfaces } from '../../../native/index.ts'
import {
  type AdjRibOut,
  createSession,
  type Direction,
  describeDown,
  type Ending,
  type Negotiated,
  type Session,
  type SessionAction,
  type SessionEvent,
  stateOf,
  step,
  type TimerName,
} from '../../../net/bgp/index.ts'
import { formatAddress, parseAddress } from '../../../net/ip/index.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import type { DesiredPeer, PeerState } from '../messages.ts'
import { SessionTimers } from '../session-timers.ts'
import { identifierAt, isConnected, type LocalEnd, localEndOf, nextHopsAt } from './local-end.ts'
import type { MessageCounts } from './message-counts.ts'
import type { Standing } from './observe.ts'
import { PeerConnections } from './peer-connections.ts'
import {
  isOnlyKeyReplaced,
  isSamePath,
  isSamePlace,
  noticeOn,
  type PeerPlace,
  pathTo,
  sessionOptionsOf,
} from './peer-options.ts'

const RECONFIGURED: Ending = { kind: 'cease', reason: 'other-configuration-change' }

export interface PeerSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly rib: AdjRibOut
  readonly interfaces: () => Interfaces
  /** Router id of last resort. */
  readonly nodeIdentifier: number
  /** State, reason, notice or place of the session may have changed. */
  readonly onChange: (session: PeerSession) => void
}

export class PeerSession {
  readonly #around: PeerSurroundings
  readonly #timers: SessionTimers<TimerName>
  readonly #queue: SessionEvent[] = []
  readonly #connections: PeerConnections
  #isDraining = false
  #desired: DesiredPeer
  #session: Session
  #place: PeerPlace | undefined
  #standing: (Standing & { readonly direction: Direction }) | undefined
  #because: string | undefined
  #told: readonly unknown[] = []
  #sinceMs: number

  constructor(desired: DesiredPeer, around: PeerSurroundings, isRestarting: boolean) {
    this.#desired = desired
    this.#around = around
    this.#session = createSession(sessionOptionsOf(desired, around.nodeIdentifier), isRestarting)
    this.#sinceMs = around.clock.wall()
    this.#timers = new SessionTimers(around.clock, around.random, (timer) => this.#expire(timer))
    this.#connections = new PeerConnections({
      post: (event) => this.#post(event),
      drained: () => this.pump(),
      identifierOf: (socket) => this.#identifierOf(socket),
    })
  }

  get counts(): MessageCounts {
    return this.#connections.counts
  }

  get name(): string {
    return this.#desired.name
  }

  get desired(): DesiredPeer {
    return this.#desired
  }

  get place(): PeerPlace | undefined {
    return this.#place
  }

  get state(): PeerState {
    return stateOf(this.#session)
  }

  get standing(): Standing | undefined {
    return this.#standing
  }

  /** Why it is down, or was last. */
  get because(): string | undefined {
    return this.#because
  }

  get notice(): string | undefined {
    return this.#place && noticeOn(this.#desired, this.#place.isConnected)
  }

  /** Of the last change between Established and not, milliseconds since 1970. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** Begins as soon as it is known where the peer is. */
  start(): void {
    const { target } = this.#desired
    if (target.kind === 'address') this.#settle({ address: parseAddress(target.address)!, scope: 0 })
  }

  /** A neighbour was found on the link of an unnumbered peer, or another one than before. */
  found(address: PeerPlace['address'], scope: number): void {
    const before = this.#place
    if (before?.address.bits === address.bits && before.scope === scope) return
    if (before !== undefined) this.stop(RECONFIGURED)
    this.#settle({ address, scope })
  }

  #settle({ address, scope }: Omit<PeerPlace, 'isConnected'>): void {
    this.#place = { address, scope, isConnected: isConnected(this.#around.interfaces(), address) }
    this.#post({ kind: 'start' })
  }

  /** Takes over what is desired now; the session is reset only where it depends on what changed. */
  configure(desired: DesiredPeer): void {
    const before = this.#desired
    this.#desired = desired
    if (!isSamePlace(before, desired)) {
      this.stop(RECONFIGURED)
      this.#place = undefined
      this.#configureSession()
      this.start()
      return
    }
    this.#configureSession()
    if (isSamePath(before, desired)) return
    const canRekey = isOnlyKeyReplaced(before, desired) && !this.#connections.isDialling
    if (!canRekey) this.#post({ kind: 'reset', ending: RECONFIGURED })
    else if (this.#place !== undefined) this.#connections.rekey(pathTo(desired, this.#place))
  }

  /** Where the router id is taken from our address, the one in use stays until the connections end. */
  #configureSession(): void {
    this.#post({ kind: 'configure', options: sessionOptionsOf(this.#desired, this.#session.options.identifier) })
  }

  /** The peer has connected to us. */
  offer(socket: Socket): void {
    this.#connections.offer(socket, this.#place && pathTo(this.#desired, this.#place))
  }

  /** Routes may have changed: tells the peer as much as it takes. */
  pump(): void {
    if (this.#standing === undefined) return
    const { direction } = this.#standing
    const connection = this.#connections.at(direction)
    if (connection === undefined || !connection.hasRoom) return
    connection.together(() => {
      while (connection.hasRoom) {
        const message = this.#around.rib.next(this.name)
        if (message === undefined) return
        this.#connections.send(direction, message)
      }
    })
  }

  bfdDown(): void {
    this.#post({ kind: 'bfd-down' })
  }

  /** Ends the session; the peer hears why, or for a graceful restart nothing. It can be started again. */
  stop(ending: Ending): void {
    this.#post({ kind: 'stop', ending })
  }

  /** Ends what is under way without a word; after `stop` nothing is left to end. */
  close(): void {
    this.#timers.disarmAll()
    this.#connections.abandon()
  }

  #post(event: SessionEvent): void {
    this.#queue.push(event)
    if (this.#isDraining) return
    this.#isDraining = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next)
    this.#isDraining = false
    this.pump()
    this.#tell()
  }

  /** Most events change nothing that anybody is told. */
  #tell(): void {
    const now = [this.state, this.#because, this.#standing, this.#place]
    if (now.every((part, index) => part === this.#told[index])) return
    this.#told = now
    this.#around.onChange(this)
  }

  #step(event: SessionEvent): void {
    const { session, actions } = step(this.#session, event, this.#around.clock.now())
    this.#session = session
    for (const action of actions) this.#execute(action)
  }

  #execute(action: SessionAction): void {
    switch (action.kind) {
      case 'dial':
        this.#connections.dial(pathTo(this.#desired, this.#lookAgain(this.#place!)), this.#desired.port)
        return
      case 'accept':
        this.#connections.accept()
        return
      case 'refuse':
        this.#connections.refuse(action.bytes)
        return
      case 'send':
        this.#connections.send(action.direction, action.bytes)
        return
      case 'close':
        this.#connections.close(action.direction, action.isAbortive)
        return
      case 'arm':
        this.#timers.arm(action.timer, action.afterMs, action.jitter)
        return
      case 'disarm':
        this.#timers.disarm(action.timer)
        return
      case 'established':
        this.#begin(action.direction, action.negotiated)
        return
      case 'down':
        this.#end(action)
        return
      case 'refresh':
        this.#around.rib.refresh(this.name, action.family)
        return
      case 'update':
        if (action.judgement.kind !== 'session-reset') this.counts.receivedPrefixes += action.judgement.announced.length
    }
  }

  #expire(timer: TimerName): void {
    // RFC 9687: whatever the peer's TCP has taken meanwhile counts.
    if (timer.startsWith('keepalive') || timer.startsWith('send-hold')) {
      const direction = timer.split(':')[1] as Direction
      if (this.#connections.at(direction)?.hasProgressed()) this.#post({ kind: 'flushed', direction })
    }
    this.#post({ kind: 'timer', timer })
  }

  /** Networks come and go between two attempts. */
  #lookAgain(place: PeerPlace): PeerPlace {
    const connected = isConnected(this.#around.interfaces(), place.address)
    if (connected !== place.isConnected) this.#place = { ...place, isConnected: connected }
    return this.#place!
  }

  #begin(direction: Direction, negotiated: Negotiated): void {
    const end = this.#endOf(this.#connections.at(direction)!.socket)
    const localIdentifier = this.#session.options.identifier
    this.#standing = { direction, negotiated, localAddress: formatAddress(end.address), localIdentifier }
    this.#sinceMs = this.#around.clock.wall()
    const nextHops = nextHopsAt(end, this.#place!)
    const isUnnumbered = this.#desired.target.kind === 'interface' && negotiated.hasExtendedNextHop
    this.#around.rib.attach(this.name, negotiated, isUnnumbered ? { ...nextHops, ipv4: undefined } : nextHops)
  }

  #end(down: Extract<SessionAction, { kind: 'down' }>): void {
    this.#because = describeDown(down.because)
    if (!down.wasEstablished) return
    this.#standing = undefined
    this.#sinceMs = this.#around.clock.wall()
    this.#around.rib.detach(this.name)
  }

  #identifierOf(socket: Socket): { identifier?: number } {
    if (this.#desired.routerId !== undefined) return {}
    return { identifier: identifierAt(this.#endOf(socket)) ?? this.#around.nodeIdentifier }
  }

  #endOf(socket: Socket): LocalEnd {
    return localEndOf(socket, this.#around.interfaces(), this.#place?.scope ?? 0)
  }
}
