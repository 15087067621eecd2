/**
 * The informer on the real API server, through a proxy that injures the connection while objects come, change and go.
 * At the end of each: the store equals a list, replaying the changes gives the same, and, where the place in the
 * history was never lost, every single version that was written has been delivered.
 */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { systemClock } from '../runtime/clock.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { campaign } from '../testkit/property.ts'
import { TcpProxy } from '../testkit/tcp-proxy.ts'
import { ApiError } from './api-error.ts'
import { Client } from './client.ts'
import type { KubeConfigSource } from './credentials.ts'
import { type Change, Informer, type InformerOptions } from './informer.ts'
import { keyOf } from './resource.ts'
import { CONFIG_MAPS, type ConfigMap } from './resources.ts'

let plane: ControlPlane
let direct: Client

before(async () => {
  plane = await startControlPlane()
  direct = clientTo(plane.url)
})

after(async () => {
  direct.close()
  await plane.stop()
})

function sourceTo(server: string): KubeConfigSource {
  const load = (): KubeConfig => {
    const config = new KubeConfig()
    config.loadFromFile(plane.kubeconfig)
    const [cluster] = config.clusters
    config.clusters = [{ ...cluster!, server }]
    return config
  }
  return { kind: 'custom', load }
}

function clientTo(server: string): Client {
  return new Client({ source: sourceTo(server), clock: systemClock, userAgent: 'invar-test', timeoutMs: 5_000 })
}

interface World {
  readonly proxy: TcpProxy
  readonly informer: Informer<ConfigMap>
  readonly namespace: string
  /** Versions that were delivered as add or update. */
  readonly delivered: Set<string>
  /** Versions that were written by {@link churn}. */
  readonly written: Set<string>
  churn(operations: number, between?: () => Promise<void>): Promise<void>
  /** Waits until the store equals the server's state. */
  converged(): Promise<void>
}

async function worldOf(t: TestContext, options: Partial<InformerOptions<ConfigMap>> = {}): Promise<World> {
  const namespace = `ns-${t.name
    .replace(/[^a-z0-9]+/gi, '-')
    .toLowerCase()
    .slice(0, 40)
    .replace(/-$/, '')}`
  plane.kubectl(['create', 'namespace', namespace])
  const proxy = await TcpProxy.start(plane.url)
  const client = clientTo(proxy.url)
  const { seed } = campaign()
  t.diagnostic(`seed ${seed}`)
  const draw = drawsOf(seed)
  const informer = new Informer<ConfigMap>({
    client,
    resource: CONFIG_MAPS,
    selection: { namespace },
    clock: systemClock,
    random: draw,
    backoff: { baseMs: 20, maxMs: 500 },
    idleTimeoutMs: 1_000,
    openTimeoutMs: 1_000,
    ...options,
  })
  const [delivered, written, mirror] = [new Set<string>(), new Set<string>(), new Map<string, string>()]
  let look = (): void => undefined
  informer.onChange((change) => {
    replay(mirror, change)
    if (change.kind !== 'delete') delivered.add(change.object.metadata.resourceVersion!)
    look()
  })
  t.after(async () => {
    await informer.stop()
    client.close()
    await proxy.stop()
  })
  const converged = async (): Promise<void> => {
    const { items } = await direct.list(CONFIG_MAPS, { namespace })
    const state = new Map(items.map((item) => [keyOf(item.metadata), item.metadata.resourceVersion!]))
    const isSame = (): boolean =>
      informer.isSynced &&
      mirror.size === state.size &&
      [...state].every(([key, version]) => mirror.get(key) === version)
    await new Promise<void>((resolve) => {
      look = () => {
        if (isSame()) resolve()
      }
      look()
      void informer.whenSynced().then(look)
    })
    assert.equal(informer.store.size, state.size)
    for (const [key, version] of state) assert.equal(informer.store.get(key)?.metadata.resourceVersion, version)
  }
  const churn = (operations: number, between?: () => Promise<void>): Promise<void> =>
    churnIn(namespace, draw, written, operations, between)
  return { proxy, informer, namespace, delivered, written, churn, converged }
}

function replay(mirror: Map<string, string>, change: Change<ConfigMap>): void {
  const known = mirror.get(change.key)
  assert.equal(known, change.kind === 'add' ? undefined : change.old.metadata.resourceVersion)
  if (change.kind === 'delete') mirror.delete(change.key)
  else mirror.set(change.key, change.object.metadata.resourceVersion!)
}

/** Twenty names, made, changed and deleted at random by a writer that does not go through the proxy. */
async function churnIn(
  namespace: string,
  draw: () => number,
  written: Set<string>,
  operations: number,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const present = new Set((await direct.list(CONFIG_MAPS, { namespace })).items.map((item) => item.metadata.name))
  for (let i = 0; i < operations; i++) {
    const name = `c${Math.floor(draw() * 20)}`
    const data = { value: 'x'.repeat(Math.floor(draw() * 2_000)), turn: String(i) }
    const isDelete = present.has(name) && draw() < 0.3
    if (isDelete) await direct.delete(CONFIG_MAPS, { namespace, name })
    else if (present.has(name)) note(await direct.patch(CONFIG_MAPS, { namespace, name }, { data }))
    else note(await direct.create(CONFIG_MAPS, { metadata: { namespace, name }, data }))
    if (isDelete) present.delete(name)
    else present.add(name)
    await between()
  }
  function note(object: ConfigMap): void {
    written.add(object.metadata.resourceVersion!)
  }
}

