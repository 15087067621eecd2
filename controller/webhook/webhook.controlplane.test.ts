/** The webhook as a user meets it: the shipped manifests and rights, a real API server, kubectl. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ConfigResource } from '../../core/config/index.ts'
import { ApiError, Client, clientMetrics, IP_ADDRESS_POOLS, SECRETS } from '../../operator/index.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { Metrics } from '../../runtime/metrics.ts'
import { systemRandom } from '../../runtime/random.ts'
import { type ControlPlane, freePort, startControlPlane } from '../../testkit/controlplane.ts'
import { bfd, NAMESPACE, peer, pool } from '../../testkit/resources.ts'
import { Controller } from '../program.ts'
import { type CertificateTexts, secretDataOf, textsOfSecret } from './certificate-texts.ts'
import { issueAuthority, issueServer } from './issue.ts'
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from './upkeep.ts'
import { CONFIGURATION, callByUrl, DNS_NAME } from './webhook-for-tests.ts'

const SECRET = { namespace: NAMESPACE, name: 'metallb-webhook-cert' }
const DAY_MS = 86_400_000

let plane: ControlPlane
let port: number
let admin: Client
let leastRights: string
let controller: Controller

before(async () => {
  plane = await startControlPlane()
  port = await freePort()
  plane.kubectl(['apply', '--server-side', '-k', 'deploy'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  callByUrl(plane, port)
  admin = new Client({ source: { kind: 'file', path: plane.kubeconfig }, clock: systemClock, userAgent: 'test' })
  leastRights = plane.kubeconfigFor('controller', { commonName: `system:serviceaccount:${NAMESPACE}:controller` })
  controller = startedController()
  await controller.start()
})

after(async () => {
  await controller?.stop()
  admin?.close()
  await plane?.stop()
})

function startedController(isWebhookEnabled = true): Controller {
  const metrics = new Metrics()
  return new Controller({
    source: { kind: 'file', path: leastRights },
    userAgent: 'invar-controller/test',
    namespace: NAMESPACE,
    podName: '',
    membershipSecret: '',
    request: { loadBalancerClass: '', sharingStaysInNamespace: false },
    webhook: isWebhookEnabled
      ? {
          ...{ port, minimumTls: 'TLSv1.3', dnsName: DNS_NAME },
          certificates: { kind: 'own', secretName: SECRET.name, handoverMs: 500 },
        }
      : undefined,
    ...{ clock: systemClock, random: systemRandom, log: silentLog, metrics, clientMetrics: clientMetrics(metrics) },
    onFault: (error) => {
      throw error
    },
  })
}

/** Not `plane.kubectl`: that would stand in the way of the webhook's answer. @returns what kubectl prints as errors */
async function kubectl(verb: 'apply' | 'delete', object: ConfigResource): Promise<string> {
  const { creationTimestamp: _, ...metadata } = object.metadata
  const file = join(plane.directory, 'manifest.json')
  writeFileSync(file, JSON.stringify({ ...object, metadata }))
  return plane.startKubectl([verb, '-f', file]).then(
    () => '',
    (error: Error) => error.message,
  )
}

async function waitFor(object: string, path: string, value?: string): Promise<void> {
  const condition = `--for=jsonpath=${path}${value === undefined ? '' : `=${value}`}`
  await plane.startKubectl(['wait', '-n', NAMESPACE, object, condition, '--timeout=20s'])
}

/** The controller has read the pool: it counts its addresses. */
async function counted(name: string): Promise<void> {
  await waitFor(`ipaddresspool/${name}`, '{.status.availableIPv4}')
}

let attempts = 0

/** A pool where none may be: refused by the webhook, and by nobody else. */
async function isAnswered(): Promise<boolean> {
  const name = `stray-${attempts++}`
  const metadata = { name, namespace: 'default' }
  try {
    await admin.create(IP_ADDRESS_POOLS, { ...pool(name), metadata })
    await admin.delete(IP_ADDRESS_POOLS, metadata)
    return false
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.message.includes('denied the request')
  }
}

/** API servers learn of the configuration by a watch of their own: the first calls may come before that. */
async function answered(): Promise<void> {
  const until = performance.now() + 20_000
  while (!(await isAnswered())) assert.ok(performance.now() < until, 'the webhook is not called')
}

