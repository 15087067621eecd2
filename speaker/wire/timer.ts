import type { Clock, TimerHandle } from '../../runtime/clock.ts'

/**
 * The loop counts whole milliseconds, so that its timers ring up to one too early; a machine that is asked too early has
 * to be asked again.
 */
const LOOP_TICK_MS = 1

/** The one timer of a step machine: arming it replaces what was armed before. */
export class MachineTimer {
  readonly #clock: Clock
  readonly #onDue: () => void
  #handle: TimerHandle | undefined

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** `at` is a time of the clock; one that has passed is due at once, but never within this call. */
  arm(at: number): void {
    this.disarm()
    const waitMs = at - this.#clock.now()
    this.#handle = this.#clock.setTimeout(
      () => {
        this.#handle = undefined
        this.#onDue()
      },
      waitMs <= 0 ? 0 : Math.ceil(waitMs) + LOOP_TICK_MS,
    )
  }

  disarm(): void {
    if (this.#handle !== undefined) this.#clock.clearTimeout(this.#handle)
    this.#handle = undefined
  }
}
