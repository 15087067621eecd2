/** One Service in a line; its rank decides who is asked first. */
export interface Waiter {
  readonly key: string
  readonly rank: string
}

/**
 * Those that wait for one thing, oldest first. What there is to have is counted: one freed address brings them back one
 * after the other until it is taken, not all at once.
 */
export class WaitingLine {
  readonly #waiting = new Set<Waiter>()
  /** Ascending where `#isSorted`; those that have left are thrown out now and then. */
  #order: Waiter[] = []
  #isSorted = true
  /** Brought back and not decided yet: each may take one. */
  readonly #asked = new Set<Waiter>()
  /** How much there is to have; Infinity = enough for everybody, perhaps. */
  #credit = 0
  /** Everybody up to this rank has been asked since there was last something new. */
  #askedUpTo = ''

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  add(waiter: Waiter): void {
    const last = this.#order.at(-1)
    if (last !== undefined && waiter.rank < last.rank) this.#isSorted = false
    this.#waiting.add(waiter)
    this.#order.push(waiter)
  }

  remove(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    this.#asked.delete(waiter)
    if (this.#order.length > 2 * this.#waiting.size + 16) this.#tidy()
  }

  /** The Service was decided, and waits on. */
  answered(waiter: Waiter): void {
    this.#asked.delete(waiter)
  }

  /** There is so much more to have. */
  offer(credit: number): void {
    this.#credit += credit
    this.#askedUpTo = ''
  }

  /** Somebody, of this line or not, has taken one. */
  taken(): void {
    if (this.#credit > 0) this.#credit--
  }

  /** Who is to be asked now. */
  next(): readonly Waiter[] {
    const chosen: Waiter[] = []
    if (this.#credit <= this.#asked.size) return chosen
    if (!this.#isSorted) this.#tidy()
    for (let at = this.#position(); at < this.#order.length && this.#credit > this.#asked.size; at++) {
      const waiter = this.#order[at]!
      if (!this.#waiting.has(waiter) || this.#asked.has(waiter)) continue
      this.#askedUpTo = waiter.rank
      this.#asked.add(waiter)
      chosen.push(waiter)
    }
    // Everybody was asked and something is left: nobody here can use it.
    if (chosen.length === 0 && this.#asked.size === 0) this.#credit = 0
    return chosen
  }

  /** Whether somebody may have to be asked later, when those asked now were decided. */
  get isOffering(): boolean {
    return this.#credit > 0
  }

  #tidy(): void {
    this.#order = [...this.#waiting].sort((a, b) => (a.rank < b.rank ? -1 : 1))
    this.#isSorted = true
  }

  /** Of the first one behind `#askedUpTo`. */
  #position(): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#order[middle]!.rank <= this.#askedUpTo) low = middle + 1
      else high = middle
    }
    return low
  }
}
