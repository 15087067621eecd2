import { ADDRESS_FAMILIES, type AddressFamily, endOfRib, routeRefresh } from '../message/index.ts'
import type { Negotiated } from '../session/index.ts'
import type { AttributeGroup, AttributeGroups, Audience } from './attribute-group.ts'
import { type Carriage, carriageOf, type NextHops } from './carriage.ts'
import type { Destination } from './destination.ts'
import { announce, roomForRoutes, roomForWithdrawals, withdraw } from './pack.ts'

/** A set of routes that one sort of message can carry: the withdrawals of a family, or the routes of one group. */
type Batch = AttributeGroup | AddressFamily

/** Why a route that is wanted does not go to a peer. */
export type NotCarried = Extract<Carriage, { kind: 'none' }>['because'] | 'attributes-too-long'

/** The longest prefix on the wire: a length octet and sixteen more. */
const LONGEST_PREFIX = 17
/** Stands for "the peer has it, but must be told again": a group that no policy leads to. */
const STALE: AttributeGroup = {
  family: 'ipv4-unicast',
  carriage: { kind: 'classic', nextHop: new Uint8Array(0) },
  attributes: new Uint8Array(0),
}

/** An Established session, as far as routes depend on it. */
export interface PeerSession {
  readonly name: string
  readonly negotiated: Negotiated
  readonly nextHops: NextHops
}

/**
 * One session's part of the Adj-RIB-Out: what the peer has been told, and what is still to be said. Messages are made
 * only when they are asked for, so that a peer that reads slowly costs a set of routes, not a queue of messages, and
 * gets the newest state when it reads again.
 */
export class PeerOut {
  readonly name: string
  readonly #negotiated: Negotiated
  readonly #carriages: Readonly<Record<AddressFamily, Carriage>>
  readonly #audiences: Readonly<Record<AddressFamily, Audience | undefined>>
  readonly #groups: AttributeGroups
  readonly #told = new Map<Destination, AttributeGroup>()
  readonly #batches = new Map<Batch, Set<Destination>>()
  readonly #batchOf = new Map<Destination, Batch>()
  /** Families whose marker is due once nothing is pending. */
  readonly #markers = new Map<AddressFamily, 'end-of-rib' | 'end-of-refresh'>()
  /** Families that the peer has asked for again. */
  readonly #refreshes = new Set<AddressFamily>()
  readonly #onUnheld: (destination: Destination) => void

  constructor(session: PeerSession, groups: AttributeGroups, onUnheld: (destination: Destination) => void) {
    const { name, negotiated, nextHops } = session
    this.name = name
    this.#negotiated = negotiated
    this.#groups = groups
    this.#onUnheld = onUnheld
    const carriage = (family: AddressFamily) => carriageOf(family, negotiated, nextHops)
    this.#carriages = { 'ipv4-unicast': carriage('ipv4-unicast'), 'ipv6-unicast': carriage('ipv6-unicast') }
    const audience = (family: AddressFamily) => {
      const how = this.#carriages[family]
      return how.kind === 'none' ? undefined : groups.audience(family, negotiated, how)
    }
    this.#audiences = { 'ipv4-unicast': audience('ipv4-unicast'), 'ipv6-unicast': audience('ipv6-unicast') }
    for (const family of negotiated.families) this.#markers.set(family, 'end-of-rib')
  }

  /** Routes that the peer has, as far as we have told it. */
  get announced(): number {
    return this.#told.size
  }

  /** Routes about which the peer is still to be told something. */
  get pending(): number {
    return this.#batchOf.size
  }

  has(destination: Destination): boolean {
    return this.#told.has(destination)
  }

  isPending(destination: Destination): boolean {
    return this.#batchOf.has(destination)
  }

  /** Why a wanted route does not go to this peer; undefined = it does. */
  whyNotCarried(destination: Destination): NotCarried | undefined {
    const carriage = this.#carriages[destination.family]
    if (carriage.kind === 'none') return carriage.because
    const isWanted = destination.policyFor(this.name) !== undefined
    return isWanted && !this.#told.has(destination) && !this.#batchOf.has(destination)
      ? 'attributes-too-long'
      : undefined
  }

  /** Compares what is wanted with what the peer was told, and puts the route into the batch that mends it, or none. */
  reconsider(destination: Destination): void {
    const wanted = this.#wantedGroup(destination)
    const told = this.#told.get(destination)
    let batch: Batch | undefined = wanted
    if (wanted === undefined && told !== undefined) batch = destination.family
    if (wanted !== undefined && told === wanted) batch = undefined
    this.#move(destination, batch)
    if (wanted !== undefined) this.#groups.release(wanted)
  }

