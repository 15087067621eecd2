/** The local proxy of `invarctl ui`: who is answered, what is handed on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, test } from 'node:test'
import { close } from '../runtime/http.ts'
import { type LocalProxy, startLocalProxy } from './local-proxy.ts'

let page: Server
let proxy: LocalProxy
const asked: IncomingMessage[] = []
const faults: string[] = []
let isReachable = true

before(async () => {
  page = createServer((incoming, response) => {
    asked.push(incoming)
    response.writeHead(200, { 'content-security-policy': "default-src 'none'" }).end(`page ${incoming.url}`)
  })
  page.listen(0, '127.0.0.1')
  await once(page, 'listening')
  const { port } = page.address() as AddressInfo
  proxy = await startLocalProxy({
    port: 0,
    dial: async () => {
      if (!isReachable) throw new Error('the Pod is gone')
      return connect(port, '127.0.0.1')
    },
    token: async () => 'a-token',
    onFault: ({ message }) => faults.push(message),
  })
})

after(async () => {
  await proxy.stop()
  await close(page)
})

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function ask({ path, method = 'GET', headers = {} }: Asked = {}) {
  const url = new URL(proxy.url)
  const sent = request({
    host: url.hostname,
    port: url.port,
    path: path ?? url.pathname,
    method,
    headers,
    agent: false,
  })
  const [response] = (await once(sent.end(), 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, headers: response.headers, body }
}

test('who knows the path is answered: the token is added, the headers of the page come through', async () => {
  const { status, headers, body } = await ask({
    headers: { cookie: 'a=b', authorization: 'Basic x', accept: 'text/html' },
  })
  assert.equal(status, 200)
  assert.equal(body, 'page /page')
  assert.equal(headers['content-security-policy'], "default-src 'none'")
  const { authorization, cookie, accept } = asked.at(-1)!.headers
  assert.deepEqual([authorization, cookie, accept], ['Bearer a-token', undefined, 'text/html'])
})

const host = () => new URL(proxy.url).host
const REFUSED: readonly (readonly [name: string, asked: () => Asked])[] = [
  ['no key', () => ({ path: '/page' })],
  ['another key', () => ({ path: `/${'x'.repeat(32)}/page` })],
  ['a key that is too short', () => ({ path: `${new URL(proxy.url).pathname.slice(0, 10)}/page` })],
  ['a name of somebody else that leads here', () => ({ headers: { host: `evil.example:${new URL(proxy.url).port}` } })],
  ['the same name on another port', () => ({ headers: { host: '127.0.0.1:1' } })],
  ['another page in the same browser', () => ({ headers: { origin: 'https://evil.example' } })],
  ['a page on another port of this machine', () => ({ headers: { origin: 'http://127.0.0.1:1' } })],
  ['something that is not reading', () => ({ method: 'POST' })],
]

for (const [name, described] of REFUSED) {
  test(`refused, and never handed on: ${name}`, async () => {
    const before = asked.length
    assert.equal((await ask(described())).status, 403)
    assert.equal(asked.length, before)
  })
}

test('the own origin is no stranger', async () => {
  assert.equal((await ask({ headers: { origin: `http://${host()}` } })).status, 200)
})

test('the key is long, and another one each time', async () => {
  const other = await startLocalProxy({
    port: 0,
    dial: async () => connect(1),
    token: async () => '',
    onFault: () => undefined,
  })
  const keyOf = ({ url }: LocalProxy) => new URL(url).pathname.split('/')[1]!
  assert.ok(keyOf(proxy).length >= 32)
  assert.notEqual(keyOf(other), keyOf(proxy))
  await other.stop()
})

test('what cannot be reached is said to the browser and to the person at the terminal', async () => {
  isReachable = false
  // Those that are open are used up first.
  page.closeIdleConnections()
  const { status, body } = await ask()
  isReachable = true
  assert.deepEqual([status, body, faults.at(-1)], [502, 'the Pod is gone\n', 'the Pod is gone'])
})
