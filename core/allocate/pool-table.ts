import { type Address, type Range, RangeIndex, rangeContains } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'
import type { Place } from './holding.ts'
import { type EntryOccupancy, PoolOccupancy } from './pool-occupancy.ts'

interface Location {
  readonly pool: PoolOccupancy
  readonly entry: EntryOccupancy
}

/** All pools of a Snapshot, and where among them an address lies. */
export class PoolTable {
  readonly pools: ReadonlyMap<string, PoolOccupancy>
  /** Those whose freed addresses rest. */
  readonly restingPools: readonly PoolOccupancy[]
  readonly #geometry: string
  /** Pools in force do not overlap. */
  readonly #inForce: RangeIndex<Location>
  /** Suspended pools may overlap those in force and each other; they are few. */
  readonly #suspended: readonly (readonly [Range, Location])[]

  constructor(pools: ReadonlyMap<string, Pool>) {
    this.#geometry = geometryOf(pools)
    this.pools = new Map([...pools].map(([name, pool]) => [name, new PoolOccupancy(pool)]))
    this.restingPools = [...this.pools.values()].filter(({ pool }) => pool.reuseAfterMs > 0)
    const locations = [...this.pools.values()].flatMap(locationsOf)
    this.#inForce = new RangeIndex(locations.filter(([, { pool }]) => pool.pool.suspended === undefined))
    this.#suspended = locations.filter(([, { pool }]) => pool.pool.suspended !== undefined)
  }

  /** Takes pools that have the same ranges as these, for which nothing needs to be rebuilt; false = they have not. */
  takesOver(pools: ReadonlyMap<string, Pool>): boolean {
    if (geometryOf(pools) !== this.#geometry) return false
    for (const [name, pool] of pools) this.pools.get(name)!.pool = pool
    return true
  }

  /** undefined = in no pool. Addresses that `avoidBuggyIPs` leaves out are in no pool. */
  locate(address: Address): Place | undefined {
    const found = this.#inForce.find(address) ?? this.#suspended.find(([range]) => rangeContains(range, address))?.[1]
    if (found === undefined) return undefined
    const { pool, entry } = found
    const offset = entry.offsetOf(address)
    return entry.avoids(offset) ? undefined : { pool, entry, offset }
  }
}

function locationsOf(pool: PoolOccupancy): readonly (readonly [Range, Location])[] {
  return pool.pool.entries.map(({ range }, index) => [range, { pool, entry: pool.entries[index]! }] as const)
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
