/**
 * What an informer does after its list or watch ended: go on where it was, or list anew; at once, or later. Pure.
 */
import type { Random } from '../runtime/random.ts'
import type { ApiError } from './api-error.ts'
import { type Backoff, backoffMs } from './backoff.ts'

export type Ending =
  | { readonly kind: 'listed' }
  /** Nothing came on an open watch for a while: nothing happens, or the connection is dead and nobody told us. */
  | { readonly kind: 'silent' }
  /** The server closed a watch in good order. `wasUseful`: it brought something, or lasted a while. */
  | { readonly kind: 'closed'; readonly wasUseful: boolean }
  | {
      readonly kind: 'failed'
      readonly during: 'list' | 'watch'
      readonly error: ApiError
      readonly wasUseful: boolean
    }
  /** Somebody asked for a fresh list. */
  | { readonly kind: 'interrupted' }

export interface Resumption {
  /** The position is lost: list before watching. */
  readonly relist: boolean
  readonly delayMs: number
  /** In a row, for the next decision. */
  readonly failures: number
}

/** So often may the server itself refuse to go on from a position before the position is given up. */
const REFUSALS_BEFORE_RELIST = 3

export function resumeAfter(ending: Ending, failures: number, backoff: Backoff, random: Random): Resumption {
  if (ending.kind === 'listed' || ending.kind === 'silent') return { relist: false, delayMs: 0, failures }
  if (ending.kind === 'interrupted') return { relist: true, delayMs: 0, failures }
  if (ending.kind === 'closed' && ending.wasUseful) return { relist: false, delayMs: 0, failures: 0 }
  const inARow = ending.wasUseful ? 1 : failures + 1
  const delayMs = backoffMs(backoff, inARow, random)
  if (ending.kind === 'closed') return { relist: false, delayMs, failures: inARow }
  const { error, during } = ending
  return {
    relist: during === 'list' || losesPosition(error, inARow),
    delayMs: error.retryAfterMs === undefined ? delayMs : error.retryAfterMs * (1 + 0.2 * random()),
    failures: inARow,
  }
}

function losesPosition(error: ApiError, inARow: number): boolean {
  // The same position would bring the same unreadable event again.
  if (error.kind === 'gone' || error.kind === 'invalid' || error.kind === 'malformed') return true
  // A store restored from a backup knows no version as high as ours and answers 504 for ever. Any other failure passes,
  // and listing anew from everywhere would only make a server's return harder.
  return error.code === 504 && inARow >= REFUSALS_BEFORE_RELIST
}
