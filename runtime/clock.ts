/** A running timer; give it back to {@link Clock.clearTimeout}. */
export type TimerHandle = { readonly timer: unknown }

/**
 * Time, as everything in Invar sees it. Whoever waits or measures takes a Clock, so that a test can move time by hand.
 */
export interface Clock {
  /** Milliseconds since some fixed moment; never steps back, stands still for nobody. For durations and deadlines. */
  now(): number
  /** Milliseconds since 1970-01-01T00:00Z; may step. Only for what people or the API server read. */
  wall(): number
  setTimeout(callback: () => void, delayMs: number): TimerHandle
  clearTimeout(handle: TimerHandle): void
}

/** The machine's clocks. Timers of this clock do not keep a process alive that has nothing else to do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { timer }
  },
  clearTimeout: (handle) => clearTimeout(handle.timer as NodeJS.Timeout),
}

/** Resolves after `delayMs` of the clock's time, or at once when the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      clock.clearTimeout(handle)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const handle = clock.setTimeout(finish, delayMs)
    signal?.addEventListener('abort', finish)
  })
}
