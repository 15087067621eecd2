/** The unit of pacing. */
export const PACE_MS = 10

/** Lets at most so many packets out in each PACE_MS: a queue of a thousand must not overrun the socket. */
export class Pace {
  readonly #perTick: number
  #tickStartedAt = Number.NEGATIVE_INFINITY
  #sentInTick = 0

  constructor(perTick: number) {
    this.#perTick = perTick
  }

  /** Whether one more may go now; if so it is counted. */
  take(now: number): boolean {
    if (now >= this.#tickStartedAt + PACE_MS) {
      this.#tickStartedAt = now
      this.#sentInTick = 0
    }
    if (this.#sentInTick >= this.#perTick) return false
    this.#sentInTick++
    return true
  }

  /** The earliest time at which what wants to go at `at` may go. */
  earliest(at: number): number {
    return this.#sentInTick < this.#perTick ? at : Math.max(at, this.#tickStartedAt + PACE_MS)
  }
}
