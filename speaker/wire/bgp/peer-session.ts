/**
 * The driver of one peer's session: turns what happens to its sockets and timers into events of net/bgp, and the
 * machine's actions into system calls. Events wait in one queue, first in, first out; the machine is never entered from
 * within itself.
 */
import type { Socket } from 'node:net'
import { adaptTcp, type Interfaces, TcpDial } from '../../../native/index.ts'
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
import { addressFromBytes, formatAddress, parseAddress } from '../../../net/ip/index.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import type { DesiredPeer, PeerState } from '../messages.ts'
import { SessionTimers } from '../session-timers.ts'
import { Connection } from './connection.ts'
import { identifierAt, interfaceWith, isConnected, nextHopsAt } from './local-end.ts'
import { MessageCounts } from './message-counts.ts'
import { isSamePath, isSamePlace, noticeOn, type PeerPlace, pathTo, sessionOptionsOf } from './peer-options.ts'

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

/** A session in force, for reports. */
export interface Standing {
  readonly negotiated: Negotiated
  readonly localAddress: string
  readonly localIdentifier: number
}

export class PeerSession {
  readonly counts = new MessageCounts()
  readonly #around: PeerSurroundings
  readonly #timers: SessionTimers<TimerName>
  readonly #queue: SessionEvent[] = []
  readonly #connections: Partial<Record<Direction, Connection>> = {}
  #isDraining = false
  #desired: DesiredPeer
  #session: Session
  #place: PeerPlace | undefined
  #dial: TcpDial | undefined
  #offered: Socket | undefined
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
    if (before !== undefined) this.stop({ kind: 'cease', reason: 'other-configuration-change' })
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
      this.stop({ kind: 'cease', reason: 'other-configuration-change' })
      this.#place = undefined
      this.#configureSession()
      this.start()
      return
    }
    this.#configureSession()
    if (isSamePath(before, desired)) return
    if (this.#canRekey(before)) this.#rekey()
    else this.#post({ kind: 'reset', ending: { kind: 'cease', reason: 'other-configuration-change' } })
  }

  /** Where the router id is taken from our address, the one in use stays until the connections end. */
  #configureSession(): void {
    this.#post({ kind: 'configure', options: sessionOptionsOf(this.#desired, this.#session.options.identifier) })
  }

  /** A key can take the place of another one on a live connection, but not appear there or vanish. */
  #canRekey(before: DesiredPeer): boolean {
    const isOnlyKey = isSamePath({ ...before, password: this.#desired.password }, this.#desired)
    const isReplaced = before.password !== undefined && this.#desired.password !== undefined
    return isOnlyKey && isReplaced && this.#dial === undefined
  }

  #rekey(): void {
    if (this.#place === undefined) return
    for (const connection of Object.values(this.#connections)) {
      adaptTcp(connection.socket, pathTo(this.#desired, this.#place))
    }
  }

  /** The peer has connected to us. */
  offer(socket: Socket): void {
    this.#offered?.destroy()
    this.#offered = socket
    this.#place && adaptTcp(socket, pathTo(this.#desired, this.#place))
    this.#post({ kind: 'offered', ...this.#identifierOf(socket) })
  }

  /** Routes may have changed: tells the peer as much as it takes. */
  pump(): void {
    if (this.#standing === undefined) return
    const connection = this.#connections[this.#standing.direction]
    if (connection === undefined || !connection.hasRoom) return
    connection.together(() => {
      while (connection.hasRoom) {
        const message = this.#around.rib.next(this.name)
        if (message === undefined) return
        this.#write(connection, message)
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
    this.#dial?.cancel()
    this.#offered?.destroy()
    for (const connection of Object.values(this.#connections)) connection.end(true)
  }

  // ---- the machine

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
        this.#connect()
        return
      case 'accept':
        this.#adopt('incoming', this.#takeOffered())
        return
      case 'refuse':
        this.#refuse(action.bytes)
        return
      case 'send':
        this.#send(action.direction, action.bytes)
        return
      case 'close':
        this.#close(action.direction, action.isAbortive)
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
      if (this.#connections[direction]?.hasProgressed()) this.#post({ kind: 'flushed', direction })
    }
    this.#post({ kind: 'timer', timer })
  }

  // ---- connections

  #connect(): void {
    const { port } = this.#desired
    try {
      const path = pathTo(this.#desired, this.#lookAgain())
      this.#dial = new TcpDial(
        path,
        port,
        (socket) => this.#connected(socket),
        (code) => this.#failed(code),
      )
    } catch (error) {
      this.#failed((error as Error).message)
    }
  }

  /** Networks come and go between two attempts. */
  #lookAgain(): PeerPlace {
    const place = this.#place!
    const connected = isConnected(this.#around.interfaces(), place.address)
    if (connected !== place.isConnected) this.#place = { ...place, isConnected: connected }
    return this.#place!
  }

  #connected(socket: Socket): void {
    this.#dial = undefined
    const identifier = this.#identifierOf(socket)
    this.#adopt('outgoing', socket)
    this.#post({ kind: 'connected', ...identifier })
  }

  #failed(because: string): void {
    this.#dial = undefined
    this.#post({ kind: 'disconnected', direction: 'outgoing', because })
  }

  #adopt(direction: Direction, socket: Socket): void {
    const connection: Connection = new Connection(socket, {
      item: (item) => {
        if (item.kind === 'fault') this.#post({ kind: 'fault', direction, notification: item.notification })
        else {
          this.counts.received[item.type]++
          this.#post({ kind: 'frame', direction, type: item.type, body: item.body })
        }
      },
      drained: () => this.pump(),
      closed: (because) => {
        if (this.#connections[direction] !== connection) return
        delete this.#connections[direction]
        this.#post({ kind: 'disconnected', direction, because })
      },
    })
    this.#connections[direction] = connection
  }

  #takeOffered(): Socket {
    const socket = this.#offered!
    this.#offered = undefined
    return socket
  }

  /** As far as it can be written at once: who connects too often must not fill our memory. */
  #refuse(bytes: Uint8Array): void {
    const socket = this.#takeOffered()
    socket.on('error', () => socket.destroy())
    socket.resume()
    socket.end(bytes)
    socket.destroySoon()
  }

  #send(direction: Direction, bytes: Uint8Array): void {
    const connection = this.#connections[direction]
    if (connection !== undefined) this.#write(connection, bytes)
  }

  #write(connection: Connection, bytes: Uint8Array): void {
    this.counts.countSent(bytes)
    connection.write(bytes)
  }

  #close(direction: Direction, isAbortive: boolean): void {
    if (direction === 'outgoing') {
      this.#dial?.cancel()
      this.#dial = undefined
    }
    this.#connections[direction]?.end(isAbortive)
    delete this.#connections[direction]
  }

  // ---- the session

  #begin(direction: Direction, negotiated: Negotiated): void {
    const { local, end } = this.#endOf(this.#connections[direction]!.socket)
    const localIdentifier = this.#session.options.identifier
    this.#standing = { direction, negotiated, localAddress: formatAddress(local), localIdentifier }
    this.#sinceMs = this.#around.clock.wall()
    const nextHops = nextHopsAt(end, local, this.#place!)
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
    const { local, end } = this.#endOf(socket)
    return { identifier: identifierAt(end, local) ?? this.#around.nodeIdentifier }
  }

  /** Our address on a connection, and the interface that has it. */
  #endOf(socket: Socket) {
    // A connection that is gone already has no address any more; nothing will be sent on it.
    const local =
      parseAddress((socket.localAddress ?? '0.0.0.0').replace(/%.*$/, '')) ?? addressFromBytes(new Uint8Array(4))
    return { local, end: interfaceWith(this.#around.interfaces(), local, this.#place?.scope ?? 0) }
  }
}