/** mulberry32 */
function drawsOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function assertAllDelivered({ informer, written, delivered }: World): void {
  assert.equal(informer.counters.lists, 1)
  assert.deepEqual(
    [...written].filter((version) => !delivered.has(version)),
    [],
  )
}

test('connections cut after any number of bytes', async (t) => {
  const world = await worldOf(t)
  world.informer.start()
  await world.informer.whenSynced()
  // A TLS handshake is about 2,000 bytes: some connections do not even get that far.
  const draw = drawsOf(campaign().seed + 1)
  world.proxy.cutAfter(() => Math.floor(draw() * 12_000))
  await world.churn(400)
  world.proxy.cutAfter(() => Number.POSITIVE_INFINITY)
  await world.converged()
  assert.ok(world.proxy.cuts > 10, `${world.proxy.cuts} cuts`)
  t.diagnostic(`${world.proxy.cuts} cuts, ${world.informer.counters.watches} watches, ${world.written.size} versions`)
  assertAllDelivered(world)
})

test('a list cut again and again', async (t) => {
  const world = await worldOf(t, { pageSize: 5 })
  await world.churn(60)
  let budget = 1_000
  world.proxy.cutAfter(() => {
    budget += 3_000
    return budget
  })
  world.informer.start()
  await world.converged()
  assert.ok(world.informer.counters.failures > 0)
})

test('a connection that stalls and says nothing', async (t) => {
  const world = await worldOf(t)
  world.informer.start()
  await world.informer.whenSynced()
  await world.churn(20)
  await world.converged()
  const { failures } = world.informer.counters
  world.proxy.stall(true)
  await world.churn(50)
  while (world.informer.counters.failures === failures) await new Promise((resolve) => setTimeout(resolve, 50))
  world.proxy.stall(false)
  await world.converged()
  assertAllDelivered(world)
})

test('a server that refuses connections for a while', async (t) => {
  const world = await worldOf(t)
  world.informer.start()
  await world.informer.whenSynced()
  world.proxy.refuse(true)
  world.proxy.cutAll()
  await world.churn(100)
  assert.equal(world.informer.lastError?.kind, 'unavailable')
  world.proxy.refuse(false)
  await world.converged()
  assertAllDelivered(world)
})

test('a slow network', async (t) => {
  const world = await worldOf(t, { pageSize: 5, idleTimeoutMs: 10_000, openTimeoutMs: 10_000 })
  world.proxy.delay(100)
  await world.churn(30)
  world.informer.start()
  await world.churn(50)
  await world.converged()
})

test('kube-apiserver killed and restarted under churn: its memory of old versions is gone, nothing else', async (t) => {
  const world = await worldOf(t, { idleTimeoutMs: 20_000, openTimeoutMs: 20_000 })
  world.informer.start()
  await world.informer.whenSynced()
  await world.churn(100)
  await world.converged()
  for (let round = 0; round < 2; round++) {
    // Away while the history goes on: the informer's place is then older than what the new process knows.
    world.proxy.refuse(true)
    world.proxy.cutAll()
    await world.churn(30)
    await plane.kill('kube-apiserver', 'SIGKILL')
    await assert.rejects(world.churn(1), (error) => error instanceof ApiError && error.kind === 'unavailable')
    await plane.restart('kube-apiserver')
    await world.churn(30)
    world.proxy.refuse(false)
    await world.churn(30)
    await world.converged()
  }
  t.diagnostic(`${world.informer.counters.lists - 1} relists, ${world.informer.counters.failures} failures`)
})

test('a token that is wrong is read anew until it is right', async (t) => {
  const namespace = 'tokens'
  plane.kubectl(['create', 'namespace', namespace])
  plane.kubectl(['create', 'serviceaccount', 'reader', '-n', namespace])
  plane.kubectl(['create', 'clusterrole', 'reader', '--verb=list,watch', '--resource=configmaps'])
  const subject = `--serviceaccount=${namespace}:reader`
  plane.kubectl(['create', 'clusterrolebinding', 'reader', '--clusterrole=reader', subject])
  const token = plane.kubectl(['create', 'token', 'reader', '-n', namespace]).trim()
  let current = 'wrong'
  const load = (): KubeConfig => {
    const config = new KubeConfig()
    config.loadFromFile(plane.kubeconfig)
    config.loadFromClusterAndUser(config.getCurrentCluster()!, { name: 'reader', token: current })
    return config
  }
  const client = new Client({ source: { kind: 'custom', load }, clock: systemClock, userAgent: 'invar-test' })
  const kinds: string[] = []
  const informer = new Informer({
    client,
    resource: CONFIG_MAPS,
    clock: systemClock,
    random: Math.random,
    backoff: { baseMs: 20, maxMs: 20 },
    observe: (ending) => {
      if (ending.kind === 'failed') kinds.push(ending.error.kind)
      if (kinds.length === 2) current = token
    },
  })
  t.after(async () => {
    await informer.stop()
    client.close()
  })
  informer.start()
  await informer.whenSynced()
  assert.deepEqual(kinds, ['unauthorized', 'unauthorized'])
})
