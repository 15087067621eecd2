import type { Clock, TimerHandle } from '../../runtime/clock.ts'

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
    this.#handle = this.#clock.setTimeout(
      () => {
        this.#handle = undefined
        this.#onDue()
      },
      Math.max(0, at - this.#clock.now()),
    )
  }

  disarm(): void {
    if (this.#handle !== undefined) this.#clock.clearTimeout(this.#handle)
    this.#handle = undefined
  }
}
