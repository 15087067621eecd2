/** The client's daily work, and what the program's writes rely on, on the real API server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { ApiError, type ApiErrorKind, unless } from './api-error.ts'
import { Client } from './client.ts'
import { EventRecorder } from './events.ts'
import { CONFIG_MAPS, EVENTS, NODES, SERVICES, type Service } from './resources.ts'

let plane: ControlPlane
let client: Client

before(async () => {
  plane = await startControlPlane()
  client = new Client({ source: { kind: 'file', path: plane.kubeconfig }, clock: systemClock, userAgent: 'invar-test' })
})

after(async () => {
  client.close()
  await plane.stop()
})

function refused(kind: ApiErrorKind): (error: unknown) => boolean {
  return (error) => error instanceof ApiError && error.kind === kind
}

function configMap(name: string): { readonly namespace: string; readonly name: string } {
  return { namespace: 'default', name }
}

async function newService(name: string): Promise<Service> {
  return await client.create(SERVICES, {
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], selector: { app: name } },
  })
}

test('create, get, replace, patch, delete', async () => {
  const name = configMap('crud')
  const created = await client.create(CONFIG_MAPS, { metadata: name, data: { a: '1' } })
  assert.deepEqual((await client.get(CONFIG_MAPS, name)).data, { a: '1' })
  const replaced = await client.replace(CONFIG_MAPS, { ...created, data: { b: '2' } })
  assert.deepEqual(replaced.data, { b: '2' })
  assert.deepEqual((await client.patch(CONFIG_MAPS, name, { data: { a: '1', b: null } })).data, { a: '1' })
  await client.delete(CONFIG_MAPS, name)
  assert.equal(await unless(['not-found'], client.get(CONFIG_MAPS, name)), undefined)
})

test('refusals by kind', async () => {
  const name = configMap('refusals')
  const created = await client.create(CONFIG_MAPS, { metadata: name })
  await assert.rejects(client.create(CONFIG_MAPS, { metadata: name }), refused('conflict'))
  await client.patch(CONFIG_MAPS, name, { data: { a: '1' } })
  await assert.rejects(client.replace(CONFIG_MAPS, created), refused('conflict'))
  const { resourceVersion } = created.metadata
  await assert.rejects(client.patch(CONFIG_MAPS, name, { metadata: { resourceVersion } }), refused('conflict'))
  await assert.rejects(client.delete(CONFIG_MAPS, name, { uid: 'another' }), refused('conflict'))
  await assert.rejects(client.get(CONFIG_MAPS, configMap('none')), refused('not-found'))
  await assert.rejects(client.create(CONFIG_MAPS, { metadata: configMap('Not A Name') }), refused('invalid'))
  await assert.rejects(client.list({ ...CONFIG_MAPS, plural: 'nosuchthings' }), refused('not-found'))
})

test('server-side apply: the owner of a field is asked, or overruled', async () => {
  const name = configMap('applied')
  const applied = (value: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: name, data: { a: value } })
  await client.patch(CONFIG_MAPS, name, applied('1'), { type: 'apply', fieldManager: 'one' })
  const other = { type: 'apply', fieldManager: 'two' } as const
  await assert.rejects(client.patch(CONFIG_MAPS, name, applied('2'), other), refused('conflict'))
  const forced = await client.patch(CONFIG_MAPS, name, applied('2'), { ...other, force: true })
  assert.deepEqual(forced.data, { a: '2' })
})

test('pages: every object once, all of one version', async () => {
  for (let i = 0; i < 25; i++) await client.create(CONFIG_MAPS, { metadata: configMap(`page-${i}`) })
  const [names, versions] = [new Set<string>(), new Set<string>()]
  let continueToken: string | undefined
  do {
    const page = await client.list(CONFIG_MAPS, { namespace: 'default', limit: 7, continueToken })
    for (const item of page.items) names.add(item.metadata.name)
    versions.add(page.resourceVersion)
    continueToken = page.continueToken
  } while (continueToken !== undefined)
  assert.equal([...names].filter((name) => name.startsWith('page-')).length, 25)
  assert.equal(versions.size, 1)
  await assert.rejects(client.list(CONFIG_MAPS, { limit: 1, continueToken: 'nonsense' }), refused('invalid'))
})

test("a Service's status and annotations are one write, refused where the Service changed meanwhile", async () => {
  const service = await newService('status')
  const { resourceVersion } = service.metadata
  const ingress = [{ ip: '192.0.2.1', ipMode: 'VIP' }]
  const annotations = { 'metallb.io/ip-allocated-from-pool': 'web' }
  const patch = { metadata: { resourceVersion, annotations }, status: { loadBalancer: { ingress } } }
  const write = () => client.patch(SERVICES, service.metadata, patch, { subresource: 'status' })
  const written = await write()
  assert.deepEqual(written.status?.loadBalancer, { ingress })
  assert.equal(written.metadata.annotations?.['metallb.io/ip-allocated-from-pool'], 'web')
  await assert.rejects(write(), refused('conflict'))
})

test('events arrive, on objects with and without a namespace', async () => {
  const service = await newService('eventful')
  const options = { client, component: 'metallb-controller', clock: systemClock, random: Math.random }
  const recorder = new EventRecorder(options)
  const object = { apiVersion: 'v1', kind: 'Service', ...service.metadata }
  const { namespace, name, uid } = object
  const about = { apiVersion: 'v1', kind: 'Service', namespace: namespace!, name, uid: uid! }
  const node = await client.create(NODES, { metadata: { name: 'n1' } })
  for (const message of ['pool web is full', 'pool web is full']) {
    recorder.raise({ object: about, type: 'Warning', reason: 'not enough clusterips', message })
    await recorder.drain(5_000)
  }
  const aboutNode = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: node.metadata.uid! }
  recorder.raise({ object: aboutNode, type: 'Normal', reason: 'memberJoined', message: 'heard again' })
  await recorder.drain(5_000)
  assert.deepEqual([...recorder.counters.skipped], [])
  const { items } = await client.list(EVENTS, { namespace: 'default', fieldSelector: 'reason=not enough clusterips' })
  assert.deepEqual(
    items.map(({ count, message, source }) => ({ count, message, source })),
    [{ count: 2, message: 'pool web is full', source: { component: 'metallb-controller' } }],
  )
  assert.match(
    plane.kubectl(['describe', 'service', 'eventful']),
    /not enough clusterips .* metallb-controller +pool web/,
  )
})
