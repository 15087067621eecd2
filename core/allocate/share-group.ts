import type { Holding, Occupant } from './holding.ts'

/** Port lists remembered a group; beyond it all are forgotten and found again when asked for. */
const LISTS_KEPT = 64

/**
 * The addresses of one pool and family whose holders have the same sharing and backend key.
 *
 * For each list of ports that was asked for, a heap holds every address that could take it, lowest first. An address
 * is pushed when it may have become joinable (it came, or a holder left) and thrown out when it is found at the top
 * and is not: so neither joining nor leaving looks at the others.
 */
export class ShareGroup {
  readonly key: string
  readonly #members = new Set<Holding>()
  readonly #heaps = new Map<string, Holding[]>()

  constructor(key: string) {
    this.key = key
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  add(holding: Holding): void {
    this.#members.add(holding)
    holding.group = this
    this.reconsider(holding)
  }

  remove(holding: Holding): void {
    this.#members.delete(holding)
    holding.group = undefined
  }

  /** To be called when `holding` has lost a holder, or may be given out again. */
  reconsider(holding: Holding): void {
    for (const [ports, heap] of this.#heaps) {
      // What was thrown out is not looked for again: a heap that has become mostly that is cheaper to make anew.
      if (heap.length > 2 * this.#members.size + 16) this.#heaps.delete(ports)
      else push(heap, holding)
    }
  }

  /** The lowest address that `occupant` may join; quarantined ones are given to nobody. */
  lowest(occupant: Occupant, isQuarantined: (text: string) => boolean): Holding | undefined {
    const heap = this.#heapFor(occupant)
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      const isJoinable = top.group === this && !isQuarantined(top.text) && top.refusalFor(occupant) === undefined
      if (isJoinable) return top
      pop(heap)
    }
    return undefined
  }

  #heapFor(occupant: Occupant): Holding[] {
    const ports = occupant.ports.join()
    const known = this.#heaps.get(ports)
    if (known !== undefined) return known
    if (this.#heaps.size >= LISTS_KEPT) this.#heaps.clear()
    const heap = [...this.#members].sort((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#heaps.set(ports, heap)
    return heap
  }
}

/** Order in which a pool gives out: entries as listed, each from its lowest address up. */
export function isBefore(a: Holding, b: Holding): boolean {
  const [left, right] = [a.place!, b.place!]
  if (left.entry !== right.entry) return left.entry.index < right.entry.index
  return left.offset < right.offset
}

function push(heap: Holding[], holding: Holding): void {
  let index = heap.push(holding) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!isBefore(holding, heap[parent]!)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = holding
}

function pop(heap: Holding[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, last)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
}
