import {
  encodeHeartbeat,
  type Heartbeat,
  MAX_INTERFACES,
  MAX_INTERVAL_MS,
  MIN_INTERVAL_MS,
  verifyHeartbeat,
} from './heartbeat.ts'

/** Another speaker, configured or gone. */
export interface Member {
  /** Kubernetes node name. */
  readonly node: string
  /** Where unicast heartbeats reach it. */
  readonly addresses: readonly string[]
}

export interface MembershipConfiguration {
  /** Newest first: the first signs, all verify. Empty: nothing is sent, nobody is heard, nothing settles. */
  readonly keys: readonly Uint8Array[]
  /** All nodes; the own one may be among them. */
  readonly members: readonly Member[]
}

export type MembershipEvent =
  | { readonly kind: 'configure'; readonly configuration: MembershipConfiguration }
  /** The interfaces on which addresses can be announced, and heartbeats therefore go out. */
  | { readonly kind: 'interfaces'; readonly names: readonly string[] }
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array }
  /** The time that `arm` named has come. */
  | { readonly kind: 'timer' }
  | { readonly kind: 'leave' }

/** Why a datagram was ignored; counted. */
export type IgnoredDatagram =
  | 'too-long'
  | 'too-short'
  | 'bad-authentication'
  | 'malformed'
  | 'own'
  | 'unknown-member'
  | 'replayed'
  | 'older-boot'

export type MembershipAction =
  | { readonly kind: 'send-multicast'; readonly interface: string; readonly bytes: Uint8Array }
  | { readonly kind: 'send-unicast'; readonly address: string; readonly bytes: Uint8Array }
  /** Deliver `timer` at this time; replaces the time armed before. */
  | { readonly kind: 'arm'; readonly atMs: number }
  /** Who is alive changed, or what they can announce on. */
  | { readonly kind: 'view'; readonly view: MembershipView }
  | { readonly kind: 'ignored'; readonly because: IgnoredDatagram }
  /** The last goodbye is sent. */
  | { readonly kind: 'left' }

export interface MembershipView {
  /** false: others may be alive that have not been heard yet, so nothing may be claimed. */
  readonly isSettled: boolean
  /** Interfaces that each live member can announce on, by node; the own node is always there. */
  readonly alive: ReadonlyMap<string, readonly string[]>
}

export interface MembershipOptions {
  readonly node: string
  /** Larger than that of every process before on this node: start time in microseconds since 1970. */
  readonly bootId: bigint
  readonly minIntervalMs: number
}

/** Silence for so many intervals, and half a one for a late timer, means dead. */
const MISSED_INTERVALS = 3.5
const INTERVAL_PER_MEMBER_MS = 2
const GOODBYES = 3
const GOODBYE_GAP_MS = 20
/** Others do not hear our multicast if they sent us a unicast within so many of their intervals. */
const DEAF_INTERVALS = 5

/** What is known of one other member. */
interface Peer {
  readonly addresses: readonly string[]
  bootId: bigint
  sequence: bigint
  /** It said so, in the boot above. */
  hasLeft: boolean
  heardAtMs: number
  deadAtMs: number
  interfaces: readonly string[]
  multicastHeardUntilMs: number
  deafUntilMs: number
  isAlive: boolean
}

/**
 * The membership of one node: `step(event, now)` returns what is to be done. It keeps its own state (a table of peers
 * that every datagram touches), reads no clock and draws no number.
 */
