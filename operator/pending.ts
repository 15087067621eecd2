/**
 * Whether the loops of a program turn. All that they wait for has a limit of time (a request 30 s, a page of a list a
 * minute, the silence of a watch less than five minutes, a pause between attempts a minute), so a loop that has not
 * moved on for much longer hangs in a way that nobody has thought of, and only a new start helps.
 *
 * An API server that is away stalls nothing: attempts fail, and are made again.
 */
import type { Check } from '../runtime/http.ts'

/** Something under way that has to move on. */
export interface Pending {
  /** As in `WHAT has not moved on for 700 s`. */
  readonly what: string
  /** A time of the clock: when it last did. */
  readonly since: number
}

/** More than twice the longest silence that any loop allows itself. */
export const STALLED_AFTER_MS = 600_000

/** Fails with the name of everything that has not moved on for {@link STALLED_AFTER_MS}. @param now of the same clock */
export function loopsTurn(pending: Iterable<Pending | undefined>, now: number): ReturnType<Check> {
  const stalled = [...pending].flatMap((one) => (one !== undefined && now - one.since > STALLED_AFTER_MS ? one : []))
  if (stalled.length === 0) return { ok: true }
  const told = stalled.map(({ what, since }) => `${what} has not moved on for ${Math.floor((now - since) / 1_000)} s`)
  return { ok: false, because: told.join('; ') }
}
