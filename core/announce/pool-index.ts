import type { Address, Family } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'

interface Span {
  readonly first: bigint
  readonly last: bigint
  readonly pool: Pool
}

/** Finds the pool of an address without looking at every pool. */
export class PoolIndex {
  /** Ascending; pools in force do not overlap. */
  readonly #spans: Readonly<Record<Family, Span[]>> = { 4: [], 6: [] }
  /** Suspended pools may overlap those in force and each other; they are few. */
  readonly #suspended: Readonly<Record<Family, Span[]>> = { 4: [], 6: [] }

  constructor(pools: Iterable<Pool>) {
    for (const pool of pools) {
      const target = pool.suspended === undefined ? this.#spans : this.#suspended
      for (const { range } of pool.entries) target[range.family].push({ first: range.first, last: range.last, pool })
    }
    for (const spans of [this.#spans[4], this.#spans[6]]) spans.sort((a, b) => (a.first < b.first ? -1 : 1))
  }

  /** With `avoidBuggyIPs`, addresses that end in .0 or .255 are in no pool. */
  poolOf(address: Address): Pool | undefined {
    const pool = this.#find(address)
    return pool?.avoidBuggyIPs && address.family === 4 && isBuggy(address.bits) ? undefined : pool
  }

  #find({ family, bits }: Address): Pool | undefined {
    const spans = this.#spans[family]
    let low = 0
    let high = spans.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (spans[middle]!.first <= bits) low = middle + 1
      else high = middle
    }
    const below = spans[low - 1]
    if (below !== undefined && bits <= below.last) return below.pool
    return this.#suspended[family].find((span) => span.first <= bits && bits <= span.last)?.pool
  }
}

function isBuggy(bits: bigint): boolean {
  const lastByte = bits & 255n
  return lastByte === 0n || lastByte === 255n
}
