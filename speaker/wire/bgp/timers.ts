import type { TimerName } from '../../../net/bgp/index.ts'
import type { Clock, TimerHandle } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'

/** The timers of one session. */
export class SessionTimers {
  readonly #clock: Clock
  readonly #random: Random
  readonly #onDue: (timer: TimerName) => void
  readonly #armed = new Map<TimerName, TimerHandle>()

  constructor(clock: Clock, random: Random, onDue: (timer: TimerName) => void) {
    this.#clock = clock
    this.#random = random
    this.#onDue = onDue
  }

  /** A random share of up to `jitter` is taken off `afterMs`. */
  arm(timer: TimerName, afterMs: number, jitter: number): void {
    this.disarm(timer)
    const handle = this.#clock.setTimeout(() => this.#expire(timer, handle), afterMs * (1 - jitter * this.#random()))
    this.#armed.set(timer, handle)
  }

  disarm(timer: TimerName): void {
    const handle = this.#armed.get(timer)
    if (handle !== undefined) this.#clock.clearTimeout(handle)
    this.#armed.delete(timer)
  }

  disarmAll(): void {
    for (const timer of [...this.#armed.keys()]) this.disarm(timer)
  }

  /**
   * A loop that was held up finds the timer due and the peer's message unread. An immediate comes after the sockets of
   * this turn have been read: what waits there proves the peer alive.
   */
  #expire(timer: TimerName, handle: TimerHandle): void {
    setImmediate(() => {
      if (this.#armed.get(timer) !== handle) return
      this.#armed.delete(timer)
      this.#onDue(timer)
    })
  }
}
