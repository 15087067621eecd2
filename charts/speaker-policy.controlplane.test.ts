/** The policy that keeps a speaker to its own node, on a real API server with tokens as Pods have them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { configurationStateObject } from '../core/status/index.ts'
import {
  ApiError,
  Client,
  CONFIGURATION_STATES,
  EVENTS,
  type KubernetesObject,
  type Resource,
  SERVICE_BGP_STATUSES,
  SERVICE_L2_STATUSES,
} from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { kubeconfigOfAccount, kubeconfigOfPod } from '../testkit/account-token.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { eventually } from '../testkit/eventually.ts'

const NAMESPACE = 'metallb-system'
const POLICY = 'speaker-own-node.metallb-system.invar.dev'
const ALLOWED = ''
const REPORTS: Readonly<Record<string, Resource>> = {
  ServiceL2Status: SERVICE_L2_STATUSES,
  ServiceBGPStatus: SERVICE_BGP_STATUSES,
}

let plane: ControlPlane
/** The speaker on node alpha. */
let alpha: Client
/** Whoever holds a token of the account that belongs to no Pod. */
let unbound: Client
/** Whom the policy does not concern. */
let admin: Client
let serial = 0

before(async () => {
  plane = await startControlPlane()
  plane.kubectl(['apply', '--server-side', '-k', 'deploy'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  plane.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'alpha' } }))
  const account = { namespace: NAMESPACE, serviceAccount: 'speaker' }
  alpha = clientOf(kubeconfigOfPod(plane, { ...account, pod: 'speaker-alpha', node: 'alpha' }))
  unbound = clientOf(kubeconfigOfAccount(plane, NAMESPACE, 'speaker'))
  admin = clientOf(plane.kubeconfig)
  // The API server puts a policy in force some time after it was written.
  await eventually(async () => assert.match(await refusalOf(alpha.create(EVENTS, event('beta'))), /node alpha/))
})

after(async () => {
  for (const client of [alpha, unbound, admin]) client?.close()
  await plane?.stop()
})

function clientOf(path: string): Client {
  return new Client({ source: { kind: 'file', path }, clock: systemClock, userAgent: 'invar-test' })
}

/** What the API server says to a write that it refuses; '' where it was let through. */
async function refusalOf(write: Promise<unknown>): Promise<string> {
  return write.then(
    () => ALLOWED,
    (error: unknown) => {
      if (!(error instanceof ApiError)) throw error
      return `${error.kind}: ${error.message}`
    },
  )
}

function report(node: string | undefined): KubernetesObject {
  const name = `report-${serial++}`
  return { metadata: { name, namespace: NAMESPACE, labels: node === undefined ? {} : { 'metallb.io/node': node } } }
}

function event(host: string) {
  const involvedObject = { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'web' }
  const source = { component: 'metallb-speaker', host }
  return { metadata: { name: `event-${serial++}`, namespace: 'default' }, involvedObject, source, reason: 'told' }
}

function status(client: Client, resource: Resource, { metadata }: KubernetesObject, says: object): Promise<string> {
  return refusalOf(client.patch(resource, metadata, { status: says }, { subresource: 'status' }))
}

for (const [kind, resource] of Object.entries(REPORTS)) {
  describe(kind, () => {
    test('of the own node: made, written and removed', async () => {
      const own = report('alpha')
      assert.equal(await refusalOf(alpha.create(resource, own)), ALLOWED)
      assert.equal(await status(alpha, resource, own, { node: 'alpha', serviceName: 'web' }), ALLOWED)
      assert.equal(await refusalOf(alpha.delete(resource, own.metadata)), ALLOWED)
    })

    test('of another node: refused, and said to whom', async () => {
      const theirs = report('beta')
      const refusal = await refusalOf(alpha.create(resource, theirs))
      assert.match(
        refusal,
        /^forbidden: .*speaker of node alpha may write reports with the label metallb\.io\/node: alpha/,
      )
      await admin.create(resource, theirs)
      assert.match(await status(alpha, resource, theirs, { node: 'alpha' }), /node alpha/)
    })

    test('without the label, or with another node in the status: refused', async () => {
      assert.match(await refusalOf(alpha.create(resource, report(undefined))), /node alpha/)
      const own = report('alpha')
      await admin.create(resource, own)
      assert.match(await status(alpha, resource, own, { node: 'beta' }), /node alpha/)
      assert.equal(await status(alpha, resource, own, { serviceName: 'web' }), ALLOWED)
    })
  })
}

