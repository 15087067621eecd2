import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_REQUEST_OPTIONS } from '../core/allocate/index.ts'
import { compile } from '../core/config/index.ts'
import { ApiError, type Service, Store } from '../operator/index.ts'
import { pool, resources } from '../testkit/resources.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { Allocator } from './allocator.ts'
import { Departures } from './departures.ts'

type Details = Pick<Service, 'spec' | 'status'> & { readonly annotations?: Readonly<Record<string, string>> }

interface Patch {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string | null>> }
  readonly status?: { readonly loadBalancer?: { readonly ingress: readonly { readonly ip: string }[] | null } }
}

/** An allocator over a store that the test fills, and an API server that refuses writes when told to. */
class World {
  readonly clock = new VirtualClock()
  readonly services = new Store<Service>()
  readonly raised: string[] = []
  readonly written: string[] = []
  refusal: ApiError | undefined
  isNamespaceJudged = true
  readonly allocator: Allocator
  #version = 1

  constructor() {
    this.allocator = new Allocator({
      services: this.services,
      writeStatus: async (service, patch: Patch) => this.#write(service, patch),
      raise: ({ metadata }, { reason }) => this.raised.push(`${metadata.name} ${reason}`),
      onPoolsTouched: () => undefined,
      onFault: (key, error) => assert.fail(`${key}: ${error}`),
      observe: () => undefined,
      isNamespaceJudged: () => this.isNamespaceJudged,
      departures: new Departures({ isOn: false, announcersOf: () => [], clock: this.clock }),
      request: DEFAULT_REQUEST_OPTIONS,
      ...{ clock: this.clock, random: () => 0.5, concurrency: 4 },
    })
    this.configure('192.0.2.0/29')
  }

  configure(...addresses: readonly string[]): void {
    this.allocator.configure(compile(resources([pool('web', { addresses: [...addresses] })])).snapshot)
  }

  /** The informer shows a Service, as it is now or for the first time. */
  show(name: string, { spec, status, annotations = {} }: Details = {}): void {
    const metadata = { name, namespace: 'default', uid: name, resourceVersion: String(this.#version++), annotations }
    const whole = { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }], ...spec }
    this.services.set(`default/${name}`, { metadata, spec: whole, ...(status && { status }) })
    this.allocator.serviceChanged(`default/${name}`)
  }

  async settle(forMs = 0): Promise<void> {
    await this.clock.advanceAsync(forMs)
  }

  #write(service: Service, patch: Patch): Service {
    if (this.refusal !== undefined) throw this.refusal
    const addresses = patch.status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? []
    this.written.push(`${service.metadata.name} ${addresses.join('+')}`)
    const annotations = { ...service.metadata.annotations, ...patch.metadata?.annotations }
    const metadata = { ...service.metadata, annotations, resourceVersion: String(this.#version++) }
    return { ...service, metadata, status: { ...service.status, ...patch.status } } as Service
  }
}

function showing(...addresses: readonly string[]): Details {
  return {
    status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
    annotations: { 'metallb.io/ip-allocated-from-pool': 'web' },
  }
}

test('what a decision tells is raised once, however often its write was refused (it was told with each attempt)', async () => {
  const world = new World()
  world.show('a', { ...showing('203.0.113.9'), annotations: { 'metallb.universe.tf/allow-shared-ip': 'x' } })
  world.refusal = new ApiError('unavailable', 'nobody there')
  world.allocator.start()
  await world.settle(600_000)
  assert.deepEqual(world.raised, [], 'nothing has happened yet')
  world.refusal = undefined
  await world.settle(120_000)
  assert.deepEqual(world.raised, ['a ClearAssignment', 'a IPAllocated', 'a deprecatedAnnotation'])
})

test('what statuses show is adopted before anything is given out, and not written again', async () => {
  const world = new World()
  world.show('a')
  world.show('b', showing('192.0.2.0'))
  world.allocator.start()
  await world.settle()
  assert.deepEqual(world.written, ['a 192.0.2.1'])
})

test('an informer that lags behind a write does not make it look wiped', async () => {
  const world = new World()
  world.allocator.start()
  world.show('a')
  await world.settle()
  world.allocator.serviceChanged('default/a')
  await world.settle()
  assert.deepEqual([world.written, world.raised], [['a 192.0.2.0'], ['a IPAllocated']])
})

test('one Service that cannot be written does not hold the others', async () => {
  const world = new World()
  world.refusal = new ApiError('invalid', 'no')
  world.allocator.start()
  world.show('a')
  await world.settle()
  world.refusal = undefined
  world.show('b')
  await world.settle()
  assert.deepEqual(world.written, ['b 192.0.2.1'])
  await world.settle(60_000)
  assert.deepEqual(world.written, ['b 192.0.2.1', 'a 192.0.2.0'])
})

test('a deleted Service frees its address for the one that waits, which nothing else touched', async () => {
  const world = new World()
  world.configure('192.0.2.0/32')
  world.allocator.start()
  world.show('a')
  world.show('b')
  await world.settle()
  world.services.delete('default/a')
  world.allocator.serviceChanged('default/a')
  await world.settle()
  assert.deepEqual(world.written.at(-1), 'b 192.0.2.0')
})

test('after stop nothing is written', async () => {
  const world = new World()
  world.allocator.start()
  await world.allocator.stop()
  world.show('a')
  await world.settle(60_000)
  assert.deepEqual(world.written, [])
})

/** A Service is there, and its Namespace has not been seen for so long. */
async function worldWithoutNamespace(forMs: number): Promise<World> {
  const world = new World()
  world.isNamespaceJudged = false
  world.allocator.start()
  world.show('a')
  await world.settle(forMs)
  assert.deepEqual([world.written, world.raised], [[], []])
  return world
}

test('a Service seen before its Namespace waits for it: what it would be given now, it would keep', async () => {
  const world = await worldWithoutNamespace(1_000)
  world.isNamespaceJudged = true
  world.configure('192.0.2.0/29')
  await world.settle()
  assert.deepEqual(world.written, ['a 192.0.2.0'])
})

test('a Namespace that never comes keeps nobody waiting for ever', async () => {
  const world = await worldWithoutNamespace(4_999)
  await world.settle(1)
  assert.deepEqual(world.written, ['a 192.0.2.0'])
})
