/** When `invarctl top` looks again, and when it ends. */
import { sleep, systemClock } from '../../runtime/clock.ts'
import { CannotRun } from '../cannot-run.ts'

const MOST_SECONDS = 3_600

export class Refreshes {
  readonly intervalMs: number
  readonly #count: number
  readonly #ending = new AbortController()

  /**
   * @param count how often; '0' = until somebody ends it
   * @throws CannotRun where the texts are no numbers that will do
   */
  constructor(interval: string, count: string) {
    const seconds = Number(interval)
    if (!(seconds >= 0.1 && seconds <= MOST_SECONDS)) {
      throw new CannotRun(
        `--interval ${interval} is no time between refreshes`,
        `write seconds, 0.1 to ${MOST_SECONDS}`,
      )
    }
    if (!/^\d{1,9}$/.test(count)) {
      throw new CannotRun(`--count ${count} is no number of refreshes`, 'write a whole number; 0 = until q is pressed')
    }
    this.intervalMs = seconds * 1_000
    this.#count = Number(count)
  }

  /** Aborts when it is to end. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  end(): void {
    this.#ending.abort()
  }

  /** Runs it at once, and again after each interval. */
  async each(run: () => void | Promise<void>): Promise<void> {
    for (let made = 1; !this.signal.aborted; made++) {
      await run()
      if (made === this.#count) return
      await sleep(systemClock, this.intervalMs, this.signal)
    }
  }
}
