import type { Clock, TimerHandle } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'

/** The named timers of one session, of BGP or BFD. */
export class SessionTimers<Name extends string> {
  readonly #clock: Clock
  readonly #random: Random
  readonly #onDue: (timer: Name) => void
  readonly #armed = new Map<Name, TimerHandle>()

  constructor(clock: Clock, random: Random, onDue: (timer: Name) => void) {
    this.#clock = clock
    this.#random = random
    this.#onDue = onDue
  }

  /** A random share of up to `jitter` is taken off `afterMs`. */
  arm(timer: Name, afterMs: number, jitter: number): void {
    this.disarm(timer)
    const handle = this.#clock.setTimeout(() => this.#expire(timer, handle), afterMs * (1 - jitter * this.#random()))
    this.#armed.set(timer, handle)
  }

  disarm(timer: Name): void {
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
  #expire(timer: Name, handle: TimerHandle): void {
    setImmediate(() => {
      if (this.#armed.get(timer) !== handle) return
      this.#armed.delete(timer)
      this.#onDue(timer)
    })
  }
}
