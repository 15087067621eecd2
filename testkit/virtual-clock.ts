/** A clock that the test moves. Timers fire in order of their time; nothing waits for real time. */
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
  readonly callback: () => void
}

export class VirtualClock implements Clock {
  readonly #options: VirtualClockOptions
  readonly #timers = new Set<Timer>()
  #now = 0
  #wallOffset: number
  #order = 0
  #watchers: { readonly delayMs: number; readonly resolve: () => void }[] = []

  constructor(options: VirtualClockOptions = {}) {
    this.#options = options
    this.#wallOffset = options.wallMs ?? Date.UTC(2026, 0, 1)
  }

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
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.add(timer)
    for (const watcher of this.#watchers.filter((each) => each.delayMs === delayMs)) watcher.resolve()
    if (delayMs <= (this.#options.selfFiringUpToMs ?? -1)) setImmediate(() => this.#fireIfPending(timer))
    return { timer }
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle.timer as Timer)
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Fulfils when a timer of exactly this delay waits: the moment at which the code under test has begun to wait. */
  whenArmed(delayMs: number): Promise<void> {
    for (const timer of this.#timers) if (timer.at - this.#now === delayMs) return Promise.resolve()
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
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) this.#fire(next)
    this.#now = until
  }

  /** As {@link advance}, letting promises settle after each timer: for code that arms the next timer after an await. */
  async advanceAsync(byMs: number): Promise<void> {
    const until = this.#now + byMs
    await settled()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#fire(next)
      await settled()
    }
    this.#now = until
  }

  /** Moves time without firing anything: what a process sees that was frozen. The timers fire at the next advance. */
  freeze(forMs: number): void {
    this.#now += forMs
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > until) continue
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }

  #fireIfPending(timer: Timer): void {
    if (this.#timers.has(timer)) this.#fire(timer)
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.callback()
  }
}

/** Lets everything run that waits for promises only. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
