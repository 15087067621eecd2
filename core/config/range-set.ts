import type { Family, Range } from '../../net/ip/index.ts'

interface Claim<Owner> {
  readonly range: Range
  readonly owner: Owner
}

/** Ranges of which no two overlap, each with its owner. A question costs log n. */
export class RangeSet<Owner> {
  readonly #claims: Readonly<Record<Family, Claim<Owner>[]>> = { 4: [], 6: [] }

  /** A range of the set that shares an address with the given one. */
  overlapping(range: Range): Claim<Owner> | undefined {
    const claims = this.#claims[range.family]
    const claim = claims[this.#countUpTo(range.family, range.last) - 1]
    return claim !== undefined && claim.range.last >= range.first ? claim : undefined
  }

  /** Adds a range that overlaps none of the set; one that does overlap is not added. */
  add(range: Range, owner: Owner): void {
    if (this.overlapping(range) !== undefined) return
    this.#claims[range.family].splice(this.#countUpTo(range.family, range.last), 0, { range, owner })
  }

  /** How many ranges begin at or below the address. */
  #countUpTo(family: Family, bits: bigint): number {
    const claims = this.#claims[family]
    let low = 0
    let high = claims.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (claims[middle]!.range.first <= bits) low = middle + 1
      else high = middle
    }
    return low
  }
}
