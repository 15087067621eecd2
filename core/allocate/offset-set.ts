const FULL = -1
const BITS = 32
/** Words below this index lie in an array that grows; addresses are given lowest first, so nearly all do. */
const DENSE_WORDS = 2 ** 16

/** The words of one level; those that were never set are 0. */
class Words {
  #dense = new Int32Array(16)
  readonly #sparse = new Map<number, number>()

  get(index: number): number {
    if (index < this.#dense.length) return this.#dense[index]!
    return index < DENSE_WORDS ? 0 : (this.#sparse.get(index) ?? 0)
  }

  set(index: number, word: number): void {
    if (index < DENSE_WORDS) this.#setDense(index, word)
    else if (word === 0) this.#sparse.delete(index)
    else this.#sparse.set(index, word)
  }

  #setDense(index: number, word: number): void {
    if (index >= this.#dense.length) {
      const grown = new Int32Array(Math.min(DENSE_WORDS, 2 ** Math.ceil(Math.log2(index + 1))))
      grown.set(this.#dense)
      this.#dense = grown
    }
    this.#dense[index] = word
  }
}

/**
 * A set of whole numbers from 0 to 2^53 - 1 that finds its lowest gap without walking over what it holds.
 *
 * A tree of 32-bit words: a bit of level 0 says that an offset is in the set, a bit of level n + 1 says that the word
 * below it is full. Words that are empty cost nothing, so a /8 and an IPv6 /64 cost what is in them, and every
 * operation touches one word a level: at most 11.
 */
export class OffsetSet {
  readonly #levels: Words[] = [new Words()]

  has(offset: number): boolean {
    const word = this.#levels[0]!.get(Math.floor(offset / BITS))
    return (word & bitOf(offset)) !== 0
  }

  add(offset: number): void {
    let position = offset
    for (let level = 0; ; level++) {
      const words = this.#level(level)
      const index = Math.floor(position / BITS)
      const word = words.get(index) | bitOf(position)
      words.set(index, word)
      if (word !== FULL) return
      position = index
    }
  }

  delete(offset: number): void {
    let position = offset
    for (const words of this.#levels) {
      const index = Math.floor(position / BITS)
      const before = words.get(index)
      words.set(index, before & ~bitOf(position))
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
      const word = this.#levels[below]!.get(found)
      found = found * BITS + lowestBit(~word)
    }
    return found
  }

  #level(level: number): Words {
    const words = this.#levels[level] ?? new Words()
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
