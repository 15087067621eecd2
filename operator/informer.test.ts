/**
 * The informer against everything that can go wrong between it and the API server. After each fault the same two things
 * are asked: does the store equal the server's state, and does replaying the delivered changes give that state too.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeApiServer, type FakeObject, lineOf } from '../testkit/fake-api-server.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { Client } from './client.ts'
import { type Change, Informer, type InformerOptions } from './informer.ts'
import type { Resource } from './resource.ts'
import type { Ending } from './resume.ts'

const CONFIG_MAPS: Resource<FakeObject> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
}
const IDLE_TIMEOUT_MS = 70_000
const LIST_TIMEOUT_MS = 60_000
const OPEN_TIMEOUT_MS = 30_000

interface World {
  readonly server: FakeApiServer
  readonly informer: Informer<FakeObject>
  readonly clock: VirtualClock
  /** Every change as `add default/a 101`. */
  readonly told: string[]
  readonly endings: Ending[]
  /** Fulfils when the store equals the server's state; then all invariants are checked. */
  converged(): Promise<void>
  /** Fulfils when this is true; looked at after each change and each ending. */
  until(condition: () => boolean): Promise<void>
}

async function worldOf(t: TestContext, options: Partial<InformerOptions<FakeObject>> = {}): Promise<World> {
  const server = await FakeApiServer.start()
  // Backoffs (up to 10 s) take no time; timeouts (60 s and 70 s) come only when a test moves the clock.
  const clock = new VirtualClock({ selfFiringUpToMs: 20_000 })
  const client = new Client({ source: server.source, clock, userAgent: 'test' })
  const endings: Ending[] = []
  const told: string[] = []
  const mirror = new Map<string, string>()
  let waiters: (() => void)[] = []
  const look = (): void => {
    for (const waiter of waiters) waiter()
  }
  const informer = new Informer<FakeObject>({
    client,
    resource: CONFIG_MAPS,
    clock,
    random: () => 0.5,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    listTimeoutMs: LIST_TIMEOUT_MS,
    openTimeoutMs: OPEN_TIMEOUT_MS,
    observe: (ending) => {
      endings.push(ending)
      look()
    },
    ...options,
  })
  informer.onChange((change) => {
    told.push(replay(mirror, change))
    look()
  })
  void informer.whenSynced().then(look)
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const waiter = (): void => {
        if (!condition()) return
        waiters = waiters.filter((each) => each !== waiter)
        resolve()
      }
      waiters.push(waiter)
      waiter()
    })
  const state = (): string => JSON.stringify(Object.entries(server.versions()).sort())
  const held = (): string =>
    JSON.stringify([...informer.store.keys()].map((key) => [key, versionOf(informer.store.get(key)!)]).sort())
  t.after(async () => {
    // A fault of ours has been reported by then, as an unhandled rejection.
    await Promise.allSettled([informer.stop()])
    client.close()
    await server.stop()
  })
  return {
    server,
    informer,
    clock,
    told,
    endings,
    until,
    async converged() {
      await until(() => informer.isSynced && held() === state())
      assert.deepEqual(Object.fromEntries(mirror), server.versions())
    },
  }
}

function versionOf(object: FakeObject): string {
  return object.metadata.resourceVersion
}

/** Applies a change to the mirror, and insists that it fits: what is updated or deleted must have been there as told. */
function replay(mirror: Map<string, string>, change: Change<FakeObject>): string {
  const before = mirror.get(change.key)
  if (change.kind === 'add') assert.equal(before, undefined)
  else assert.equal(before, versionOf(change.old))
  if (change.kind === 'delete') mirror.delete(change.key)
  else mirror.set(change.key, versionOf(change.object))
  const version = change.kind === 'delete' ? versionOf(change.old) : versionOf(change.object)
  return `${change.kind} ${change.key} ${version}`
}

test('what exists is listed, what changes is delivered, in order', async (t) => {
  const { server, informer, told, converged } = await worldOf(t)
  const a = server.put('a')
  informer.start()
  await informer.whenSynced()
  await server.whenRequested('watch', 1)
  const b = server.put('b')
  const a2 = server.put('a', { changed: 'yes' })
  server.remove('b')
  await converged()
  assert.deepEqual(told, [
    `add default/a ${versionOf(a)}`,
    `add default/b ${versionOf(b)}`,
    `update default/a ${versionOf(a2)}`,
    `delete default/b ${versionOf(b)}`,
  ])
})

