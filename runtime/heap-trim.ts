/**
 * Gives memory back once a burst of work is over. The engine collects when it needs room; after ten thousand objects
 * were read and all is quiet it needs none, and keeps what their parsing left behind: a third of the controller.
 */
import type { Clock, TimerHandle } from './clock.ts'

export interface HeapTrimOptions {
  readonly clock: Clock
  /** Collects, compacts, and gives back what is free. It holds up the thread meanwhile. */
  readonly collect: () => void
}

/** Fewer pieces of work leave too little behind to be worth a pause; the start of a program always is. */
export const WORTH_A_TRIM = 2_000
/** So long nothing may have been worked on: then nobody waits for this thread. */
export const QUIET_MS = 2_000
/** From one pause to the next, however the work comes. */
export const BETWEEN_TRIMS_MS = 60_000

export class HeapTrim {
  readonly #options: HeapTrimOptions
  #worked = 0
  #worth = 1
  #timer: TimerHandle | undefined
  #notBefore = 0

  constructor(options: HeapTrimOptions) {
    this.#options = options
  }

  /** One more piece of work was done: the program has started, an object was read, or looked at. */
  worked(): void {
    this.#worked++
    if (this.#worked === this.#worth) this.#await(QUIET_MS)
  }

  stop(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** One timer for all the work that comes: it looks whether some came since it was set. */
  #await(delayMs: number): void {
    const { clock } = this.#options
    const before = this.#worked
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined
      const waitMs = this.#worked === before ? this.#notBefore - clock.now() : QUIET_MS
      if (waitMs > 0) this.#await(waitMs)
      else this.#trim()
    }, delayMs)
  }

  #trim(): void {
    const { clock, collect } = this.#options
    collect()
    this.#worked = 0
    this.#worth = WORTH_A_TRIM
    this.#notBefore = clock.now() + BETWEEN_TRIMS_MS
  }
}

/**
 * Collects all there is to collect, compacting. With 10,000 Services it takes 0.3 s of a processor, and as long holds
 * up the controller (0.7 s where six programs wanted each core): less than a lease or a webhook's caller waits.
 * Nothing happens where Node runs without `--expose-gc`.
 */
export function collectHeap(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' })
}