describe('a fresh installation', () => {
  test('the leader fills the Secret, tells the API server whom to trust, and is ready then', async () => {
    await waitFor(CONFIGURATION, '{.webhooks[5].clientConfig.caBundle}')
    const { webhooks = [] } = await admin.get(VALIDATING_WEBHOOK_CONFIGURATIONS, {
      name: 'metallb-webhook-configuration',
    })
    const { authority } = textsOfSecret(await admin.get(SECRETS, SECRET))
    assert.deepEqual(
      webhooks.map(({ clientConfig }) => clientConfig?.caBundle),
      webhooks.map(() => Buffer.from(authority).toString('base64')),
    )
    while (!(await isAnswered()));
    assert.deepEqual(controller.webhookReady?.(), { ok: true })
  })

  test('of the configuration, the controller owns caBundle and nothing else', async () => {
    const object = JSON.parse(plane.kubectl(['get', CONFIGURATION, '-o', 'json', '--show-managed-fields']))
    const ours = object.metadata.managedFields.find(({ manager }: { manager: string }) => manager === 'invar-webhook')
    const [entry] = Object.values(ours.fieldsV1['f:webhooks']) as object[]
    assert.deepEqual(entry, { '.': {}, 'f:clientConfig': { 'f:caBundle': {} }, 'f:name': {} })
  })

  test('a caBundle that somebody takes away is put back', async () => {
    const patch = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }]
    plane.kubectl(['patch', CONFIGURATION, '--type=json', '-p', JSON.stringify(patch)])
    await waitFor(CONFIGURATION, '{.webhooks[0].clientConfig.caBundle}')
    await answered()
  })
})

describe('what a user is told', () => {
  test('a pool into the range of another: refused, both named', async () => {
    assert.equal(await kubectl('apply', pool('lan', { addresses: ['192.0.2.0/25'] })), '')
    await counted('lan')
    const said = await kubectl('apply', pool('late', { addresses: ['192.0.2.64/26'] }))
    assert.match(
      said,
      /webhook "ipaddresspoolvalidationwebhook.metallb.io" denied the request: IPAddressPool late, spec/,
    )
    assert.match(said, /"192\.0\.2\.64\/26" overlaps with .* pool lan; change one/)
  })

  test('an object in another namespace: refused, with the right one', async () => {
    const said = await kubectl('apply', pool('elsewhere', {}, { namespace: 'default' }))
    assert.match(said, /denied the request: IPAddressPool elsewhere.*metallb-system/)
  })

  test('so is a BGPPeer of the old version', async () => {
    const old = { ...peer('old', {}, { namespace: 'default' }), apiVersion: 'metallb.io/v1beta1' } as ConfigResource
    assert.match(await kubectl('apply', old), /denied the request: BGPPeer old.*metallb-system/)
  })

  test('a BFD profile that a peer uses stays; without the peer it goes', async () => {
    assert.equal(await kubectl('apply', bfd('fast')), '')
    assert.equal(await kubectl('apply', peer('router', { bfdProfile: 'fast' })), '')
    // The same watch has brought the peer when it brings this pool, or soon after.
    const refused = async () =>
      /used by BGPPeer router; change it there first/.test(await kubectl('delete', bfd('fast')))
    assert.ok(await refused())
    assert.equal(await kubectl('delete', peer('router')), '')
    let said = await kubectl('delete', bfd('fast'))
    while (said.includes('used by')) said = await kubectl('delete', bfd('fast'))
    assert.equal(said, '')
  })
})

