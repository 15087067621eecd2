/**
 * Time that moves only when told. Callbacks due at the same instant run in the order they were asked for, so a run is
 * the same every time.
 */
export class VirtualClock {
  #now = 0
  #nextId = 0
  readonly #heap: Alarm[] = []

  /** Milliseconds since the clock was made. */
  get now(): number {
    return this.#now
  }

  /** Calls back at a time; one that has passed already means "as soon as the clock moves". Returns how to cancel. */
  at(time: number, callback: () => void): () => void {
    const alarm: Alarm = { time: Math.max(time, this.#now), id: this.#nextId++, callback }
    this.#push(alarm)
    return () => {
      alarm.callback = undefined
    }
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.at(this.#now + delayMs, callback)
  }

  /** Lets `ms` pass; alarms that alarms set within that time ring too. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#heap.length > 0 && this.#heap[0]!.time <= end) this.#ring(this.#pop())
    this.#now = end
  }

  /** Lets time pass until the condition holds after some alarm, at most `limitMs`. Returns how long it took, or undefined. */
  advanceUntil(condition: () => boolean, limitMs: number): number | undefined {
    const start = this.#now
    if (condition()) return 0
    while (this.#heap.length > 0 && this.#heap[0]!.time <= start + limitMs) {
      this.#ring(this.#pop())
      if (condition()) return this.#now - start
    }
    this.#now = start + limitMs
    return undefined
  }

  #ring(alarm: Alarm): void {
    this.#now = alarm.time
    alarm.callback?.()
  }

  #push(alarm: Alarm): void {
    const heap = this.#heap
    let at = heap.push(alarm) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(alarm, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = alarm
  }

  #pop(): Alarm {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

interface Alarm {
  readonly time: number
  readonly id: number
  callback: (() => void) | undefined
}

function isBefore(a: Alarm, b: Alarm): boolean {
  return a.time < b.time || (a.time === b.time && a.id < b.id)
}
