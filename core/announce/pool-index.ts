import { type Address, type Range, RangeIndex, rangeContains } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'

/** Finds the pool of an address without looking at every pool. */
export class PoolIndex {
  /** Pools in force do not overlap. */
  readonly #inForce: RangeIndex<Pool>
  /** Suspended pools may overlap those in force and each other; they are few. */
  readonly #suspended: readonly (readonly [Range, Pool])[]

  constructor(pools: Iterable<Pool>) {
    const ranges = [...pools].flatMap((pool) => pool.entries.map(({ range }) => [range, pool] as const))
    this.#inForce = new RangeIndex(ranges.filter(([, pool]) => pool.suspended === undefined))
    this.#suspended = ranges.filter(([, pool]) => pool.suspended !== undefined)
  }

  /** With `avoidBuggyIPs`, addresses that end in .0 or .255 are in no pool. */
  poolOf(address: Address): Pool | undefined {
    const pool = this.#find(address)
    return pool?.avoidBuggyIPs && address.family === 4 && isBuggy(address.bits) ? undefined : pool
  }

  #find(address: Address): Pool | undefined {
    return this.#inForce.find(address) ?? this.#suspended.find(([range]) => rangeContains(range, address))?.[1]
  }
}

function isBuggy(bits: bigint): boolean {
  const lastByte = bits & 255n
  return lastByte === 0n || lastByte === 255n
}
