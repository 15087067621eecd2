import type { Address, Family } from './address.ts'
import type { Range } from './range.ts'

interface Entry<T> {
  readonly range: Range
  readonly value: T
}

/** Finds what belongs to the range that an address lies in, without looking at every range. */
export class RangeIndex<T> {
  readonly #entries: Readonly<Record<Family, readonly Entry<T>[]>>

  /** @param entries in any order; no two ranges of a family may overlap */
  constructor(entries: Iterable<readonly [Range, T]>) {
    const sorted: Record<Family, Entry<T>[]> = { 4: [], 6: [] }
    for (const [range, value] of entries) sorted[range.family].push({ range, value })
    for (const list of [sorted[4], sorted[6]]) list.sort((a, b) => (a.range.first < b.range.first ? -1 : 1))
    this.#entries = sorted
  }

  /** undefined = the address lies in none. */
  find({ family, bits }: Address): T | undefined {
    const entries = this.#entries[family]
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (entries[middle]!.range.first <= bits) low = middle + 1
      else high = middle
    }
    const below = entries[low - 1]
    return below !== undefined && bits <= below.range.last ? below.value : undefined
  }
}
