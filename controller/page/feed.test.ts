/** The stream of changes over real connections, in virtual time. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import type { PageMessage, ServiceRow } from '../../page/model.ts'
import { PageState } from '../../page/state.ts'
import { type Answer, close, serve } from '../../runtime/http.ts'
import { eventually } from '../../testkit/eventually.ts'
import { VirtualClock } from '../../testkit/virtual-clock.ts'
import { DecisionRing } from './decisions.ts'
import { Feed, MOST_READERS } from './feed.ts'
import { HEARTBEAT_MS, PATIENCE_MS } from './reader.ts'
import { pageRoutes } from './routes.ts'

/** What the feed asks, with a count of how often. */
class FakeView {
  readonly rows = new Map<string, ServiceRow>()
  asked = 0

  serviceKeys() {
    return this.rows.keys()
  }

  service(key: string) {
    this.asked++
    return this.rows.get(key)
  }

  pools() {
    return []
  }

  speakers() {
    return []
  }

  problems() {
    return []
  }

  put(key: string, sentence = ''): void {
    this.rows.set(key, { key, standing: 'silent', addresses: [], reason: { code: 'noEndpoints', sentence } })
  }
}

let clock: VirtualClock
let view: FakeView
let feed: Feed
let server: Server
let refusal: Answer | undefined

beforeEach(async () => {
  clock = new VirtualClock({ selfFiringUpToMs: 100 })
  view = new FakeView()
  refusal = undefined
  const decisions = new DecisionRing(() => clock.wall())
  const about = () => ({ pod: '', namespace: 'metallb-system', isLeader: true, decisionsKept: 100, unread: [] })
  feed = new Feed({ view, decisions, about, clock })
  const routes = pageRoutes(feed, async () => refusal)
  server = await serve(routes, { port: 0, host: '127.0.0.1' })
})

afterEach(async () => {
  feed.stop()
  await close(server)
})

interface Looking {
  readonly state: PageState
  readonly messages: PageMessage[]
  readonly response: IncomingMessage
  readonly leave: () => void
}

function portOf(): number {
  return (server.address() as AddressInfo).port
}

async function look(): Promise<Looking> {
  const asked = request({ port: portOf(), host: '127.0.0.1', path: '/page/events', agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const state = new PageState()
  const messages: PageMessage[] = []
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (text: string) => {
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events.filter((one) => one.startsWith('data: '))) {
      const message = JSON.parse(event.slice('data: '.length)) as PageMessage
      messages.push(message)
      state.apply(message)
    }
  })
  // Whichever side ends it.
  response.on('error', () => undefined)
  return { state, messages, response, leave: () => asked.destroy() }
}

test('all is told, then what changes, each once, and what is gone', async () => {
  for (let i = 0; i < 1_200; i++) view.put(`default/s${i}`)
  const { state, messages } = await look()
  await eventually(() => assert.ok(state.isComplete))
  assert.equal(state.services.length, 1_200)
  const before = messages.length
  view.put('default/s7', 'other')
  feed.serviceChanged('default/s7')
  feed.serviceChanged('default/s8')
  view.rows.delete('default/s9')
  feed.serviceChanged('default/s9')
  await eventually(() => assert.equal(state.services.length, 1_199))
  assert.equal(state.service('default/s7')?.reason?.sentence, 'other')
  const [change] = messages.slice(before)
  assert.deepEqual([change?.services?.length, change?.gone], [1, ['default/s9']])
})

test('while nobody looks nothing is worked out, and what readers knew is forgotten with the last of them', async () => {
  view.put('default/web')
  feed.serviceChanged('default/web')
  feed.everythingChanged()
  clock.advance(1_000)
  assert.equal(view.asked, 0)
  const { leave } = await look()
  await eventually(() => assert.equal(view.asked, 1))
  leave()
  await eventually(() => assert.equal(feed.readers, 0))
  feed.serviceChanged('default/web')
  clock.advance(1_000)
  assert.equal(view.asked, 1)
})

