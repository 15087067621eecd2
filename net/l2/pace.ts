import { BURST_MS } from './schedule.ts'

/** The unit of pacing. */
export const PACE_MS = 10

/**
 * Lets at most so many packets out in each PACE_MS, of all nodes together: a switch port must not be overrun by nine
 * heirs that announce at once what a tenth has left. Nobody is asked for that: every node knows by its own elections
 * which others take something up at the same time, and keeps to its share.
 */
export class Pace {
  readonly #node: string
  readonly #perTick: number
  /** When each other node took something up last. */
  readonly #others = new Map<string, number>()
  #share: number
  #tickStartedAt = Number.NEGATIVE_INFINITY
  #sentInTick = 0

  constructor(perTick: number, node: string) {
    this.#node = node
    this.#perTick = perTick
    this.#share = perTick
  }

  /** This node announces from now on for the length of a burst. */
  share(node: string, now: number): void {
    if (node === this.#node) return
    const isNew = !this.#others.has(node)
    this.#others.set(node, now)
    if (isNew) this.#divide()
  }

  /** Whether one more may go now; if so it is counted. */
  take(now: number): boolean {
    if (now >= this.#tickStartedAt + PACE_MS) this.#startTick(now)
    if (this.#sentInTick >= this.#share) return false
    this.#sentInTick++
    return true
  }

  /** The earliest time at which what wants to go at `at` may go. */
  earliest(at: number): number {
    return this.#sentInTick < this.#share ? at : Math.max(at, this.#tickStartedAt + PACE_MS)
  }

  #startTick(now: number): void {
    for (const [node, at] of this.#others) if (at + BURST_MS < now) this.#others.delete(node)
    this.#divide()
    this.#tickStartedAt = now
    this.#sentInTick = 0
  }

  #divide(): void {
    this.#share = Math.max(1, Math.floor(this.#perTick / (this.#others.size + 1)))
  }
}
