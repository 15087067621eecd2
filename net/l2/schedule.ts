/**
 * When the neighbours are told. A burst starts at once and goes on at growing gaps for five seconds: the first rounds
 * reach those who listen, the later ones those who were busy or whose switch port was not yet forwarding. Then, if
 * wanted, slow refresh.
 *
 * All bursts pass the same gaps, so that one first-in-first-out queue per round is always in time order: no heap, and
 * ten thousand bursts cost ten thousand queue entries. Queues are served in the order of rounds: the first word on a
 * new address goes out before anybody's repetition.
 */
import { Fifo } from './fifo.ts'
import type { Pace } from './pace.ts'

/** Gap before each round of a burst. The offsets are 0, 0.1, 0.3, 0.7, 1.5, 3 and 5 s. */
export const BURST_GAPS_MS: readonly number[] = [0, 100, 200, 400, 800, 1500, 2000]
/** From the first round to the last. */
export const BURST_MS = BURST_GAPS_MS.reduce((sum, gapMs) => sum + gapMs)

/** One address on one interface, being announced. */
export interface Burst {
  readonly ip: string
  readonly interface: string
  readonly startedAt: number
  /** BURST_GAPS_MS.length, or fewer where little is to be told. */
  readonly rounds: number
  /** A cancelled burst stays in its queue and is dropped when its turn comes. */
  isCancelled: boolean
}

interface Round {
  readonly burst: Burst
  readonly dueAt: number
}

/** Mutable, since a burst of ten thousand addresses changes it fifty thousand times. Reads no clock. */
export class Schedule {
  readonly #refreshIntervalMs: number
  readonly #pace: Pace
  /** One queue per round of the burst; the last is the refresh, which feeds itself. */
  readonly #queues: readonly Fifo<Round>[]

  constructor(refreshIntervalMs: number, pace: Pace) {
    this.#refreshIntervalMs = refreshIntervalMs
    this.#pace = pace
    this.#queues = Array.from({ length: BURST_GAPS_MS.length + 1 }, () => new Fifo<Round>())
  }

  start(ip: string, interfaceName: string, now: number, rounds = BURST_GAPS_MS.length): Burst {
    const burst: Burst = { ip, interface: interfaceName, startedAt: now, rounds, isCancelled: false }
    this.#queues[0]!.push({ burst, dueAt: now })
    return burst
  }

  /** Hands out the rounds that are due, as many as the pace allows. */
  run(now: number, send: (burst: Burst) => void): void {
    for (const [index, queue] of this.#queues.entries()) {
      this.#dropCancelled(queue)
      while ((queue.first?.dueAt ?? Number.POSITIVE_INFINITY) <= now && this.#pace.take(now)) {
        const { burst } = queue.shift()!
        send(burst)
        this.#queueNext(burst, index, now)
        this.#dropCancelled(queue)
      }
    }
  }

  /** When `run` has something to do next; undefined = nothing is waiting. */
  nextAt(): number | undefined {
    let next: number | undefined
    for (const queue of this.#queues) {
      this.#dropCancelled(queue)
      const dueAt = queue.first?.dueAt
      if (dueAt !== undefined && (next === undefined || dueAt < next)) next = dueAt
    }
    return next === undefined ? undefined : this.#pace.earliest(next)
  }

  #queueNext(burst: Burst, index: number, now: number): void {
    const next = index + 1
    if (next < burst.rounds) this.#queues[next]!.push({ burst, dueAt: now + BURST_GAPS_MS[next]! })
    else if (this.#refreshIntervalMs > 0) {
      this.#queues.at(-1)!.push({ burst, dueAt: now + this.#refreshIntervalMs })
    }
  }

  #dropCancelled(queue: Fifo<Round>): void {
    while (queue.first?.burst.isCancelled) queue.shift()
  }
}
