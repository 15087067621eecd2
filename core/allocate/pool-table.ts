import type { Address, Family } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'
import type { Place } from './holding.ts'
import { type EntryOccupancy, PoolOccupancy } from './pool-occupancy.ts'

interface Span {
  readonly first: bigint
  readonly last: bigint
  readonly pool: PoolOccupancy
  readonly entry: EntryOccupancy
}

/** All pools of a Snapshot, and where among them an address lies. */
export class PoolTable {
  readonly pools: ReadonlyMap<string, PoolOccupancy>
  /** Those whose freed addresses rest. */
  readonly restingPools: readonly PoolOccupancy[]
  readonly #geometry: string
  /** Ascending; pools in force do not overlap. */
  readonly #spans: Readonly<Record<Family, Span[]>> = { 4: [], 6: [] }
  /** Suspended pools may overlap those in force and each other; they are few. */
  readonly #suspended: Readonly<Record<Family, Span[]>> = { 4: [], 6: [] }

  constructor(pools: ReadonlyMap<string, Pool>) {
    this.#geometry = geometryOf(pools)
    this.pools = new Map([...pools].map(([name, pool]) => [name, new PoolOccupancy(pool)]))
    this.restingPools = [...this.pools.values()].filter(({ pool }) => pool.reuseAfterMs > 0)
    for (const occupancy of this.pools.values()) this.#addSpans(occupancy)
    for (const spans of Object.values(this.#spans)) spans.sort((a, b) => (a.first < b.first ? -1 : 1))
  }

  /** Takes pools that have the same ranges as these, for which nothing needs to be rebuilt; false = they have not. */
  takesOver(pools: ReadonlyMap<string, Pool>): boolean {
    if (geometryOf(pools) !== this.#geometry) return false
    for (const [name, pool] of pools) this.pools.get(name)!.pool = pool
    return true
  }

  /** undefined = in no pool. Addresses that `avoidBuggyIPs` leaves out are in no pool. */
  locate(address: Address): Place | undefined {
    const span = this.#find(address)
    if (span === undefined) return undefined
    const offset = span.entry.offsetOf(address)
    return span.entry.avoids(offset) ? undefined : { pool: span.pool, entry: span.entry, offset }
  }

  #find(address: Address): Span | undefined {
    const spans = this.#spans[address.family]
    let low = 0
    let high = spans.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (spans[middle]!.first <= address.bits) low = middle + 1
      else high = middle
    }
    const below = spans[low - 1]
    if (below !== undefined && address.bits <= below.last) return below
    return this.#suspended[address.family].find((span) => span.first <= address.bits && address.bits <= span.last)
  }

  #addSpans(occupancy: PoolOccupancy): void {
    const target = occupancy.pool.suspended === undefined ? this.#spans : this.#suspended
    for (const [index, { range }] of occupancy.pool.entries.entries()) {
      const entry = occupancy.entries[index]!
      target[range.family].push({ first: range.first, last: range.last, pool: occupancy, entry })
    }
  }
}

/** Everything that decides where an address lies and when it is given out again. */
function geometryOf(pools: ReadonlyMap<string, Pool>): string {
  const parts: string[] = []
  for (const [name, pool] of pools) {
    parts.push(name, String(pool.avoidBuggyIPs), String(pool.suspended !== undefined), String(pool.reuseAfterMs))
    for (const { range } of pool.entries) parts.push(`${range.family}:${range.first}-${range.last}`)
    parts.push('')
  }
  return parts.join('\n')
}
