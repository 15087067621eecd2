/** What the client does where no answer, or no good one, comes. Its daily work is tested on the real API server. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { ApiError, type ApiErrorKind, apiErrorOfStatus, MAX_RETRY_AFTER_SECONDS } from './api-error.ts'
import { Client, type ClientOptions, type ObservedRequest } from './client.ts'
import { CONFIG_MAPS } from './resources.ts'

interface World {
  readonly client: Client
  readonly clock: VirtualClock
  readonly observed: ObservedRequest[]
  /** Requests that reached the server: method and path. */
  readonly received: string[]
  whenReceived(count: number): Promise<void>
}

async function worldOf(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  more: Partial<ClientOptions> = {},
): Promise<World> {
  const received: string[] = []
  let told = (): void => undefined
  const server = createServer((request, response) => {
    received.push(`${request.method} ${request.url}`)
    told()
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const load = (): KubeConfig => {
    const config = new KubeConfig()
    const cluster = { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }
    config.loadFromClusterAndUser(cluster, { name: 'fake' })
    return config
  }
  const clock = new VirtualClock()
  const observed: ObservedRequest[] = []
  const client = new Client({
    source: { kind: 'custom', load },
    clock,
    userAgent: 'invar-test',
    observe: (request) => observed.push(request),
    ...more,
  })
  t.after(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })
  const whenReceived = (count: number): Promise<void> =>
    new Promise((resolve) => {
      told = () => {
        if (received.length >= count) resolve()
      }
      told()
    })
  return { client, clock, observed, received, whenReceived }
}

function kindOf(kind: ApiErrorKind): (error: unknown) => boolean {
  return (error) => error instanceof ApiError && error.kind === kind
}

const NAME = { namespace: 'default', name: 'a' }
const OBJECT = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...NAME, resourceVersion: '1' } }

/** Codes that the API server sends, and what a caller can do about them. */
const CODES: readonly [number, ApiErrorKind][] = [
  [400, 'invalid'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [405, 'invalid'],
  [409, 'conflict'],
  [410, 'gone'],
  [413, 'invalid'],
  [415, 'invalid'],
  [418, 'invalid'],
  [422, 'invalid'],
  [429, 'throttled'],
  [500, 'unavailable'],
  [502, 'unavailable'],
  [503, 'unavailable'],
  [504, 'unavailable'],
]

for (const [code, kind] of CODES) {
  test(`${code} is ${kind}`, () => assert.equal(apiErrorOfStatus('get x', code, {}).kind, kind))
}

test('how long the server asks to wait comes from the header, or from the Status, and has a limit', () => {
  const waitOf = (header: string | undefined, seconds?: number): number | undefined =>
    apiErrorOfStatus('x', 429, seconds === undefined ? {} : { details: { retryAfterSeconds: seconds } }, header)
      .retryAfterMs
  assert.equal(waitOf('3'), 3_000)
  assert.equal(waitOf(undefined, 5), 5_000)
  assert.equal(waitOf('3', 5), 3_000)
  assert.equal(waitOf('0'), undefined)
  assert.equal(waitOf('Wed, 21 Oct 2026 07:28:00 GMT'), undefined)
  assert.equal(waitOf('86400'), MAX_RETRY_AFTER_SECONDS * 1_000)
})

test('an error names the request, the code and what the server said', async (t) => {
  const { client, observed } = await worldOf(t, (_, response) => {
    response.writeHead(403)
    response.end(JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message: 'you may not' }))
  })
  await assert.rejects(client.get(CONFIG_MAPS, NAME), /get configmaps default\/a: 403 you may not/)
  assert.deepEqual(
    observed.map(({ verb, resource, code }) => ({ verb, resource, code })),
    [{ verb: 'get', resource: 'configmaps', code: '403' }],
  )
})

test('no answer in time: given up, and the connection is not used again', async (t) => {
  const { client, clock, observed, whenReceived } = await worldOf(t, () => undefined, { timeoutMs: 5_000 })
  const rejected = assert.rejects(client.get(CONFIG_MAPS, NAME), kindOf('timeout'))
  await whenReceived(1)
  clock.advance(5_000)
  await rejected
  assert.equal(observed[0]?.code, 'timeout')
  assert.equal(observed[0]?.durationMs, 5_000)
  assert.equal(clock.pending, 0)
})

