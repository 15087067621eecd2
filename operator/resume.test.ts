import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, type ApiErrorKind } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import { type Ending, resumeAfter } from './resume.ts'

const BACKOFF = { baseMs: 100, maxMs: 10_000 }

function failed(
  during: 'list' | 'watch',
  kind: ApiErrorKind,
  more: { readonly code?: number; readonly retryAfterMs?: number; readonly wasUseful?: boolean } = {},
): Ending {
  const error = new ApiError(kind, kind, more)
  return { kind: 'failed', during, error, wasUseful: more.wasUseful ?? false }
}

/** How it ended, how often that had happened before, and what follows: list anew or not, wait, failures in a row. */
const TABLE: readonly [string, Ending, number, boolean, number, number][] = [
  ['a list that came', { kind: 'listed' }, 3, false, 0, 3],
  ['a watch that the server ended in good order', { kind: 'closed', wasUseful: true }, 3, false, 0, 0],
  ['a watch that the server ended at once', { kind: 'closed', wasUseful: false }, 0, false, 100, 1],
  ['a watch that is ended at once again and again', { kind: 'closed', wasUseful: false }, 4, false, 1_600, 5],
  ['silence', { kind: 'silent' }, 2, false, 0, 2],
  ['a fresh list was asked for', { kind: 'interrupted' }, 2, true, 0, 2],
  ['a cut after a useful watch', failed('watch', 'unavailable', { wasUseful: true }), 7, false, 100, 1],
  ['a cut again and again', failed('watch', 'unavailable'), 2, false, 400, 3],
  ['refused for a long time', failed('watch', 'unavailable'), 40, false, 10_000, 41],
  ['the place in the history is gone', failed('watch', 'gone', { code: 410 }), 0, true, 100, 1],
  ['gone again and again', failed('watch', 'gone', { code: 410 }), 5, true, 3_200, 6],
  ['an event that cannot be read', failed('watch', 'malformed'), 0, true, 100, 1],
  ['a version that the server calls nonsense', failed('watch', 'invalid', { code: 400 }), 0, true, 100, 1],
  ['504 once', failed('watch', 'unavailable', { code: 504 }), 0, false, 100, 1],
  ['504 for ever: a server restored from a backup', failed('watch', 'unavailable', { code: 504 }), 2, true, 400, 3],
  ['500 for ever', failed('watch', 'unavailable', { code: 500 }), 9, false, 10_000, 10],
  [
    'the server asks for patience',
    failed('watch', 'throttled', { code: 429, retryAfterMs: 3_000 }),
    0,
    false,
    3_600,
    1,
  ],
  ['a list that failed', failed('list', 'unavailable'), 0, true, 100, 1],
]

for (const [name, ending, failures, relist, delayMs, inARow] of TABLE) {
  test(`${name}, after ${failures} failures`, () => {
    assert.deepEqual(
      resumeAfter(ending, failures, BACKOFF, () => 1),
      { relist, delayMs, failures: inARow },
    )
  })
}

test('backoff: doubles, has an end, and its upper half is random', () => {
  const at = (failures: number, random: number): number => backoffMs(BACKOFF, failures, () => random)
  assert.deepEqual([at(1, 1), at(2, 1), at(3, 1)], [100, 200, 400])
  assert.deepEqual([at(1, 0), at(2, 0), at(3, 0)], [50, 100, 200])
  assert.deepEqual([at(100, 1), at(1e9, 0)], [10_000, 5_000])
})