describe('without a webhook', () => {
  test('objects pass, and the ConfigurationState names the fault all the same', async () => {
    await controller.stop()
    assert.equal(await kubectl('apply', pool('late', { addresses: ['192.0.2.64/26'] })), '')
    controller = startedController(false)
    await controller.start()
    await waitFor('configurationstate/controller', '{.status.result}', 'Invalid')
    const path = 'jsonpath={.status.errorSummary}'
    const summary = plane.kubectl(['get', '-n', NAMESPACE, 'configurationstate/controller', '-o', path])
    assert.match(summary, /^IPAddressPool late, spec\.addresses\[0\]: .* overlaps with .* pool lan; change one/)
  })

  test('with it again, the old fault bars neither another object nor its own repair', async () => {
    await controller.stop()
    controller = startedController()
    await controller.start()
    while (!(await isAnswered()));
    assert.equal(await kubectl('apply', pool('unrelated', { addresses: ['198.51.100.0/24'] })), '')
    assert.match(await kubectl('apply', pool('late', { addresses: ['192.0.2.96/27'] })), /overlaps with/)
    assert.equal(await kubectl('apply', pool('late', { addresses: ['203.0.113.0/24'] })), '')
    await waitFor('configurationstate/controller', '{.status.result}', 'Valid')
  })
})

describe('certificates change while the webhook serves', () => {
  async function writeSecret(texts: CertificateTexts): Promise<void> {
    await admin.patch(SECRETS, SECRET, { data: secretDataOf(texts) })
  }

  /** Calls one after the other until the Secret holds what it should; then some more. @returns their number */
  async function callUntil(isRenewed: (texts: CertificateTexts) => boolean): Promise<number> {
    let calls = 0
    for (let rest = 20; rest > 0; calls++) {
      assert.ok(await isAnswered(), `call ${calls} was not answered`)
      if (isRenewed(textsOfSecret(await admin.get(SECRETS, SECRET)))) rest--
    }
    return calls
  }

  test('a server certificate near its end: renewed at once, no call is lost', async () => {
    const present = textsOfSecret(await admin.get(SECRETS, SECRET))
    const old = { ...present, ...(await issueServer(present, DNS_NAME, systemClock.wall() - 300 * DAY_MS)) }
    await writeSecret(old)
    await callUntil(({ certificate, authority }) => certificate !== old.certificate && authority === present.authority)
  })

  test('an authority near its end: both are trusted before the new one signs, no call is lost', async (context) => {
    await controller.stop()
    const authority = await issueAuthority(systemClock.wall() - 3_600 * DAY_MS)
    const old = { ...authority, ...(await issueServer(authority, DNS_NAME, systemClock.wall() - DAY_MS)) }
    await writeSecret(old)
    const caBundle = Buffer.from(old.authority).toString('base64')
    const patch = Array.from({ length: 6 }, (_, index) => ({
      op: 'replace',
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: caBundle,
    }))
    plane.kubectl(['patch', CONFIGURATION, '--type=json', '-p', JSON.stringify(patch)])
    controller = startedController()
    const starting = controller.start()
    while (!(await isAnswered()));
    const calls = await callUntil(
      (texts) => texts.authority !== old.authority && texts.authority.endsWith(old.authority),
    )
    context.diagnostic(`${calls} calls`)
    await starting
  })
})

test('a BGPPeer that was stored as v1beta1 is read, changed and read again without loss', async () => {
  const versions = (old: boolean) => [
    { op: 'replace', path: '/spec/versions/0/storage', value: !old },
    { op: 'replace', path: '/spec/versions/1/storage', value: old },
  ]
  const store = (old: boolean) =>
    plane.startKubectl(['patch', 'crd', 'bgppeers.metallb.io', '--type=json', '-p', JSON.stringify(versions(old))])
  const spec = (version: string) =>
    JSON.parse(plane.kubectl(['get', '-n', NAMESPACE, `bgppeers.${version}.metallb.io`, 'kept', '-o', 'json'])).spec
  await store(true)
  const written = peer('kept', { vrf: 'red', nodeSelectors: [{ matchLabels: { a: 'b' } }] })
  assert.equal(await kubectl('apply', written), '')
  await store(false)
  const stored = plane.kubectl(['get', 'crd', 'bgppeers.metallb.io', '-o', 'jsonpath={.status.storedVersions}'])
  assert.equal(stored, '["v1beta2","v1beta1"]')
  const before = spec('v1beta2')
  assert.equal(before.vrf, 'red')
  assert.deepEqual(spec('v1beta1'), before)
  assert.equal(await kubectl('apply', peer('kept', { ...written.spec, holdTime: '30s' })), '')
  assert.deepEqual(spec('v1beta1'), { ...before, holdTime: '30s' })
})
