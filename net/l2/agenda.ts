/** What is to be done when, in order of time; first come, first served at the same time. A binary heap. */
export class Agenda<Item> {
  readonly #heap: Entry<Item>[] = []
  #added = 0

  add(at: number, item: Item): Entry<Item> {
    const entry: Entry<Item> = { at, order: this.#added++, item, isCancelled: false }
    const heap = this.#heap
    let place = heap.push(entry) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = entry
    return entry
  }

  /** When the first entry is due. */
  nextAt(): number | undefined {
    while (this.#heap[0]?.isCancelled) this.#removeFirst()
    return this.#heap[0]?.at
  }

  /** Takes the first entry out if it is due. */
  takeDue(now: number): Item | undefined {
    if ((this.nextAt() ?? Number.POSITIVE_INFINITY) > now) return undefined
    return this.#removeFirst().item
  }

  #removeFirst(): Entry<Item> {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = last
    return first
  }
}

export interface Entry<Item> {
  readonly at: number
  readonly order: number
  readonly item: Item
  /** Set by whoever has no use for it any more; it is dropped when its turn comes. */
  isCancelled: boolean
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
