import { type Address, parseAddress } from '../../net/ip/index.ts'
import type { Snapshot } from '../config/snapshot.ts'
import { type Assignment, Holding, type Place } from './holding.ts'
import type { PoolOccupancy } from './pool-occupancy.ts'
import { PoolTable } from './pool-table.ts'
import type { Rest } from './resting.ts'
import { type Help, WaitingRoom } from './waiting-room.ts'

/** Nobody is given a quarantined address; who holds it keeps it, unless it never served: see decide. */
export interface Quarantine {
  readonly address: string
  /** Half a sentence, e.g. `02:00:00:00:00:01 answers for it on eth0`. */
  readonly because: string
  /** Found in use by a speaker that was about to announce it, and therefore does not. */
  readonly isUnusable: boolean
  /** Nobody sees the conflict any more; for a while longer the address is given to nobody. */
  readonly isOver: boolean
}

/**
 * What is held, by whom, in which pool. A mutable class and not a value, because one Service must not cost a copy of
 * 50,000 others; it has no clock and no I/O, and every change to it is a method here.
 *
 * The Services' statuses are the store: a new Ledger is filled by `adopt`, and nothing may be decided before.
 */
export class Ledger {
  #table = new PoolTable(new Map())
  #snapshot: Snapshot | undefined
  readonly #assignments = new Map<string, Assignment>()
  readonly #holdings = new Map<string, Holding>()
  readonly #quarantine = new Map<string, Quarantine>()
  /** Services without an address (or without one of two), by what would help them. */
  readonly waiting = new WaitingRoom()
  /** What each Service was told last, so that it is told once: see decide. */
  readonly told = new Map<string, string>()
  /** Services of which a speaker has announced an address, or that had one when we came. */
  readonly #served = new Set<string>()
  /** How often a Service was given another address because somebody outside used the one before. */
  readonly #escapes = new Map<string, number>()