  /** The next message to write, or undefined: the peer knows all there is. `isComplete`: markers may be sent. */
  next(isComplete: boolean): Uint8Array | undefined {
    // What is gone goes first: traffic that arrives for it is lost already.
    for (const family of ADDRESS_FAMILIES) {
      const gone = this.#batches.get(family)
      if (gone !== undefined) return this.#nextWithdrawal(family, gone)
    }
    for (const [batch, destinations] of this.#batches) {
      if (typeof batch !== 'string') return this.#nextAnnouncement(batch, destinations)
    }
    return (isComplete ? this.#nextMarker() : undefined) ?? this.#nextRefresh(isComplete)
  }

  /** Figures: see PeerFigures. */
  get wanted(): number {
    let wanted = this.#told.size
    for (const [batch, destinations] of this.#batches) {
      if (typeof batch === 'string') wanted -= destinations.size
      else for (const destination of destinations) if (!this.#told.has(destination)) wanted++
    }
    return wanted
  }

  /**
   * The peer wants a family again (RFC 2918). While it has not heard out what is pending, the request waits: so the
   * work that requests cause is bounded by what the peer reads.
   */
  refresh(family: AddressFamily): void {
    if (this.#negotiated.families.has(family)) this.#refreshes.add(family)
  }

  /** Gives back all that is held. */
  close(): void {
    for (const destination of this.#batchOf.keys()) this.#move(destination, undefined)
    for (const destination of [...this.#told.keys()]) this.#tell(destination, undefined)
  }

  /** The group is held by the caller until it releases it. */
  #wantedGroup(destination: Destination): AttributeGroup | undefined {
    const audience = this.#audiences[destination.family]
    if (audience === undefined) return undefined
    const policy = destination.policyFor(this.name)
    if (policy === undefined) return undefined
    const group = this.#groups.acquire(audience, policy)
    if (roomForRoutes(group, this.#negotiated.maximumMessageLength) >= LONGEST_PREFIX) return group
    // RFC 8654 section 4: what does not fit into a message is not announced.
    this.#groups.release(group)
    return undefined
  }

  #move(destination: Destination, batch: Batch | undefined): void {
    const before = this.#batchOf.get(destination)
    if (before === batch) return
    if (before !== undefined) this.#leave(destination, before)
    if (batch === undefined) return
    const members = this.#batches.get(batch) ?? new Set()
    this.#batches.set(batch, members.add(destination))
    this.#batchOf.set(destination, batch)
    destination.holders++
    if (typeof batch !== 'string') this.#groups.retain(batch)
  }

  #leave(destination: Destination, batch: Batch): void {
    const members = this.#batches.get(batch)!
    members.delete(destination)
    if (members.size === 0) this.#batches.delete(batch)
    this.#batchOf.delete(destination)
    if (typeof batch !== 'string') this.#groups.release(batch)
    this.#lose(destination)
  }

  #tell(destination: Destination, group: AttributeGroup | undefined): void {
    const before = this.#told.get(destination)
    if (before !== undefined) this.#groups.release(before)
    if (group === undefined) {
      this.#told.delete(destination)
      this.#lose(destination)
      return
    }
    this.#groups.retain(group)
    this.#told.set(destination, group)
    if (before === undefined) destination.holders++
  }

  #lose(destination: Destination): void {
    destination.holders--
    if (destination.holders === 0) this.#onUnheld(destination)
  }

  /** The peer has asked: whatever it was told counts as out of date. */
  #forget(destination: Destination): void {
    const before = this.#told.get(destination)
    if (before === undefined) return
    this.#groups.release(before)
    this.#told.set(destination, STALE)
  }

  #nextWithdrawal(family: AddressFamily, destinations: Set<Destination>): Uint8Array {
    const carriage = this.#carriages[family].kind
    const room = roomForWithdrawals(carriage, this.#negotiated.maximumMessageLength)
    const chosen = this.#take(destinations, room)
    for (const destination of chosen) {
      this.#tell(destination, undefined)
      this.#leave(destination, family)
    }
    return withdraw(family, carriage, chosen.map(nlriOf))
  }

  #nextAnnouncement(group: AttributeGroup, destinations: Set<Destination>): Uint8Array {
    const chosen = this.#take(destinations, roomForRoutes(group, this.#negotiated.maximumMessageLength))
    for (const destination of chosen) {
      this.#tell(destination, group)
      this.#leave(destination, group)
    }
    return announce(group, chosen.map(nlriOf))
  }

  /** As many as fit into `room` octets. */
  #take(destinations: Set<Destination>, room: number): Destination[] {
    const chosen: Destination[] = []
    let left = room
    for (const destination of destinations) {
      left -= destination.nlri.length
      if (left < 0) break
      chosen.push(destination)
    }
    return chosen
  }

  /** Between two marks where the peer understands them (RFC 7313 section 4). */
  #nextRefresh(isComplete: boolean): Uint8Array | undefined {
    const [family] = this.#refreshes
    if (family === undefined) return undefined
    this.#refreshes.delete(family)
    for (const destination of this.#told.keys()) {
      if (destination.family !== family) continue
      this.#forget(destination)
      this.reconsider(destination)
    }
    if (this.#negotiated.routeRefresh !== 'enhanced' || this.#markers.has(family)) return this.next(isComplete)
    this.#markers.set(family, 'end-of-refresh')
    return routeRefresh(family, 'beginning-of-refresh')
  }

  #nextMarker(): Uint8Array | undefined {
    const [next] = this.#markers
    if (next === undefined) return undefined
    const [family, marker] = next
    this.#markers.delete(family)
    return marker === 'end-of-rib' ? endOfRib(family) : routeRefresh(family, 'end-of-refresh')
  }
}

function nlriOf(destination: Destination): Uint8Array {
  return destination.nlri
}
