/** The metrics page on the real API server: tokens of service accounts, with the right and without. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:https'
import { after, before, suite, test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { Metrics } from '../runtime/metrics.ts'
import { type ControlPlane, freePort, startControlPlane } from '../testkit/controlplane.ts'
import { Client } from './client.ts'
import type { GuardedServer } from './guarded-server.ts'
import { serveMetrics } from './metrics-page.ts'

let plane: ControlPlane
let client: Client
let page: GuardedServer
let port: number

before(async () => {
  plane = await startControlPlane()
  const source = { kind: 'file', path: plane.kubeconfig } as const
  client = new Client({ source, clock: systemClock, userAgent: 'invar-test' })
  const metrics = new Metrics()
  metrics.counter('seen_total', 'Seen').inc(3)
  port = await freePort()
  page = await serveMetrics({
    ...{ metrics, client, port, clock: systemClock, log: silentLog, dnsName: 'controller', certificateFolder: '' },
    ...{ minimumTls: 'TLSv1.3', isPlain: false },
    issuer: new URL('../runtime/self-signed-thread.ts', import.meta.url),
  })
  for (const name of ['prometheus', 'stranger']) plane.kubectl(['create', 'serviceaccount', name])
  plane.kubectl(['create', 'clusterrole', 'scraper', '--verb=get', '--non-resource-url=/metrics'])
  plane.kubectl([
    'create',
    'clusterrolebinding',
    'scraper',
    '--clusterrole=scraper',
    '--serviceaccount=default:prometheus',
  ])
})

after(async () => {
  await page.stop()
  client.close()
  await plane.stop()
})

function tokenOf(account: string): string {
  return plane.kubectl(['create', 'token', account]).trim()
}

async function scrape(token?: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const request = get({ port, path: '/metrics', headers, rejectUnauthorized: false, agent: false })
  const [response] = await once(request, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, body }
}

suite('the metrics over HTTPS', () => {
  test('nobody in particular: 401', async () => {
    assert.equal((await scrape()).status, 401)
  })

  test('a made-up token: 401', async () => {
    assert.equal((await scrape('made.up.token')).status, 401)
  })

  test('a service account without the right: 403, with the remedy', async () => {
    const { status, body } = await scrape(tokenOf('stranger'))
    assert.equal(status, 403)
    assert.match(body, /nonResourceURLs/)
  })

  test('a service account that may get /metrics: the page', async () => {
    const { status, body } = await scrape(tokenOf('prometheus'))
    assert.equal(status, 200)
    assert.match(body, /^seen_total 3$/m)
  })
})
