/** The webhook without an API server: what it says over HTTPS, and which certificate it says it with. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import type { Resources } from '../../core/config/index.ts'
import type { Client } from '../../operator/index.ts'
import { silentLog } from '../../runtime/log.ts'
import { Metrics } from '../../runtime/metrics.ts'
import { pool, resources } from '../../testkit/resources.ts'
import { VirtualClock } from '../../testkit/virtual-clock.ts'
import type { CertificateTexts } from './certificate-texts.ts'
import { issueAuthority, issueServer } from './issue.ts'
import { Webhook } from './webhook.ts'

const PATH = '/validate-metallb-io-v1beta1-ipaddresspool'
const NAME = 'localhost'
const lan = pool('lan')

let folder: string
let texts: CertificateTexts
let clock: VirtualClock
let webhook: Webhook
let live: Resources | undefined

async function issued(): Promise<CertificateTexts> {
  const authority = await issueAuthority(Date.now())
  return { ...authority, ...(await issueServer(authority, NAME, Date.now())) }
}

function writeFiles({ certificate, key }: CertificateTexts): void {
  writeFileSync(join(folder, 'tls.crt'), certificate)
  writeFileSync(join(folder, 'tls.key'), key)
}

function newWebhook(port = 0): Webhook {
  return new Webhook({
    ...{ port, host: '127.0.0.1', minimumTls: 'TLSv1.3', dnsName: NAME, namespace: 'metallb-system', clock },
    certificates: { kind: 'directory', path: folder },
    client: {} as Client,
    guard: () => assert.fail('nothing may be written'),
    live: () => live,
    ...{ random: () => 0.5, log: silentLog, metrics: new Metrics() },
    onFault: (error) => assert.fail(String(error)),
  })
}

/** Resolves when the webhook has a certificate: its files are read in the background. */
async function served(): Promise<void> {
  while (!webhook.ready().ok) await new Promise((resolve) => setImmediate(resolve))
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'invar-webhook-'))
  texts = await issued()
  writeFiles(texts)
  clock = new VirtualClock()
  webhook = newWebhook()
  await webhook.start()
  await served()
})

beforeEach(() => {
  live = resources([lan])
})

after(async () => {
  await webhook?.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Said {
  readonly status: number
  readonly text: string
}

function call(
  body: string,
  { path = PATH, method = 'POST', ca = texts.authority, maxVersion = 'TLSv1.3' as const } = {},
) {
  return new Promise<Said>((resolve, reject) => {
    const tls = { ca, servername: NAME, agent: false, maxVersion } as const
    const sent = request({ ...tls, host: '127.0.0.1', port: webhook.port, path, method }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function review(object: unknown): string {
  const asked = { uid: 'u', operation: 'CREATE', object }
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked })
}

const late = pool('late', { addresses: ['192.0.2.0/28'] }, { creationTimestamp: undefined as never })

test('a clash is refused, with its reason', async () => {
  const { status, text } = await call(review(late))
  const { response } = JSON.parse(text)
  assert.deepEqual([status, response.uid, response.allowed], [200, 'u', false])
  assert.match(response.status.message, /IPAddressPool late, spec\.addresses\[0\]: .*overlaps/)
})

test('before anything is known of the cluster, all is allowed, with a warning', async () => {
  live = undefined
  const { response } = JSON.parse((await call(review(late))).text)
  assert.equal(response.allowed, true)
  assert.match(response.warnings[0], /not checked against other objects/)
})

const ODD: readonly [name: string, body: string, how: { path?: string; method?: string }, status: number][] = [
  ['a path that there is not', review(lan), { path: '/validate' }, 404],
  ['a name of Object.prototype', review(lan), { path: '/constructor' }, 404],
  ['GET', '', { method: 'GET' }, 405],
  ['an empty body', '', {}, 400],
  ['half a body', review(lan).slice(0, 40), {}, 400],
  ['JSON that is no review', '{"kind":"Pod"}', {}, 400],
  ['a review of another kind', review({ ...lan, kind: 'Community' }), {}, 400],
]

for (const [name, body, how, status] of ODD) {
  test(`${name}: ${status}`, async () => {
    assert.equal((await call(body, how)).status, status)
    assert.equal((await call(review(late))).status, 200)
  })
}

test('a body without end: refused, or cut off, and the next call is answered', async () => {
  const said = await call(' '.repeat(5 << 20)).catch((error: NodeJS.ErrnoException) => error)
  if (said instanceof Error) assert.match(said.code ?? '', /ECONNRESET|EPIPE/)
  else assert.equal(said.status, 413)
  assert.equal((await call(review(late))).status, 200)
})

test('TLS below 1.3 is not spoken', async () => {
  const old = call(review(late), { maxVersion: 'TLSv1.2' as 'TLSv1.3' })
  await assert.rejects(old, /protocol version|alert/i)
})

test('files that are no certificate: the one before is served on; renewed ones: from the next connection', async () => {
  const renewed = await issued()
  writeFiles({ ...renewed, key: texts.key })
  clock.advance(10_000)
  assert.equal((await call(review(late))).status, 200)
  writeFiles(renewed)
  const isRenewed = () =>
    call(review(late), { ca: renewed.authority }).then(
      () => true,
      () => false,
    )
  for (let turns = 0; !(await isRenewed()); turns++) {
    assert.ok(turns < 100, 'the renewed certificate is not served')
    clock.advance(10_000)
  }
  texts = renewed
})

test('a port that is taken does not end the program: it is tried again, and /readyz says so', async () => {
  const second = newWebhook(webhook.port)
  await second.start()
  const ready = second.ready()
  assert.match(ready.ok ? '' : ready.because, /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/)
  await second.stop()
})
