/** What the health page says of loops: an API server that is away stalls nothing, a call that never ends does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import { Informer } from './informer.ts'
import { Leader } from './leader.ts'
import { loopsTurn, type Pending, STALLED_AFTER_MS } from './pending.ts'
import { DONE, Reconciler } from './reconcile.ts'
import { SERVICES } from './resources.ts'

const NEVER = new Promise<never>(() => undefined)
const refuse = (): Promise<never> => Promise.reject(new ApiError('unavailable', 'nobody there'))

function clientThat(answers: () => Promise<never>): Pick<Client, 'list' | 'watch' | 'get' | 'create' | 'replace'> {
  return { list: answers, watch: answers, get: answers, create: answers, replace: answers }
}

interface Loop {
  readonly pending: Pending | undefined
  start(): void
}

const LOOPS: readonly [string, (answers: () => Promise<never>, clock: VirtualClock) => Loop][] = [
  [
    'following services',
    (answers, clock) => new Informer({ client: clientThat(answers), resource: SERVICES, clock, random: () => 0.5 }),
  ],
  [
    'work on default/web',
    (answers, clock) => {
      const fail = (_: string, error: unknown): never => assert.fail(String(error))
      const reconciler = new Reconciler({
        clock,
        random: () => 0.5,
        reconcile: answers,
        allKeys: () => [],
        onFault: fail,
      })
      reconciler.add('default/web')
      return reconciler
    },
  ],
  [
    'looking at the Lease l',
    (answers, clock) => {
      const told = { onElected: () => undefined, onDeposed: () => undefined }
      const lease = { namespace: 'n', name: 'l', identity: 'a' }
      return new Leader({ client: clientThat(answers), ...lease, ...told, clock, random: () => 0.5 })
    },
  ],
]

for (const [what, loopOf] of LOOPS) {
  test(`${what}: fine through hours without an API server`, async () => {
    const clock = new VirtualClock()
    const loop = loopOf(refuse, clock)
    const live = () => loopsTurn([loop.pending], clock.now())
    loop.start()
    for (let minutes = 0; minutes < 60; minutes += 10) {
      await clock.advanceAsync(600_000)
      assert.deepEqual(live(), { ok: true })
    }
  })

  test(`${what}: a call that never ends is told, by name`, async () => {
    const clock = new VirtualClock()
    const loop = loopOf(() => NEVER, clock)
    const live = () => loopsTurn([loop.pending], clock.now())
    assert.deepEqual(live(), { ok: true }, 'before the start')
    loop.start()
    await clock.advanceAsync(STALLED_AFTER_MS)
    assert.deepEqual(live(), { ok: true })
    await clock.advanceAsync(1_000)
    assert.deepEqual(live(), { ok: false, because: `${what} has not moved on for 601 s` })
  })
}

test('a loop that has nothing to do is not stalled, and of several the one that hangs longest is named', async () => {
  const clock = new VirtualClock()
  const reconcile = (key: string) => (key === 'quick' ? DONE : NEVER)
  const reconciler = new Reconciler({
    clock,
    random: () => 0.5,
    reconcile,
    allKeys: () => [],
    onFault: () => undefined,
  })
  const live = () => loopsTurn([reconciler.pending], clock.now())
  reconciler.add('quick')
  reconciler.start()
  await clock.advanceAsync(2 * STALLED_AFTER_MS)
  assert.deepEqual(live(), { ok: true })
  reconciler.add('first')
  await clock.advanceAsync(1_000)
  reconciler.add('second')
  await clock.advanceAsync(STALLED_AFTER_MS)
  assert.deepEqual(live(), { ok: false, because: 'work on first has not moved on for 601 s' })
})