test('another configuration: every Service is looked at, and only those that differ are told', async () => {
  for (const name of ['a', 'b', 'c']) view.put(`default/${name}`)
  const { state, messages } = await look()
  await eventually(() => assert.ok(state.isComplete))
  view.put('default/b', 'other')
  feed.everythingChanged()
  await eventually(() => assert.equal(state.service('default/b')?.reason?.sentence, 'other'))
  assert.deepEqual(
    messages.at(-1)?.services?.map(({ key }) => key),
    ['default/b'],
  )
})

test('ten thousand Services are looked at in turns, so that the allocator gets its own', async () => {
  for (let i = 0; i < 240; i++) view.put(`default/s${i}`)
  const { state } = await look()
  await eventually(() => assert.ok(state.isComplete))
  const before = view.asked
  /** How many were asked for in each turn of the loop. */
  const asked: number[] = []
  let isSameTurn = false
  const { service } = view
  view.service = (key) => {
    if (!isSameTurn) {
      asked.push(0)
      isSameTurn = true
      setImmediate(() => {
        isSameTurn = false
      })
    }
    asked[asked.length - 1]!++
    return service.call(view, key)
  }
  feed.everythingChanged()
  await eventually(() => assert.equal(view.asked - before, 240))
  assert.deepEqual(asked, [100, 100, 40])
})

test('a reader that does not read is dropped after its patience, and costs the others nothing', async () => {
  for (let i = 0; i < 20_000; i++) view.put(`default/s${i}`, 'x'.repeat(500))
  const socket = connect(portOf(), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  const isStuck = clock.whenArmed(PATIENCE_MS)
  socket.write('GET /page/events HTTP/1.1\r\nHost: page\r\n\r\n')
  await isStuck
  const { state } = await look()
  await eventually(() => assert.ok(state.isComplete), 30_000)
  view.put('default/s1', 'other')
  feed.serviceChanged('default/s1')
  await eventually(() => assert.equal(state.service('default/s1')?.reason?.sentence, 'other'))
  assert.equal(feed.readers, 2)
  clock.advance(PATIENCE_MS)
  assert.equal(feed.readers, 1)
  assert.equal(feed.dropped.slow, 1)
  socket.destroy()
})

test('no more readers than there may be: the next one is told to come again', async () => {
  const readers = await Promise.all(Array.from({ length: MOST_READERS }, look))
  const turnedAway = await fetch(`http://127.0.0.1:${portOf()}/page/events`)
  assert.equal(turnedAway.status, 503)
  assert.match(await turnedAway.text(), /too many people/)
  assert.equal(feed.dropped['too-many'], 1)
  readers[0]!.leave()
  await eventually(() => assert.equal(feed.readers, MOST_READERS - 1))
  assert.equal((await look()).response.statusCode, 200)
})

test('who may not look any more is not told any more; while nobody can be asked, who might stays', async () => {
  const { response } = await look()
  refusal = { status: 503, body: 'the API server cannot be asked' }
  clock.advance(5 * 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(feed.readers, 1)
  refusal = { status: 403, body: 'not any more' }
  const ended = Promise.withResolvers<void>()
  response.once('close', ended.resolve)
  for (let i = 0; i < 4; i++) clock.advance(HEARTBEAT_MS)
  await ended.promise
  assert.equal(feed.dropped.refused, 1)
})

test('every file is guarded by the one right, carries the policy, and is sent to nobody without it', async () => {
  const url = `http://127.0.0.1:${portOf()}`
  for (const path of ['/page', '/page/app.js', '/page/style.css', '/page/icon.svg']) {
    const { status, headers } = await fetch(url + path)
    assert.equal(status, 200, path)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/)
    assert.equal(headers.get('cache-control'), 'no-store')
  }
  refusal = { status: 401, body: 'who are you' }
  for (const path of ['/page', '/page/app.js', '/page/events'])
    assert.equal((await fetch(url + path)).status, 401, path)
  assert.equal(feed.readers, 0)
})