  /**
   * Puts another configuration in force. Everybody keeps what they hold, whether or not a pool still has it:
   * `decide` is what moves them, and until then no one else is given what they hold.
   */
  configure(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    if (this.#table.takesOver(snapshot.pools)) return
    const table = new PoolTable(snapshot.pools)
    const rests = [...this.#table.pools.values()].flatMap(restsOf)
    this.#table = table
    for (const holding of this.#holdings.values()) this.#settle(holding)
    for (const rest of rests.sort((a, b) => a.freedAtMs - b.freedAtMs)) this.#restAgain(rest)
    for (const text of this.#quarantine.keys()) this.#block(text)
  }

  /** The configuration in force. */
  get snapshot(): Snapshot {
    if (this.#snapshot === undefined) throw new Error('the ledger has no configuration yet')
    return this.#snapshot
  }

  get pools(): ReadonlyMap<string, PoolOccupancy> {
    return this.#table.pools
  }

  assignmentOf(key: string): Assignment | undefined {
    return this.#assignments.get(key)
  }

  /** Keys of all Services that hold something. */
  keys(): Iterable<string> {
    return this.#assignments.keys()
  }

  /** Keys of the Services that hold `address`. */
  holdersOf(address: string): readonly string[] {
    return this.#holdings.get(address)?.holders.map((holder) => holder.key) ?? []
  }

  holding(address: string): Holding | undefined {
    return this.#holdings.get(address)
  }

  locate(address: Address): Place | undefined {
    return this.#table.locate(address)
  }

  quarantineOf(address: string): Quarantine | undefined {
    return this.#quarantine.get(address)
  }

  /** Of the addresses' quarantines that are not over one that makes its address unusable, else any; undefined = there is none. */
  worstQuarantineOf(addresses: readonly string[]): Quarantine | undefined {
    if (this.#quarantine.size === 0) return undefined
    const found = addresses.flatMap((address) => this.#quarantine.get(address) ?? []).filter(({ isOver }) => !isOver)
    return found.find(({ isUnusable }) => isUnusable) ?? found[0]
  }

  /**
   * Gives a Service these addresses in place of what it held. Whether it may is the caller's question. `places` are
   * those of the addresses where they are known, in the same order.
   */
  assign(assignment: Assignment, nowMs: number, places: readonly Place[] = []): void {
    const before = this.#assignments.get(assignment.key)
    if (before !== undefined && isSame(before, assignment)) {
      before.isShown = assignment.isShown
      return
    }
    this.#assignments.set(assignment.key, assignment)
    for (const [index, address] of assignment.addresses.entries()) {
      const stays = before?.addresses.includes(address) ?? false
      if (stays) this.#exchange(this.#holdings.get(address)!, before!, assignment)
      else this.#attach(address, assignment, places[index])
    }
    for (const address of before?.addresses ?? []) {
      if (!assignment.addresses.includes(address)) this.#detach(address, before!, nowMs)
    }
  }

  /** Takes back what a Service holds; it may be in no pool, or nothing at all. */
  release(key: string, nowMs: number): void {
    const assignment = this.#assignments.get(key)
    if (assignment === undefined) return
    this.#assignments.delete(key)
    for (const address of assignment.addresses) this.#detach(address, assignment, nowMs)
  }

  /** The Service is gone. */
  forget(key: string, nowMs: number): void {
    this.release(key, nowMs)
    this.waiting.leave(key)
    this.told.delete(key)
    this.#served.delete(key)
    this.#escapes.delete(key)
  }

  /** The Service's status shows what it holds. */
  markShown(key: string): void {
    const assignment = this.#assignments.get(key)
    if (assignment !== undefined) assignment.isShown = true
  }

  /** People may rely on the addresses of this Service: from now on it is not moved for what strangers do. */
  markServed(key: string): void {
    this.#served.add(key)
    this.#escapes.delete(key)
  }

  wasServed(key: string): boolean {
    return this.#served.has(key)
  }

  escapesOf(key: string): number {
    return this.#escapes.get(key) ?? 0
  }

  countEscape(key: string): void {
    this.#escapes.set(key, this.escapesOf(key) + 1)
  }

  /** When the next address will have rested; undefined = none rests. */
  nextRestEndMs(): number | undefined {
    let next: number | undefined
    for (const pool of this.#table.restingPools) {
      const end = pool.nextRestEndMs()
      if (end !== undefined && (next === undefined || end < next)) next = end
    }
    return next
  }

  /** To be called at {@link nextRestEndMs}: what has rested until now may help those that wait. */
  endRests(nowMs: number): void {
    for (const pool of this.#table.restingPools) {
      for (const rest of pool.endRests(nowMs)) {
        this.waiting.stirPool(pool.pool.name, rest.entry.family, 'one')
        this.waiting.stirAddress(rest.text)
      }
    }
  }

  /** Keeps an address from being given out: somebody outside uses it. Who holds it is not moved. */
  quarantine(quarantine: Quarantine): void {
    this.#quarantine.set(quarantine.address, quarantine)
    this.#block(quarantine.address)
  }

  /** The address may be given out again. */
  endQuarantine(address: string): void {
    if (!this.#quarantine.delete(address)) return
    const holding = this.#holdings.get(address)
    const place = holding?.place ?? this.#placeOf(address)
    if (place === undefined) return
    const { pool, entry, offset } = place
    if (holding !== undefined) pool.regroup(holding)
    else if (pool.restsOf(entry.family).get(address) === undefined) pool.unblock(entry, offset)
    this.waiting.stirPool(pool.pool.name, entry.family, holding === undefined ? 'one' : 'all')
    this.waiting.stirAddress(address)
  }

  /** The pool that has the address. */
  poolOf(address: string): PoolOccupancy | undefined {
    return this.#placeOf(address)?.pool
  }

  /** Everything that is quarantined, in the order in which it was. */
  quarantines(): Iterable<Quarantine> {
    return this.#quarantine.values()
  }

  readonly isQuarantined = (address: string): boolean => this.#quarantine.has(address)

  #attach(address: string, assignment: Assignment, place: Place | undefined): void {
    const holding = this.#holdings.get(address) ?? this.#open(address, place ?? this.#placeOf(address))
    holding.attach(assignment)
    const pool = holding.place?.pool
    this.waiting.stirAddress(address)
    if (pool === undefined) return
    if (assignment.addresses[0] === address) pool.services++
    if (holding.holders.length > 1) return
    pool.regroup(holding)
    this.waiting.poolTaken(pool.pool.name, holding.family)
    // A holder that shares is somebody to join.
    if (assignment.sharingKey !== '') this.waiting.stirPool(pool.pool.name, holding.family, 'all')
  }

  #detach(address: string, assignment: Assignment, nowMs: number): void {
    const holding = this.#holdings.get(address)
    if (holding === undefined) return
    holding.detach(assignment)
    const pool = holding.place?.pool
    if (pool !== undefined) {
      if (assignment.addresses[0] === address) pool.services--
      pool.regroup(holding)
      this.#stir(holding, holding.holders.length === 0 ? 'one' : 'all')
    }
    if (holding.holders.length === 0) this.#close(holding, assignment.key, nowMs)
  }

  /** The same Service stays, with other keys or ports. */
  #exchange(holding: Holding, before: Assignment, after: Assignment): void {
    holding.detach(before)
    holding.attach(after)
    const pool = holding.place?.pool
    if (pool === undefined) return
    if (before.addresses[0] === holding.text) pool.services--
    if (after.addresses[0] === holding.text) pool.services++
    pool.regroup(holding)
    this.#stir(holding, 'all')
  }

  /** Something changed at the address: it was freed (one may have it), or is held in another way (all may join). */
  #stir({ place, family, text }: Holding, help: Help): void {
    const { name, reuseAfterMs } = place!.pool.pool
    const isOpen = help === 'all' || (reuseAfterMs === 0 && !this.#quarantine.has(text))
    if (isOpen) this.waiting.stirPool(name, family, help)
    this.waiting.stirAddress(text)
  }

  #open(text: string, place: Place | undefined): Holding {
    const holding = new Holding(text, text.includes(':') ? 6 : 4, place)
    this.#holdings.set(text, holding)
    holding.place?.pool.occupy(holding)
    return holding
  }

  #close(holding: Holding, lastKey: string, nowMs: number): void {
    this.#holdings.delete(holding.text)
    const place = holding.place
    if (place === undefined) return
    const { pool, entry, offset } = place
    const rests = pool.pool.reuseAfterMs > 0 && typeof offset === 'number'
    const rest = rests ? { text: holding.text, offset, entry, freedAtMs: nowMs, lastKey } : undefined
    pool.vacate(holding, rest, this.#quarantine.has(holding.text))
  }

  /** After another configuration: where is this address now? */
  #settle(holding: Holding): void {
    holding.group = undefined
    holding.place = this.#placeOf(holding.text)
    const pool = holding.place?.pool
    if (pool === undefined) return
    pool.occupy(holding)
    pool.services += holding.holders.filter((holder) => holder.addresses[0] === holding.text).length
    pool.regroup(holding)
  }

  #restAgain(rest: Rest): void {
    const place = this.#placeOf(rest.text)
    if (place === undefined || place.pool.pool.reuseAfterMs === 0 || typeof place.offset !== 'number') return
    if (this.#holdings.has(rest.text)) return
    place.pool.rest(place.entry.family, { ...rest, entry: place.entry, offset: place.offset })
  }

  #block(text: string): void {
    const place = this.#placeOf(text)
    place?.entry.block(place.offset)
  }

  #placeOf(text: string): Place | undefined {
    const address = parseAddress(text)
    return address && this.#table.locate(address)
  }
}

function restsOf(occupancy: PoolOccupancy): readonly Rest[] {
  return [...occupancy.restsOf(4).all(), ...occupancy.restsOf(6).all()]
}

function isSame(a: Assignment, b: Assignment): boolean {
  return (
    a.sharingKey === b.sharingKey &&
    a.backendKey === b.backendKey &&
    isSameList(a.addresses, b.addresses) &&
    isSameList(a.ports, b.ports)
  )
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
