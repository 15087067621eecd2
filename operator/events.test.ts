import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { ApiError } from './api-error.ts'
import type { EventToRaise } from './event-series.ts'
import { EventRecorder, type EventRecorderOptions, MAX_MESSAGE_LENGTH } from './events.ts'
import type { EventObject } from './resources.ts'

interface World {
  readonly recorder: EventRecorder
  readonly clock: VirtualClock
  /** What was written: `create web AllocationFailed ×1`, `patch ×2`. */
  readonly written: string[]
  readonly objects: EventObject[]
  /** The next writes fail so. */
  readonly failures: ApiError[]
}

function worldOf(more: Partial<EventRecorderOptions> = {}): World {
  const clock = new VirtualClock()
  const [written, objects, failures]: [string[], EventObject[], ApiError[]] = [[], [], []]
  const answer = <T>(run: () => T): T => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return run()
  }
  const client = {
    create: async (_: unknown, event: EventObject) =>
      answer(() => {
        objects.push(event)
        written.push(`create ${event.involvedObject.name} ${event.reason} ×${event.count}`)
        return event
      }),
    patch: async (_: unknown, __: unknown, patch: { count: number }) =>
      answer(() => void written.push(`patch ×${patch.count}`)),
  } as unknown as EventRecorderOptions['client']
  const options = { client, component: 'metallb-controller', clock, random: () => 0.5, ...more }
  return { recorder: new EventRecorder(options), clock, written, objects, failures }
}

function eventOf(name: string, message: string, more: Partial<EventToRaise> = {}): EventToRaise {
  const object = { apiVersion: 'v1', kind: 'Service', namespace: 'default', name, uid: `uid-${name}` }
  return { object, type: 'Warning', reason: 'AllocationFailed', message, ...more }
}

test('an event is written as MetalLB writes it, reason with blanks included', async () => {
  const { recorder, clock, objects } = worldOf({ host: 'n1' })
  recorder.raise(eventOf('web', 'no', { reason: 'not enough clusterips' }))
  await clock.advanceAsync(0)
  const { metadata, ...event } = objects[0]!
  assert.match(metadata.name, /^web\.[0-9a-f]+$/)
  assert.equal(metadata.namespace, 'default')
  assert.deepEqual(event, {
    involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'web', uid: 'uid-web' },
    type: 'Warning',
    reason: 'not enough clusterips',
    message: 'no',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'metallb-controller', host: 'n1' },
    reportingComponent: 'metallb-controller',
    reportingInstance: 'n1',
  })
})

test('the same again is counted on the Event that exists', async () => {
  const { recorder, clock, written } = worldOf()
  for (let i = 0; i < 3; i++) {
    recorder.raise(eventOf('web', 'pool is full'))
    await clock.advanceAsync(1_000)
  }
  assert.deepEqual(written, ['create web AllocationFailed ×1', 'patch ×2', 'patch ×3'])
})

test('what repeats before it was written is written once, with its count', async () => {
  const { recorder, clock, written } = worldOf()
  for (let i = 0; i < 100; i++) recorder.raise(eventOf(`s${i}`, 'x'))
  for (let i = 0; i < 5; i++) recorder.raise(eventOf('web', 'pool is full'))
  await clock.advanceAsync(5_000)
  assert.equal(written.at(-1), 'create web AllocationFailed ×5')
})

test('with a topic, only a change is raised; what is forgotten is raised again', async () => {
  const { recorder, clock, written } = worldOf()
  const full = eventOf('web', 'pool is full', { topic: 'allocation' })
  const given = eventOf('web', '192.0.2.1 given', { topic: 'allocation', type: 'Normal', reason: 'IPAllocated' })
  for (const event of [full, full, given, given, full]) recorder.raise(event)
  await clock.advanceAsync(1_000)
  assert.deepEqual(written, ['create web AllocationFailed ×1', 'create web IPAllocated ×1', 'patch ×2'])
  assert.equal(recorder.counters.skipped.get('unchanged'), 2)
  recorder.forgetTopic(full.object, 'allocation')
  recorder.raise(full)
  await clock.advanceAsync(1_000)
  assert.equal(written.at(-1), 'patch ×3')
})