export class Membership {
  readonly #options: MembershipOptions
  #keys: readonly Uint8Array[] = []
  #peers = new Map<string, Peer>()
  #interfaces: readonly string[] = []
  #sequence = 0n
  /** Next heartbeat; undefined = not started. */
  #dueAtMs: number | undefined
  #listeningSinceMs = Number.NEGATIVE_INFINITY
  /** Until then nothing is claimed; undefined = not listening. */
  #settledAtMs: number | undefined
  #isSettled = false
  #lastStepMs: number | undefined
  #goodbyes: number | undefined
  /** Who is alive, or what they can announce on, is other than what was reported last. */
  #isViewStale = true
  #armedAtMs = Number.NEGATIVE_INFINITY

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  /** Between two heartbeats: work stays bounded however many members there are. */
  get intervalMs(): number {
    const wanted = Math.max(this.#options.minIntervalMs, INTERVAL_PER_MEMBER_MS * (this.#peers.size + 1))
    return Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, Math.ceil(wanted)))
  }

  /** @param now monotonic milliseconds, not before those of the last step */
  step(event: MembershipEvent, now: number): MembershipAction[] {
    const actions: MembershipAction[] = []
    this.#noticeFreeze(now)
    switch (event.kind) {
      case 'configure':
        this.#configure(event.configuration, now)
        break
      case 'interfaces':
        this.#setInterfaces(event.names, now)
        break
      case 'datagram':
        this.#receive(event.bytes, now, actions)
        break
      case 'leave':
        this.#goodbyes ??= GOODBYES
        this.#dueAtMs = now
        break
      case 'timer':
        break
    }
    this.#advance(now, actions)
    return actions
  }

  /**
   * After our own process stood still, silence proves nothing: what the others sent waits in the sockets. Everybody
   * gets their time anew, and nothing is claimed until they had it.
   */
  #noticeFreeze(now: number): void {
    const last = this.#lastStepMs
    this.#lastStepMs = now
    if (last === undefined || this.#settledAtMs === undefined) return
    if (now - last < MISSED_INTERVALS * this.intervalMs) return
    for (const peer of this.#peers.values()) if (peer.isAlive) peer.deadAtMs = now + MISSED_INTERVALS * this.intervalMs
    this.#unsettle(now)
  }

  #unsettle(now: number): void {
    this.#isViewStale ||= this.#isSettled
    this.#isSettled = false
    this.#listeningSinceMs = now
    this.#settledAtMs = now + MISSED_INTERVALS * this.intervalMs
  }

  #configure({ keys, members }: MembershipConfiguration, now: number): void {
    const hadKeys = this.#keys.length > 0
    this.#keys = keys
    const peers = new Map<string, Peer>()
    for (const member of members) {
      if (member.node === this.#options.node) continue
      const known = this.#peers.get(member.node)
      peers.set(member.node, known === undefined ? strangerAt(member.addresses) : { ...known, ...member })
    }
    this.#peers = peers
    this.#isViewStale = true
    if (!hadKeys && keys.length > 0) {
      this.#unsettle(now)
      this.#dueAtMs = now
    }
  }

  #setInterfaces(names: readonly string[], now: number): void {
    const added = names.some((name) => !this.#interfaces.includes(name))
    this.#interfaces = names.slice(0, MAX_INTERFACES)
    this.#isViewStale = true
    // At once: the others learn what we can announce on, and on a segment that is new to us we are heard.
    if (added && this.#dueAtMs !== undefined) this.#dueAtMs = now
  }

  #receive(bytes: Uint8Array, now: number, actions: MembershipAction[]): void {
    const verdict = verifyHeartbeat(bytes, this.#keys)
    const because = verdict.kind === 'ignore' ? verdict.because : this.#hear(verdict.heartbeat, now)
    if (because !== undefined) actions.push({ kind: 'ignored', because })
  }

  /** @returns why the heartbeat counts for nothing; undefined = it counts */
  #hear(heartbeat: Heartbeat, now: number): IgnoredDatagram | undefined {
    if (heartbeat.node === this.#options.node) return 'own'
    const peer = this.#peers.get(heartbeat.node)
    if (peer === undefined) return 'unknown-member'
    if (heartbeat.bootId < peer.bootId) return 'older-boot'
    if (heartbeat.bootId === peer.bootId && heartbeat.sequence < peer.sequence) return 'replayed'
    const isCopy = heartbeat.bootId === peer.bootId && heartbeat.sequence === peer.sequence
    // A copy that came another way tells of that way, but not that the sender lives: it may be an old one, repeated.
    if (!isCopy) this.#refresh(peer, heartbeat, now)
    const windowMs = MISSED_INTERVALS * heartbeat.intervalMs
    if (heartbeat.isUnicast) peer.deafUntilMs = now + DEAF_INTERVALS * heartbeat.intervalMs
    else peer.multicastHeardUntilMs = now + windowMs
    return undefined
  }

  #refresh(peer: Peer, heartbeat: Heartbeat, now: number): void {
    peer.bootId = heartbeat.bootId
    peer.sequence = heartbeat.sequence
    peer.hasLeft = heartbeat.isLeaving
    if (peer.isAlive === heartbeat.isLeaving || peer.interfaces.join() !== heartbeat.interfaces.join()) {
      this.#isViewStale = true
    }
    peer.interfaces = heartbeat.interfaces
    peer.isAlive = !heartbeat.isLeaving
    peer.heardAtMs = now
    peer.deadAtMs = now + MISSED_INTERVALS * heartbeat.intervalMs
  }

  /** What time itself brings: a heartbeat that is due, a member that fell silent, the end of settling. */
  #advance(now: number, actions: MembershipAction[]): void {
    for (const peer of this.#peers.values()) {
      if (!peer.isAlive || now < peer.deadAtMs) continue
      peer.isAlive = false
      this.#isViewStale = true
    }
    if (!this.#isSettled && this.#hasListened(now)) {
      this.#isSettled = true
      this.#isViewStale = true
    }
    if (this.#dueAtMs !== undefined && now >= this.#dueAtMs) this.#beat(now, actions)
    if (this.#isViewStale) this.#publish(actions)
    this.#arm(now, actions)
  }

  /** Long enough that whoever lives has been heard, or everybody has been. */
  #hasListened(now: number): boolean {
    if (this.#settledAtMs === undefined) return false
    if (now >= this.#settledAtMs) return true
    return this.#peers.values().every((peer) => peer.heardAtMs >= this.#listeningSinceMs)
  }

  #beat(now: number, actions: MembershipAction[]): void {
    const isLeaving = this.#goodbyes !== undefined
    this.#dueAtMs = now + (isLeaving ? GOODBYE_GAP_MS : this.intervalMs)
    if (this.#goodbyes === 0) {
      this.#dueAtMs = undefined
      actions.push({ kind: 'left' })
      return
    }
    if (this.#goodbyes !== undefined) this.#goodbyes--
    const key = this.#keys[0]
    if (key === undefined) return
    this.#sequence++
    const bytes = this.#sign(key, isLeaving, false)
    for (const name of this.#interfaces) actions.push({ kind: 'send-multicast', interface: name, bytes })
    const deaf = [...this.#peers.values()].filter(
      (peer) => !peer.hasLeft && (now >= peer.multicastHeardUntilMs || now < peer.deafUntilMs),
    )
    if (deaf.length === 0) return
    const unicast = this.#sign(key, isLeaving, true)
    for (const peer of deaf) {
      for (const address of peer.addresses) actions.push({ kind: 'send-unicast', address, bytes: unicast })
    }
  }

  #sign(key: Uint8Array, isLeaving: boolean, isUnicast: boolean): Uint8Array {
    const { node, bootId } = this.#options
    const { intervalMs } = this
    const interfaces = this.#interfaces
    return encodeHeartbeat(
      { node, bootId, sequence: this.#sequence, intervalMs, isLeaving, isUnicast, interfaces },
      key,
    )
  }

  #publish(actions: MembershipAction[]): void {
    this.#isViewStale = false
    const alive = new Map<string, readonly string[]>([[this.#options.node, this.#interfaces]])
    for (const [node, peer] of this.#peers) if (peer.isAlive) alive.set(node, peer.interfaces)
    actions.push({ kind: 'view', view: { isSettled: this.#isSettled, alive } })
  }

  /**
   * The next moment at which time alone changes something. A heartbeat moves its sender's deadline on; the timer stays
   * where it is then, finds nothing to do and is armed anew: cheaper than moving it with every datagram.
   */
  #arm(now: number, actions: MembershipAction[]): void {
    let next = this.#dueAtMs ?? Number.POSITIVE_INFINITY
    if (this.#settledAtMs !== undefined && !this.#isSettled) next = Math.min(next, this.#settledAtMs)
    for (const peer of this.#peers.values()) if (peer.isAlive) next = Math.min(next, peer.deadAtMs)
    if (next === Number.POSITIVE_INFINITY) return
    if (this.#armedAtMs > now && this.#armedAtMs <= next) return
    this.#armedAtMs = next
    actions.push({ kind: 'arm', atMs: next })
  }
}

function strangerAt(addresses: readonly string[]): Peer {
  return {
    addresses,
    bootId: 0n,
    sequence: 0n,
    hasLeft: false,
    heardAtMs: Number.NEGATIVE_INFINITY,
    deadAtMs: 0,
    interfaces: [],
    multicastHeardUntilMs: 0,
    deafUntilMs: 0,
    isAlive: false,
  }
}
