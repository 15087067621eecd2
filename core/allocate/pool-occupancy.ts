import { type Address, type Family, formatAddress } from '../../net/ip/index.ts'
import type { Pool, PoolEntry } from '../config/snapshot.ts'
import type { Holding, Occupant, Place } from './holding.ts'
import { OffsetSet } from './offset-set.ts'
import { type Rest, RestingAddresses } from './resting.ts'
import { ShareGroup } from './share-group.ts'

/** One entry of `spec.addresses` and which of its addresses cannot be given out. */
export class EntryOccupancy {
  readonly index: number
  readonly family: Family
  readonly #first: bigint
  /** Addresses in the entry, as far as a number counts exactly. */
  readonly #size: number
  readonly #avoidBuggy: boolean
  readonly #blocked = new OffsetSet()
  /** The addresses that differ in their last part only have the rest of their text in common: see textAt. */
  #block = -1
  #head = ''

  constructor(index: number, entry: PoolEntry, avoidBuggyIPs: boolean) {
    const { family, first, last } = entry.range
    this.index = index
    this.family = family
    this.#first = first
    this.#size = toOffset(last - first + 1n, Number.MAX_SAFE_INTEGER)
    this.#avoidBuggy = avoidBuggyIPs && family === 4
  }

  block(offset: number | bigint): void {
    if (typeof offset === 'number') this.#blocked.add(offset)
  }

  unblock(offset: number | bigint): void {
    if (typeof offset === 'number') this.#blocked.delete(offset)
  }