test('a list comes in pages', async (t) => {
  const { server, informer, converged } = await worldOf(t, { pageSize: 10 })
  for (let i = 0; i < 95; i++) server.put(`n${i}`)
  informer.start()
  await converged()
  assert.equal(server.requests.filter((request) => request.verb === 'list').length, 10)
  assert.equal(informer.store.size, 95)
})

test('what changed while pages came is made good by the watch', async (t) => {
  const { server, informer, converged } = await worldOf(t, { pageSize: 10 })
  for (let i = 0; i < 30; i++) server.put(`n${i}`)
  informer.start()
  await server.whenRequested('list', 2)
  server.remove('n0')
  server.put('n29', { changed: 'yes' })
  server.put('late')
  await converged()
})

test('410 between two pages: the list begins anew, in one piece', async (t) => {
  const { server, informer, converged } = await worldOf(t, { pageSize: 10 })
  for (let i = 0; i < 30; i++) server.put(`n${i}`)
  server.next('list', { kind: 'cut', afterBytes: 1e9 }, { kind: 'answer', status: 410, reason: 'Expired' })
  informer.start()
  await converged()
  const limits = server.requests.filter((each) => each.verb === 'list').map((each) => each.query.get('limit'))
  assert.deepEqual(limits, ['10', '10', null])
})

test('a watch cut after any byte loses nothing and repeats nothing', async (t) => {
  const first = lineOf('ADDED', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })
  // Two events of about 140 bytes: every place in the first, its end, and into the second.
  for (let afterBytes = 0; afterBytes <= 2 * first.length + 120; afterBytes++) {
    const { server, informer, told, converged } = await worldOf(t)
    informer.start()
    server.next('watch', { kind: 'cut', afterBytes })
    await server.whenRequested('watch', 1)
    const [a, b] = [server.put('a'), server.put('b', { text: 'grüße' })]
    await converged()
    assert.deepEqual(
      told,
      [`add default/a ${versionOf(a)}`, `add default/b ${versionOf(b)}`],
      `cut after ${afterBytes}`,
    )
    assert.equal(informer.counters.lists, 1, 'a cut is no reason to list anew')
    await informer.stop()
    await server.stop()
  }
})

test('a list cut anywhere is asked for again', async (t) => {
  const { server, informer, converged } = await worldOf(t)
  for (let i = 0; i < 5; i++) server.put(`n${i}`)
  server.next('list', { kind: 'cut', afterBytes: 0 }, { kind: 'cut', afterBytes: 100 }, { kind: 'reset' })
  informer.start()
  await converged()
  assert.equal(informer.counters.failures, 3)
})

