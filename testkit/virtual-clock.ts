/**
 * A clock that the test moves, for programs in tests and for simulated worlds. Timers fire in the order of their time,
 * those due at the same instant in the order in which they were set; nothing waits for real time.
 */
import type { Clock, TimerHandle } from '../runtime/clock.ts'

export interface VirtualClockOptions {
  /**
   * Timers up to this delay fire by themselves a turn of the event loop later, moving the time on: backoffs then take
   * no time, while limits such as read timeouts wait for {@link VirtualClock.advance}. Default: none fires by itself.
   */
  readonly selfFiringUpToMs?: number
  /** What `wall()` says at the beginning, milliseconds since 1970. */
  readonly wallMs?: number
}

interface Timer {
  readonly at: number
  readonly order: number
  /** undefined: it has fired, or was cancelled. */
  callback: (() => void) | undefined
}

export class VirtualClock implements Clock {
  readonly #options: VirtualClockOptions
  /** A heap, the next one first; those that were cancelled are thrown out when their time comes. */
  readonly #timers: Timer[] = []
  #pending = 0
  #now = 0
  #wallOffset: number
  #order = 0
  #watchers: { readonly delayMs: number; readonly resolve: () => void }[] = []

  constructor(options: VirtualClockOptions = {}) {
    this.#options = options
    this.#wallOffset = options.wallMs ?? Date.UTC(2026, 0, 1)
  }

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wallOffset + this.#now
  }

  /** What an administrator or NTP does to the wall clock; `now()` does not notice. */
  stepWall(byMs: number): void {
    this.#wallOffset += byMs
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer = this.#set(this.#now + Math.max(0, delayMs), callback)
    for (const watcher of this.#watchers.filter((each) => each.delayMs === delayMs)) watcher.resolve()
    if (delayMs <= (this.#options.selfFiringUpToMs ?? -1)) setImmediate(() => this.#fire(timer))
    return { timer }
  }

  clearTimeout(handle: TimerHandle): void {
    this.#take(handle.timer as Timer)
  }

  /** Calls back at a time; one that has passed already means "as soon as the clock moves". Returns how to cancel. */
  at(time: number, callback: () => void): () => void {
    const timer = this.#set(Math.max(time, this.#now), callback)
    return () => void this.#take(timer)
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.at(this.#now + delayMs, callback)
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#pending
  }

  /** Fulfils when a timer of exactly this delay waits: the moment at which the code under test has begun to wait. */
  whenArmed(delayMs: number): Promise<void> {
    const isArmed = this.#timers.some((timer) => timer.callback !== undefined && timer.at - this.#now === delayMs)
    if (isArmed) return Promise.resolve()
    return new Promise((resolve) => {
      const watcher = {
        delayMs,
        resolve: () => {
          this.#watchers = this.#watchers.filter((each) => each !== watcher)
          resolve()
        },
      }
      this.#watchers.push(watcher)
    })
  }

  /** Moves time on and fires all that is due on the way, each at its own time. */
  advance(byMs: number): void {
    const until = this.#now + byMs
    for (let next = this.#due(until); next !== undefined; next = this.#due(until)) this.#fire(next)
    this.#now = until
  }

  /** As {@link advance}, letting promises settle after each timer: for code that arms the next timer after an await. */
  async advanceAsync(byMs: number): Promise<void> {
    const until = this.#now + byMs
    await settled()
    for (let next = this.#due(until); next !== undefined; next = this.#due(until)) {
      this.#fire(next)
      await settled()
    }
    this.#now = until
  }

  /** Moves time on until the condition holds after some timer, at most `limitMs`. Returns how long it took, or undefined. */
  advanceUntil(condition: () => boolean, limitMs: number): number | undefined {
    const start = this.#now
    if (condition()) return 0
    for (let next = this.#due(start + limitMs); next !== undefined; next = this.#due(start + limitMs)) {
      this.#fire(next)
      if (condition()) return this.#now - start
    }
    this.#now = start + limitMs
    return undefined
  }

  /** Moves time without firing anything: what a process sees that was frozen. The timers fire at the next advance. */
  freeze(forMs: number): void {
    this.#now += forMs
  }

  #set(at: number, callback: () => void): Timer {
    const timer: Timer = { at, order: this.#order++, callback }
    push(this.#timers, timer)
    this.#pending++
    return timer
  }

  /** The next timer that is due by then. */
  #due(until: number): Timer | undefined {
    for (let first = this.#timers[0]; first !== undefined; first = this.#timers[0]) {
      if (first.callback !== undefined) return first.at <= until ? first : undefined
      pop(this.#timers)
    }
    return undefined
  }

  #fire(timer: Timer): void {
    const callback = this.#take(timer)
    if (callback === undefined) return
    this.#now = Math.max(this.#now, timer.at)
    callback()
  }

  /** What the timer would have called, once. */
  #take(timer: Timer): (() => void) | undefined {
    const { callback } = timer
    if (callback === undefined) return undefined
    timer.callback = undefined
    this.#pending--
    return callback
  }
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = timer
}

function pop(heap: Timer[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
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
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Lets everything run that waits for promises only. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
