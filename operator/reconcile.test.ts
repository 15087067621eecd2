import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { ApiError } from './api-error.ts'
import { DONE, type Outcome, Reconciler, type ReconcilerOptions } from './reconcile.ts'

function reconcilerOf(
  reconcile: ReconcilerOptions['reconcile'],
  more: Partial<ReconcilerOptions> = {},
): { reconciler: Reconciler; clock: VirtualClock } {
  const clock = new VirtualClock()
  const onFault = (_key: string, error: unknown): void => {
    throw error
  }
  const reconciler = new Reconciler({ clock, random: () => 1, reconcile, allKeys: () => [], onFault, ...more })
  return { reconciler, clock }
}

test('keys added before the start are worked on at the start, each once', async () => {
  const seen: string[] = []
  const { reconciler } = reconcilerOf((key) => {
    seen.push(key)
    return DONE
  })
  for (const key of ['a', 'b', 'a']) reconciler.add(key)
  assert.deepEqual(seen, [])
  reconciler.start()
  await reconciler.whenIdle()
  assert.deepEqual(seen, ['a', 'b'])
})

test('several keys at once, never more than allowed, one worker a key', async () => {
  const working = new Set<string>()
  const gates: (() => void)[] = []
  const times = new Map<string, number>()
  let most = 0
  const reconcile = async (key: string): Promise<Outcome> => {
    assert.equal(working.has(key), false, `two workers on ${key}`)
    working.add(key)
    most = Math.max(most, working.size)
    times.set(key, (times.get(key) ?? 0) + 1)
    await new Promise<void>((resolve) => gates.push(resolve))
    working.delete(key)
    return DONE
  }
  const { reconciler } = reconcilerOf(reconcile, { concurrency: 3 })
  for (let i = 0; i < 10; i++) reconciler.add(`k${i}`)
  reconciler.start()
  let isIdle = false
  void reconciler.whenIdle().then(() => {
    isIdle = true
  })
  for (let turn = 0; !isIdle; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (turn === 0) reconciler.add('k1')
    gates.shift()?.()
  }
  assert.equal(most, 3)
  assert.equal(times.get('k1'), 2, 'what was added while being worked on is looked at again')
  assert.equal(
    [...times.values()].reduce((sum, each) => sum + each),
    11,
  )
})

test('a retry comes after a time that doubles, and is forgiven by success', async () => {
  const at: number[] = []
  const outcomes: Outcome[] = [
    { kind: 'retry', because: 'first' },
    { kind: 'retry', because: 'second' },
    { kind: 'retry', because: 'third' },
    DONE,
    { kind: 'retry', because: 'anew' },
    DONE,
  ]
  const { reconciler, clock } = reconcilerOf(() => {
    at.push(clock.now())
    return outcomes.shift()!
  })
  reconciler.start()
  reconciler.add('a')
  await clock.advanceAsync(1_000)
  reconciler.add('a')
  await clock.advanceAsync(1_000)
  assert.deepEqual(at, [0, 50, 150, 350, 1_000, 1_050])
})

test('a retry that names its time comes at that time; an event comes sooner', async () => {
  const at: number[] = []
  const { reconciler, clock } = reconcilerOf(() => {
    at.push(clock.now())
    return at.length === 1 ? { kind: 'retry', because: 'later', afterMs: 5_000 } : DONE
  })
  reconciler.start()
  reconciler.add('a')
  await clock.advanceAsync(100)
  assert.equal(reconciler.delayed, 1)
  reconciler.add('a')
  await clock.advanceAsync(10_000)
  assert.deepEqual(at, [0, 100])
})

test('a key that was added while it was worked on is looked at again at once, and not once more when its retry was due', async () => {
  const at: number[] = []
  const { reconciler, clock } = reconcilerOf((key) => {
    at.push(clock.now())
    if (at.length > 1) return DONE
    reconciler.add(key)
    return { kind: 'retry', because: 'not seen yet', afterMs: 5_000 }
  })
  reconciler.add('a')
  reconciler.start()
  await clock.advanceAsync(10_000)
  assert.deepEqual([at, reconciler.delayed], [[0, 0], 0])
})

test('a failure to talk to the API server is a retry, throttling obeys the server', async () => {
  const at: number[] = []
  const errors = [
    new ApiError('conflict', 'changed meanwhile'),
    new ApiError('throttled', 'too many requests', { retryAfterMs: 3_000 }),
  ]
  const { reconciler, clock } = reconcilerOf(() => {
    at.push(clock.now())
    const error = errors.shift()
    if (error !== undefined) throw error
    return DONE
  })
  reconciler.start()
  reconciler.add('a')
  await clock.advanceAsync(10_000)
  assert.deepEqual(at, [0, 50, 3_050])
})

test('a fault of ours goes to onFault and does not stop the other keys', async () => {
  const faults: unknown[] = []
  const seen: string[] = []
  const reconcile = (key: string): Outcome => {
    if (key === 'bad') throw new TypeError('undefined is not a function')
    seen.push(key)
    return DONE
  }
  const { reconciler } = reconcilerOf(reconcile, { onFault: (key, error) => faults.push([key, String(error)]) })
  for (const key of ['a', 'bad', 'b']) reconciler.add(key)
  reconciler.start()
  await reconciler.whenIdle()
  assert.deepEqual(seen, ['a', 'b'])
  assert.deepEqual(faults, [['bad', 'TypeError: undefined is not a function']])
})

test('all keys are looked at again, after what changed just now', async () => {
  const seen: string[] = []
  const reconcile = (key: string): Outcome => {
    seen.push(key)
    return DONE
  }
  const { reconciler } = reconcilerOf(reconcile, { allKeys: () => ['a', 'b'] })
  reconciler.addAll()
  reconciler.add('c')
  reconciler.start()
  await reconciler.whenIdle()
  assert.deepEqual(seen, ['c', 'a', 'b'])
})

test('stop waits for what is being worked on, and what waits is still there for the next start', async () => {
  const gate = Promise.withResolvers<void>()
  const seen: string[] = []
  const { reconciler } = reconcilerOf(
    async (key) => {
      seen.push(key)
      await gate.promise
      return DONE
    },
    { concurrency: 1 },
  )
  reconciler.add('a')
  reconciler.add('b')
  reconciler.start()
  let isStopped = false
  const stopped = reconciler.stop().then(() => {
    isStopped = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isStopped, false)
  gate.resolve()
  await stopped
  assert.deepEqual(seen, ['a'])
  reconciler.start()
  await reconciler.whenIdle()
  assert.deepEqual(seen, ['a', 'b'])
})

test('how long a key waited and was worked on is observed', async () => {
  const observed: unknown[] = []
  const { reconciler, clock } = reconcilerOf(
    () => {
      clock.freeze(20)
      return DONE
    },
    { observe: ({ key, waitedMs, workedMs }) => observed.push({ key, waitedMs, workedMs }) },
  )
  reconciler.add('a')
  clock.advance(30)
  reconciler.start()
  await reconciler.whenIdle()
  assert.deepEqual(observed, [{ key: 'a', waitedMs: 30, workedMs: 20 }])
})
