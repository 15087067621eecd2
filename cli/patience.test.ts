import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, type Page, SERVICES, type Service } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { listPatiently } from './patience.ts'

const EMPTY: Page<Service> = { items: [], resourceVersion: '1', continueToken: undefined }

/** Timers run at once, and time moves as far. */
function hastyClock(): Clock {
  let now = 0
  return {
    now: () => now,
    wall: () => now,
    setTimeout: (callback, delayMs) => {
      now += delayMs
      queueMicrotask(callback)
      return { timer: undefined }
    },
    clearTimeout: () => undefined,
  }
}

/** Fails with these errors, one a call, then answers. */
function listing(...errors: readonly ApiError[]) {
  const left = [...errors]
  const list = async () => {
    const error = left.shift()
    if (error !== undefined) throw error
    return EMPTY
  }
  return { client: { list: list as never }, left }
}

const busy = (retryAfterMs?: number) => new ApiError('throttled', 'list services: 429', { code: 429, retryAfterMs })

test('the server asks for patience, and then answers', async () => {
  const { client, left } = listing(busy(), busy(3_000), busy())
  assert.equal(await listPatiently(client, hastyClock(), SERVICES, {}), EMPTY)
  assert.equal(left.length, 0)
})

test('the server asks for more patience than anybody has', async () => {
  const { client, left } = listing(busy(), busy(60_000), busy())
  await assert.rejects(listPatiently(client, hastyClock(), SERVICES, {}), { kind: 'throttled' })
  assert.equal(left.length, 1)
})

test('another failure is not repeated', async () => {
  const { client, left } = listing(new ApiError('forbidden', 'list services: 403'), busy())
  await assert.rejects(listPatiently(client, hastyClock(), SERVICES, {}), { kind: 'forbidden' })
  assert.equal(left.length, 1)
})