for (const [name, gone] of [
  ['as HTTP status', { kind: 'answer', status: 410, reason: 'Expired' }],
  ['as ERROR event', { kind: 'lines', lines: [lineOf('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })] }],
  ['as ERROR event without a code', { kind: 'lines', lines: [lineOf('ERROR', { kind: 'Status', reason: 'Gone' })] }],
] as const) {
  test(`410 ${name}: lists anew and delivers what was missed, deletes included`, async (t) => {
    const { server, informer, told, converged } = await worldOf(t)
    const [a, b] = [server.put('a'), server.put('b')]
    server.next('watch', { kind: 'end' }, gone)
    informer.start()
    await informer.whenSynced()
    await server.whenRequested('watch', 1)
    server.remove('a')
    const b2 = server.put('b', { changed: 'yes' })
    const c = server.put('c')
    server.compact()
    await converged()
    assert.equal(informer.counters.lists, 2)
    assert.deepEqual(told.slice(0, 2), [`add default/a ${versionOf(a)}`, `add default/b ${versionOf(b)}`])
    assert.deepEqual(told.slice(2).sort(), [
      `add default/c ${versionOf(c)}`,
      `delete default/a ${versionOf(a)}`,
      `update default/b ${versionOf(b2)}`,
    ])
  })
}

test('410 again and again: lists anew each time, but less and less often', async (t) => {
  const { server, informer, clock, until } = await worldOf(t)
  const gone = { kind: 'answer', status: 410, reason: 'Expired' } as const
  server.next('watch', ...Array.from({ length: 8 }, () => gone))
  informer.start()
  await until(() => informer.counters.failures === 8)
  // 100 ms doubled seven times, three quarters of each with this randomness.
  assert.ok(clock.now() >= 75 * (2 ** 7 - 1), `8 refusals in ${clock.now()} ms`)
})

test('429 with Retry-After is obeyed', async (t) => {
  const { server, informer, clock, converged } = await worldOf(t)
  server.put('a')
  server.next('list', { kind: 'answer', status: 429, reason: 'TooManyRequests', headers: { 'Retry-After': '7' } })
  informer.start()
  await converged()
  assert.ok(clock.now() >= 7_000, `asked again after ${clock.now()} ms`)
})

test('500s, a proxy that speaks HTML, resets: goes on when the server does', async (t) => {
  const { server, informer, converged, endings } = await worldOf(t)
  server.put('a')
  server.next(
    'list',
    { kind: 'answer', status: 500, reason: 'InternalError' },
    { kind: 'answer', status: 503, reason: 'ServiceUnavailable' },
    { kind: 'answer', status: 502, text: '<html>Bad Gateway</html>' },
    { kind: 'reset' },
  )
  server.next('watch', { kind: 'answer', status: 500 }, { kind: 'reset' }, { kind: 'answer', status: 503 })
  informer.start()
  await informer.whenSynced()
  server.put('b')
  await converged()
  assert.equal(informer.counters.lists, 1, 'a watch that fails for a while is taken up where it was')
  assert.ok(endings.every((ending) => ending.kind !== 'failed' || ending.error.kind === 'unavailable'))
})

test('a server restored from a backup, that will never know our version: listed anew', async (t) => {
  const { server, informer, converged } = await worldOf(t)
  const tooLarge = { kind: 'answer', status: 504, reason: 'Timeout', text: '{"code":504,"reason":"Timeout"}' } as const
  server.next('watch', tooLarge, tooLarge, tooLarge)
  informer.start()
  await informer.whenSynced()
  server.put('a')
  await converged()
  assert.equal(informer.counters.lists, 2)
})

test('a list that is never answered is given up after its limit', async (t) => {
  const { server, informer, clock, converged } = await worldOf(t)
  server.put('a')
  server.next('list', { kind: 'silence' })
  informer.start()
  await server.whenRequested('list', 1)
  clock.advance(LIST_TIMEOUT_MS)
  await converged()
})

test('a watch that is never answered is given up after its limit', async (t) => {
  const { server, informer, clock, converged, endings } = await worldOf(t)
  server.next('watch', { kind: 'silence' })
  informer.start()
  await server.whenRequested('watch', 1)
  clock.advance(OPEN_TIMEOUT_MS)
  server.put('a')
  await converged()
  assert.deepEqual(
    endings.map((ending) => (ending.kind === 'failed' ? ending.error.kind : ending.kind)),
    ['listed', 'timeout'],
  )
  assert.equal(informer.counters.lists, 1)
})

test('an open watch that falls silent is opened anew where it was; that is no failure', async (t) => {
  const { server, informer, clock, converged, until } = await worldOf(t)
  informer.start()
  const opened = async (count: number): Promise<void> => {
    while (informer.counters.watches < count) await new Promise((resolve) => setImmediate(resolve))
  }
  // The kind has never changed, so that there are no bookmarks: patience grows to four times the limit.
  let watches = 0
  for (const patience of [1, 2, 4, 4]) {
    await opened(++watches)
    clock.advance(IDLE_TIMEOUT_MS * patience - 1)
    assert.equal(informer.counters.watches, watches)
    clock.advance(1)
  }
  await opened(++watches)
  server.put('a')
  await converged()
  clock.advance(IDLE_TIMEOUT_MS)
  await opened(++watches)
  server.put('b')
  await converged()
  await until(() => informer.isSynced)
  assert.equal(informer.counters.lists, 1)
  assert.equal(informer.counters.failures, 0)
})

test('bookmarks keep a quiet watch alive and move the place to go on from', async (t) => {
  const { server, informer, clock, converged } = await worldOf(t)
  informer.start()
  await server.whenRequested('watch', 1)
  for (let minute = 1; minute <= 3; minute++) {
    server.bookmark()
    while (informer.counters.bookmarks < minute) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(60_000)
  }
  assert.equal(informer.counters.watches, 1)
  server.compact()
  clock.advance(IDLE_TIMEOUT_MS)
  await server.whenRequested('watch', 2)
  server.put('a')
  await converged()
  assert.equal(informer.counters.lists, 1, 'the history before the bookmark was not needed')
})

test('a watch that the server ends goes on where it was', async (t) => {
  const { server, informer, converged } = await worldOf(t)
  server.next('watch', { kind: 'end' }, { kind: 'end' }, { kind: 'end' })
  informer.start()
  await server.whenRequested('watch', 3)
  server.put('a')
  await converged()
  assert.equal(informer.counters.lists, 1)
})

test('an event told twice is delivered once', async (t) => {
  const { server, informer, told, converged } = await worldOf(t)
  const a = server.put('a')
  const line = lineOf('ADDED', a)
  server.next('watch', { kind: 'lines', lines: [line, line, lineOf('MODIFIED', a)] })
  informer.start()
  await server.whenRequested('watch', 1)
  server.put('b')
  await converged()
  assert.equal(told.filter((each) => each.includes('default/a')).length, 1)
  assert.equal(informer.counters.duplicates, 3)
})

test('a line that is no event: listed anew, since watching from there would bring it again', async (t) => {
  const { server, informer, converged } = await worldOf(t)
  server.next('watch', { kind: 'lines', lines: ['{"type":"ADDED","object":\n'] }, { kind: 'lines', lines: ['[]\n'] })
  informer.start()
  await server.whenRequested('watch', 3)
  server.put('a')
  await converged()
  assert.equal(informer.counters.lists, 3)
})

test('a rotated token: one refusal, credentials read anew, nothing lost', async (t) => {
  const { server, informer, converged, endings } = await worldOf(t)
  server.token = server.clientToken = 'first'
  server.put('a')
  server.next('watch', { kind: 'end' })
  informer.start()
  await informer.whenSynced()
  server.token = server.clientToken = 'second'
  await server.whenRequested('watch', 2)
  server.put('b')
  await converged()
  assert.deepEqual(
    endings.filter((ending) => ending.kind === 'failed'),
    [],
  )
  assert.ok(server.requests.some((request) => request.authorization === 'Bearer second'))
})

test('a token that is refused until somebody mends it: tried again, nothing lost', async (t) => {
  const { server, informer, converged, until, endings } = await worldOf(t)
  server.token = 'right'
  server.clientToken = 'wrong'
  server.put('a')
  informer.start()
  await until(() => endings.length === 3)
  assert.equal(informer.isSynced, false)
  assert.equal(informer.lastError?.kind, 'unauthorized')
  server.clientToken = 'right'
  await converged()
})

test('refresh lists anew and delivers the difference', async (t) => {
  const { server, informer, converged } = await worldOf(t)
  server.put('a')
  informer.start()
  await informer.whenSynced()
  server.next('watch', { kind: 'silence' })
  const refreshed = informer.refresh()
  server.put('b')
  await refreshed
  assert.equal(informer.counters.lists, 2)
  await converged()
})

test('a list that began late enough is not repeated, one that began earlier is', async (t) => {
  const { server, informer, clock } = await worldOf(t)
  const before = clock.now()
  informer.start()
  await informer.whenSynced()
  await informer.listedSince(before)
  assert.equal(informer.counters.lists, 1)
  server.put('a')
  await informer.listedSince(before + 1)
  assert.equal(informer.counters.lists, 2)
  assert.deepEqual([...informer.store.keys()], ['default/a'])
})

test('refresh during an outage waits for the outage to end', async (t) => {
  const { server, informer, converged } = await worldOf(t)
  informer.start()
  await informer.whenSynced()
  server.next('list', { kind: 'reset' }, { kind: 'answer', status: 503 })
  const refreshed = informer.refresh()
  server.put('b')
  await refreshed
  await converged()
})

test('stop ends a list, a watch and a wait', async (t) => {
  for (const fault of ['silence', 'reset'] as const) {
    const { server, informer } = await worldOf(t, { backoff: { baseMs: 1e6, maxMs: 1e6 } })
    server.next('list', { kind: fault })
    informer.start()
    await server.whenRequested('list', 1)
    await informer.stop()
  }
  const { server, informer } = await worldOf(t)
  informer.start()
  await server.whenRequested('watch', 1)
  await informer.stop()
})

test('a fault in a handler is not taken for the network', async (t) => {
  const { server, informer } = await worldOf(t)
  server.put('a')
  informer.onChange(() => assert.fail('a fault of ours'))
  await assert.rejects(async () => {
    informer.start()
    await informer.stopped
  }, /a fault of ours/)
})

test('the default transform drops managedFields', async (t) => {
  const { server, informer } = await worldOf(t)
  const object = server.put('a')
  Object.assign(object.metadata, { managedFields: [{ manager: 'kubectl' }] })
  informer.start()
  await informer.whenSynced()
  assert.deepEqual(informer.store.get('default/a')?.metadata, {
    namespace: 'default',
    name: 'a',
    resourceVersion: '101',
  })
})
