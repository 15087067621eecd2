/** How long to wait before trying again. Pure. */
import type { Random } from '../runtime/random.ts'

export interface Backoff {
  /** After the first failure, at most. */
  readonly baseMs: number
  /** After many failures, at most. */
  readonly maxMs: number
}

/**
 * Doubles with each failure up to the maximum; the upper half is random, so that many clients that failed together do
 * not come back together.
 * @param failures in a row, 1 or more
 */
export function backoffMs(backoff: Backoff, failures: number, random: Random): number {
  // 2 ** 30 is far beyond any maximum and still an exact number.
  const full = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(30, Math.max(0, failures - 1)))
  return full * (0.5 + 0.5 * random())
}
