const FULL = -1
const BITS = 32

/**
 * A set of whole numbers from 0 to 2^53 - 1 that finds its lowest gap without walking over what it holds.
 *
 * A tree of 32-bit words: a bit of level 0 says that an offset is in the set, a bit of level n + 1 says that the word
 * below it is full. Only words that are not empty exist, so a /8 and an IPv6 /64 cost what is in them, and every
 * operation touches one word a level: at most 11.
 */
export class OffsetSet {
  readonly #levels: Map<number, number>[] = [new Map()]

  has(offset: number): boolean {
    const word = this.#levels[0]!.get(Math.floor(offset / BITS)) ?? 0
    return (word & bitOf(offset)) !== 0
  }

  add(offset: number): void {
    let position = offset
    for (let level = 0; ; level++) {
      const words = this.#level(level)
      const index = Math.floor(position / BITS)
      const word = (words.get(index) ?? 0) | bitOf(position)
      words.set(index, word)
      if (word !== FULL) return
      position = index
    }
  }

  delete(offset: number): void {
    let position = offset
    for (const words of this.#levels) {
      const index = Math.floor(position / BITS)
      const before = words.get(index) ?? 0
      const after = before & ~bitOf(position)
      if (after === 0) words.delete(index)
      else words.set(index, after)
      if (before !== FULL) return
      position = index
    }
  }

  /** The lowest number that is not in the set and not below `from`. */
  lowestAbsent(from = 0): number {
    let position = from
    for (let level = 0; ; level++) {
      const index = Math.floor(position / BITS)
      const word = this.#levels[level]?.get(index) ?? 0
      const gaps = ~word & (FULL << (position % BITS))
      if (gaps !== 0) return this.#descend(level, index * BITS + lowestBit(gaps))
      position = index + 1
    }
  }

  /** `position` is a gap of `level`: the word below it, if there is one, has a gap too, and so on down. */
  #descend(level: number, position: number): number {
    let found = position
    for (let below = level - 1; below >= 0; below--) {
      const word = this.#levels[below]!.get(found) ?? 0
      found = found * BITS + lowestBit(~word)
    }
    return found
  }

  #level(level: number): Map<number, number> {
    const words = this.#levels[level] ?? new Map<number, number>()
    this.#levels[level] = words
    return words
  }
}

function bitOf(position: number): number {
  return 1 << (position % BITS)
}

function lowestBit(word: number): number {
  return BITS - 1 - Math.clz32(word & -word)
}