  /** undefined = every address is blocked. */
  lowestFree(): number | undefined {
    for (;;) {
      const offset = this.#blocked.lowestAbsent()
      if (offset >= this.#size) return undefined
      if (!this.avoids(offset)) return offset
      // Blocked for good where the search comes by, so that it never comes by twice.
      this.#blocked.add(offset)
    }
  }

  /** `avoidBuggyIPs`: IPv4 addresses that end in .0 or .255 count as not in the pool. */
  avoids(offset: number | bigint): boolean {
    if (!this.#avoidBuggy) return false
    const lastByte = (Number(this.#first & 0xffn) + Number(offset)) % 256
    return lastByte === 0 || lastByte === 255
  }

  offsetOf(address: Address): number | bigint {
    return toOffset(address.bits - this.#first, undefined)
  }

  /** Canonical text of the address. Formatting goes through big numbers, so it is done once a block of addresses. */
  textAt(offset: number): string {
    const span = this.family === 4 ? 256 : 65_536
    const position = Number(this.#first % BigInt(span)) + offset
    const last = position % span
    // The zeros of an IPv6 address that ends in one run further to the left.
    if (this.family === 6 && last === 0) return this.#format(offset)
    const block = (position - last) / span
    if (block !== this.#block) {
      this.#block = block
      this.#head = this.#format(offset - last + 1).slice(0, -1)
    }
    return this.#head.endsWith('.') && this.family === 6
      ? this.#format(offset)
      : this.#head + last.toString(this.family === 4 ? 10 : 16)
  }

  #format(offset: number): string {
    return formatAddress({ family: this.family, bits: this.#first + BigInt(offset) })
  }
}

function toOffset(distance: bigint, most: number): number
function toOffset(distance: bigint, most: undefined): number | bigint
function toOffset(distance: bigint, most: number | undefined): number | bigint {
  return distance <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(distance) : (most ?? distance)
}

/** A pool's addresses of one family. */
class FamilyOccupancy {
  readonly entries: EntryOccupancy[] = []
  /** Positions in `entries` that were found full; an address freed there takes the mark away. */
  readonly #full = new OffsetSet()
  readonly groups = new Map<string, ShareGroup>()
  readonly resting = new RestingAddresses()
  inUse = 0

  lowestFree(): { entry: EntryOccupancy; offset: number } | undefined {
    for (;;) {
      const position = this.#full.lowestAbsent()
      const entry = this.entries[position]
      if (entry === undefined) return undefined
      const offset = entry.lowestFree()
      if (offset !== undefined) return { entry, offset }
      this.#full.add(position)
    }
  }

  unblock(entry: EntryOccupancy, offset: number | bigint): void {
    entry.unblock(offset)
    this.#full.delete(this.#positionOf(entry))
  }

  /** Entries are listed by ascending index, those of the other family left out. */
  #positionOf(entry: EntryOccupancy): number {
    let low = 0
    let high = this.entries.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.entries[middle]!.index < entry.index) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** An address that a search found, free or to be joined. */
export interface Found {
  readonly text: string
  readonly place: Place
}

/** Which addresses of one pool are taken, and which the next Service gets. */
export class PoolOccupancy {
  /** May be exchanged for one with the same ranges. */
  pool: Pool
  readonly entries: readonly EntryOccupancy[]
  /** Services that hold an address of this pool: each is counted where its first address is. */
  services = 0
  readonly #families: Readonly<Record<Family, FamilyOccupancy>> = { 4: new FamilyOccupancy(), 6: new FamilyOccupancy() }

  constructor(pool: Pool) {
    this.pool = pool
    this.entries = pool.entries.map((entry, index) => new EntryOccupancy(index, entry, pool.avoidBuggyIPs))
    for (const entry of this.entries) this.#families[entry.family].entries.push(entry)
  }

  /** Distinct addresses held. */
  inUse(family: Family): number {
    return this.#families[family].inUse
  }

  restsOf(family: Family): RestingAddresses {
    return this.#families[family].resting
  }

  /**
   * The address that `occupant` gets from this pool: in listed order the first one that is free or may be joined.
   * Where freed addresses rest, it gets back what it gave up itself; else those that never were used come first, then
   * the one that has rested longest.
   */
  lowest(
    family: Family,
    occupant: Occupant,
    nowMs: number,
    isQuarantined: (text: string) => boolean,
  ): Found | undefined {
    const occupancy = this.#families[family]
    const own = occupancy.resting.lastOf(occupant.key, isQuarantined)
    if (own !== undefined) return this.#found(own)
    const free = occupancy.lowestFree() ?? this.#rested(family, nowMs, isQuarantined)
    const group = occupant.sharingKey === '' ? undefined : occupancy.groups.get(groupKey(occupant))
    const joinable = group?.lowest(occupant, isQuarantined)
    // A free address wins over joining, unless the one to join comes before it.
    if (joinable !== undefined && (free === undefined || comesBefore(joinable, free))) {
      return { text: joinable.text, place: joinable.place! }
    }
    return free && this.#found(free)
  }

  #found({ entry, offset }: { readonly entry: EntryOccupancy; readonly offset: number }): Found {
    return { text: entry.textAt(offset), place: { pool: this, entry, offset } }
  }

  #rested(family: Family, nowMs: number, isQuarantined: (text: string) => boolean): Rest | undefined {
    const rest = this.#families[family].resting.longest(isQuarantined)
    return rest === undefined || this.endOf(rest) > nowMs ? undefined : rest
  }

  /** When the first of the addresses that rest now will have rested. */
  nextRestEndMs(): number | undefined {
    const firsts = [this.#families[4].resting.firstUnripe, this.#families[6].resting.firstUnripe]
    const ends = firsts.flatMap((rest) => (rest === undefined ? [] : this.endOf(rest)))
    return ends.length === 0 ? undefined : Math.min(...ends)
  }

  /** Those that have rested by now, each told once. */
  endRests(nowMs: number): readonly Rest[] {
    const until = nowMs - this.pool.reuseAfterMs
    return [...this.#families[4].resting.ripen(until), ...this.#families[6].resting.ripen(until)]
  }

  /** When others may have the address. */
  endOf(rest: Rest): number {
    return rest.freedAtMs + this.pool.reuseAfterMs
  }

  /** The address has its first holder. */
  occupy(holding: Holding): void {
    const occupancy = this.#families[holding.family]
    occupancy.inUse++
    occupancy.resting.delete(holding.text)
    holding.place!.entry.block(holding.place!.offset)
  }

  /** The address has lost its last holder; it stays blocked where `rest` is given, or `isBlocked` says so. */
  vacate(holding: Holding, rest: Rest | undefined, isBlocked: boolean): void {
    const occupancy = this.#families[holding.family]
    occupancy.inUse--
    if (rest !== undefined) this.rest(holding.family, rest)
    else if (!isBlocked) occupancy.unblock(holding.place!.entry, holding.place!.offset)
  }

  rest(family: Family, rest: Rest): void {
    this.#families[family].resting.add(rest)
    rest.entry.block(rest.offset)
  }

  unblock(entry: EntryOccupancy, offset: number | bigint): void {
    this.#families[entry.family].unblock(entry, offset)
  }

  /** Puts a held address where Services with the same keys find it, or takes it away from there. */
  regroup(holding: Holding): void {
    const first = holding.holders[0]
    const groups = this.#families[holding.family].groups
    const wanted = first === undefined || first.sharingKey === '' ? undefined : groupKey(first)
    const present = wanted === undefined ? undefined : groups.get(wanted)
    if (holding.group !== undefined && holding.group !== present) this.#leaveGroup(holding, groups)
    if (wanted === undefined) return
    const group = present ?? new ShareGroup(wanted)
    if (holding.group === group) group.reconsider(holding)
    else group.add(holding)
    groups.set(wanted, group)
  }

  #leaveGroup(holding: Holding, groups: Map<string, ShareGroup>): void {
    const group = holding.group!
    group.remove(holding)
    if (group.isEmpty) groups.delete(group.key)
  }
}

function groupKey(occupant: Occupant): string {
  return `${occupant.sharingKey}\0${occupant.backendKey}`
}

function comesBefore(holding: Holding, free: { readonly entry: EntryOccupancy; readonly offset: number }): boolean {
  const place = holding.place!
  if (place.entry !== free.entry) return place.entry.index < free.entry.index
  return place.offset < free.offset
}
