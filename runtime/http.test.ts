import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type Check, close, healthRoute, serve } from './http.ts'

async function served(routes: Parameters<typeof serve>[0], work: (url: string) => Promise<void>): Promise<void> {
  const server = await serve(routes, { port: 0, host: '127.0.0.1' })
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    await close(server)
  }
}

test('health: 200 while all checks hold, 503 with each reason once one does not', async () => {
  let synced: Check = () => ({ ok: false, because: 'services are not listed yet' })
  const routes = { '/readyz': healthRoute({ caches: () => synced(), loop: () => ({ ok: true }) }) }
  await served(routes, async (url) => {
    const before = await fetch(`${url}/readyz`)
    assert.equal(before.status, 503)
    assert.equal(await before.text(), '[-]caches failed: services are not listed yet\n[+]loop ok\nnot ok\n')
    synced = () => ({ ok: true })
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
  })
})

const REQUESTS: readonly [string, string, string, number, RegExp][] = [
  ['a page that is there', 'GET', '/metrics', 200, /^up 1$/],
  ['a query is no part of the path', 'GET', '/metrics?x=1', 200, /^up 1$/],
  ['a page that is not there names those that are', 'GET', '/metric', 404, /there are: \/metrics, \/broken/],
  ['a name of Object.prototype is no page', 'GET', '/constructor', 404, /no such page/],
  ['only reading is allowed', 'POST', '/metrics', 405, /only GET/],
  ['a route that throws answers 500', 'GET', '/broken', 500, /out of order/],
]

test('routes', async (t) => {
  const routes = {
    '/metrics': () => ({ status: 200, body: 'up 1' }),
    '/broken': () => {
      throw new Error('out of order')
    },
  }
  await served(routes, async (url) => {
    for (const [name, method, path, status, body] of REQUESTS) {
      await t.test(name, async () => {
        const response = await fetch(url + path, { method })
        assert.equal(response.status, status)
        assert.match(await response.text(), body)
      })
    }
  })
})

test('headers of an answer, and an answer that goes on', async () => {
  const parts: string[] = ['1', '2']
  const routes: Parameters<typeof serve>[0] = {
    '/page': () => ({ status: 200, body: '', headers: { 'cache-control': 'no-store' } }),
    '/stream': () => ({
      headers: { 'content-type': 'text/event-stream' },
      begin: (response) => {
        for (const part of parts) response.write(part)
        response.end()
      },
    }),
  }
  await served(routes, async (url) => {
    assert.equal((await fetch(`${url}/page`)).headers.get('cache-control'), 'no-store')
    const stream = await fetch(`${url}/stream`)
    assert.equal(stream.headers.get('content-type'), 'text/event-stream')
    assert.equal(await stream.text(), '12')
    assert.equal(await (await fetch(`${url}/stream`, { method: 'HEAD' })).text(), '')
  })
})

test('a port in use is an error that names host and port', async () => {
  const first = await serve({}, { port: 0, host: '127.0.0.1' })
  const { port } = first.address() as AddressInfo
  await assert.rejects(serve({}, { port, host: '127.0.0.1' }), new RegExp(`cannot listen on 127.0.0.1:${port}`))
  await close(first)
})