test('one object cannot flood: 25 at once, then one in five minutes', async () => {
  const { recorder, clock, written } = worldOf()
  for (let i = 0; i < 1_000; i++) recorder.raise(eventOf('web', `message ${i}`))
  recorder.raise(eventOf('other', 'heard all the same'))
  await clock.advanceAsync(10_000)
  assert.equal(written.length, 26)
  await clock.advanceAsync(300_000)
  recorder.raise(eventOf('web', 'later'))
  await clock.advanceAsync(0)
  assert.equal(written.length, 27)
})

test('many objects at once: 100 at once, then 50 a second; the queue has an end', async () => {
  const { recorder, clock, written } = worldOf({ queueLimit: 500 })
  for (let i = 0; i < 1_000; i++) recorder.raise(eventOf(`s${i}`, 'x'))
  await clock.advanceAsync(10)
  assert.ok(written.length <= 102, `${written.length} at once`)
  await clock.advanceAsync(1_000)
  assert.ok(written.length >= 145 && written.length <= 155, `${written.length} after a second`)
  await clock.advanceAsync(60_000)
  assert.equal(recorder.depth, 0)
  assert.equal(written.length + (recorder.counters.skipped.get('queue-full') ?? 0), 1_000)
})

test('an outage is waited for, what is refused for good is dropped and counted', async () => {
  const { recorder, clock, written, failures } = worldOf()
  failures.push(new ApiError('unavailable', 'away'), new ApiError('throttled', 'busy', { retryAfterMs: 5_000 }))
  recorder.raise(eventOf('web', 'x'))
  await clock.advanceAsync(5_000)
  assert.deepEqual(written, [])
  await clock.advanceAsync(1_000)
  assert.deepEqual(written, ['create web AllocationFailed ×1'])
  failures.push(new ApiError('forbidden', 'no right'))
  recorder.raise(eventOf('web', 'y'))
  await clock.advanceAsync(60_000)
  assert.equal(recorder.counters.skipped.get('forbidden'), 1)
  assert.equal(written.length, 1)
})

test('an Event that was cleaned away is created anew', async () => {
  const { recorder, clock, written, failures } = worldOf()
  recorder.raise(eventOf('web', 'x'))
  await clock.advanceAsync(0)
  failures.push(new ApiError('not-found', 'gone'))
  recorder.raise(eventOf('web', 'x'))
  await clock.advanceAsync(10)
  assert.deepEqual(written, ['create web AllocationFailed ×1', 'create web AllocationFailed ×2'])
})

test('a message too long for the API is cut', async () => {
  const { recorder, clock, objects } = worldOf()
  recorder.raise(eventOf('web', 'x'.repeat(5_000)))
  await clock.advanceAsync(0)
  assert.equal(objects[0]?.message?.length, MAX_MESSAGE_LENGTH)
})

test('drain waits for what is queued, but not for ever', async () => {
  const { recorder, clock, failures } = worldOf()
  recorder.raise(eventOf('web', 'x'))
  await recorder.drain(1_000)
  assert.equal(recorder.depth, 0)
  failures.push(...Array.from({ length: 50 }, () => new ApiError('unavailable', 'away')))
  recorder.raise(eventOf('web', 'y'))
  const drained = recorder.drain(1_000)
  await clock.advanceAsync(1_000)
  await drained
  assert.equal(recorder.depth, 1)
})

test('a busy caller is not disturbed: events wait until it has time', async () => {
  let isBusy = true
  const { recorder, clock, written } = worldOf({ isBusy: () => isBusy })
  recorder.raise(eventOf('web', 'no'))
  await clock.advanceAsync(5_000)
  assert.deepEqual(written, [])
  isBusy = false
  await clock.advanceAsync(250)
  assert.deepEqual(written, ['create web AllocationFailed ×1'])
})