test('an answer that begins and does not end is given up as well', async (t) => {
  const { client, clock, whenReceived } = await worldOf(t, (_, response) => void response.write('{"meta'))
  const rejected = assert.rejects(client.get(CONFIG_MAPS, NAME), kindOf('timeout'))
  await whenReceived(1)
  clock.advance(30_000)
  await rejected
})

test('an aborted request ends with the reason of its signal', async (t) => {
  const { client, clock, whenReceived } = await worldOf(t, () => undefined)
  const controller = new AbortController()
  const rejected = assert.rejects(client.get(CONFIG_MAPS, NAME, { signal: controller.signal }), kindOf('fenced'))
  await whenReceived(1)
  controller.abort(new ApiError('fenced', 'no longer leader'))
  await rejected
  await assert.rejects(client.get(CONFIG_MAPS, NAME, { signal: AbortSignal.abort() }), kindOf('aborted'))
  assert.equal(clock.pending, 0)
})

test('a request that waits for a connection is given up at once, too', async (t) => {
  const { client, clock, whenReceived } = await worldOf(t, () => undefined, { maxConnections: 1 })
  const first = assert.rejects(client.get(CONFIG_MAPS, NAME), kindOf('timeout'))
  await whenReceived(1)
  const controller = new AbortController()
  const second = assert.rejects(client.get(CONFIG_MAPS, NAME, { signal: controller.signal }), kindOf('aborted'))
  await new Promise((resolve) => setImmediate(resolve))
  controller.abort()
  await second
  clock.advance(30_000)
  await first
})

test('beforeSend is asked when the connection stands, on a new one and on one that is used again', async (t) => {
  let [isLeader, requests] = [true, 0]
  const { client, received } = await worldOf(
    t,
    (_, response) => {
      // Leadership ends while the first of two uses the one connection, and the second waits for it.
      if (++requests === 2) isLeader = false
      response.end(JSON.stringify(OBJECT))
    },
    { maxConnections: 1 },
  )
  const beforeSend = (): void => {
    if (!isLeader) throw new ApiError('fenced', 'no longer leader')
  }
  const patch = () => client.patch(CONFIG_MAPS, NAME, { data: {} }, { beforeSend })
  await patch()
  const [first, second] = [patch(), patch()]
  const refused = assert.rejects(second, kindOf('fenced'))
  await first
  await refused
  await assert.rejects(patch(), kindOf('fenced'))
  assert.equal(received.length, 2)
  isLeader = true
  await patch()
  assert.equal(received.length, 3)
})

test('answers that are no answers', async (t) => {
  for (const body of ['', 'hello', 'null', '42', '<html>']) {
    const { client } = await worldOf(t, (_, response) => void response.end(body))
    await assert.rejects(client.get(CONFIG_MAPS, NAME), kindOf('malformed'), body)
  }
  const { client } = await worldOf(t, (_, response) => void response.end('{"items":[]}'))
  await assert.rejects(client.list(CONFIG_MAPS), kindOf('malformed'))
})

test('a connection that breaks is unavailable, with the cause', async (t) => {
  const { client } = await worldOf(t, (request) => void request.socket.destroy())
  await assert.rejects(client.get(CONFIG_MAPS, NAME), (error) => {
    assert.ok(error instanceof ApiError && error.kind === 'unavailable')
    assert.match(String((error.cause as Error).message), /hang up|ECONNRESET/)
    return true
  })
})

test('at most so many connections, and every request gets its turn', async (t) => {
  let [open, most] = [0, 0]
  const answers: (() => void)[] = []
  const { client, received, whenReceived } = await worldOf(
    t,
    (_, response) => {
      most = Math.max(most, ++open)
      answers.push(() => {
        open--
        response.end(JSON.stringify(OBJECT))
      })
    },
    { maxConnections: 4 },
  )
  const all = Promise.all(Array.from({ length: 20 }, () => client.get(CONFIG_MAPS, NAME)))
  for (let done = 0; done < 20; done++) {
    await whenReceived(Math.min(20, done + 4))
    answers.shift()!()
  }
  await all
  assert.equal(received.length, 20)
  assert.equal(most, 4)
})

test('credentials that cannot be read are said so', async () => {
  const source = { kind: 'file', path: '/nonexistent/kubeconfig' } as const
  const client = new Client({ source, clock: new VirtualClock(), userAgent: 'invar-test' })
  await assert.rejects(client.get(CONFIG_MAPS, NAME), (error) => {
    assert.ok(error instanceof ApiError && error.kind === 'unauthorized')
    assert.match(error.message, /^get configmaps.*: credentials cannot be used: .*nonexistent/)
    return true
  })
})