test('a ServiceL2Status of another node may not be made one’s own, but removed: who takes over tidies up', async () => {
  const { metadata } = await admin.create(SERVICE_L2_STATUSES as Resource, report('beta'))
  const relabel = { metadata: { labels: { 'metallb.io/node': 'alpha' } } }
  assert.match(await refusalOf(alpha.patch(SERVICE_L2_STATUSES, metadata, relabel)), /node alpha/)
  assert.equal(await refusalOf(alpha.delete(SERVICE_L2_STATUSES, metadata)), ALLOWED)
})

test('a ServiceBGPStatus of another node may not be removed', async () => {
  const { metadata } = await admin.create(SERVICE_BGP_STATUSES as Resource, report('beta'))
  assert.match(await refusalOf(alpha.delete(SERVICE_BGP_STATUSES, metadata)), /node alpha/)
})

test('ConfigurationState: the own one, by its name, and neither another speaker’s nor the controller’s', async () => {
  const [own, theirs] = ['alpha', 'beta'].map((node) => stateOf({ kind: 'speaker', node }))
  const controllers = stateOf({ kind: 'controller' })
  assert.equal(await refusalOf(alpha.create(CONFIGURATION_STATES, own!)), ALLOWED)
  assert.equal(await status(alpha, CONFIGURATION_STATES, own!, { result: 'Valid' }), ALLOWED)
  const refusal = /^forbidden: .*ConfigurationState speaker-alpha and no other/
  for (const other of [theirs!, controllers]) {
    assert.match(await refusalOf(alpha.create(CONFIGURATION_STATES, other)), refusal)
    await admin.create(CONFIGURATION_STATES, other)
    assert.match(await status(alpha, CONFIGURATION_STATES, other, { result: 'Valid' }), refusal)
  }
})

function stateOf(component: Parameters<typeof configurationStateObject>[0]) {
  return configurationStateObject(component, NAMESPACE, undefined) as KubernetesObject
}

test('events: with the own node as their source, and no other', async () => {
  const [own, theirs] = [event('alpha'), event('beta')]
  await admin.create(EVENTS, theirs)
  assert.equal(await refusalOf(alpha.create(EVENTS, own)), ALLOWED)
  assert.equal(await refusalOf(alpha.patch(EVENTS, own.metadata, { count: 2 })), ALLOWED)
  assert.match(await refusalOf(alpha.patch(EVENTS, theirs.metadata, { count: 2 })), /source\.host: alpha/)
})

test('a token that names no node: refused with the remedy, let through where the values say Allow', async () => {
  const write = () => refusalOf(unbound.create(SERVICE_L2_STATUSES as Resource, report('beta')))
  assert.match(await write(), /does not say on which node its Pod runs.*speaker\.ownNodeOnly\.tokensWithoutNode/)
  const { spec } = JSON.parse(plane.kubectl(['get', 'validatingadmissionpolicy', POLICY, '-o', 'json']))
  // As the chart leaves it out then.
  const validations = spec.validations.filter(({ message }: { message?: string }) => message === undefined)
  const patch = JSON.stringify({ spec: { validations } })
  plane.kubectl(['patch', 'validatingadmissionpolicy', POLICY, '--type=merge', '-p', patch])
  await eventually(async () => assert.equal(await write(), ALLOWED))
  assert.match(await refusalOf(alpha.create(EVENTS, event('beta'))), /node alpha/)
})
