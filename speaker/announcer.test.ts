import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_VIEW, type NodeView, nodeViewOf } from '../core/announce/index.ts'
import { compile, NO_RESOURCES, type Snapshot } from '../core/config/index.ts'
import { type Service, Store } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { Announcer } from './announcer.ts'
import { BY_SERVICE, type KeptSlice, keepEndpointSlice, serviceKeysOf } from './kept.ts'
import type { DesiredService, ToWire } from './wire/messages.ts'

/** A node's announcer, and all that crossed to its wire thread. */
class Bench {
  readonly services = new Store<Service>()
  readonly slices = new Store<KeptSlice>({ [BY_SERVICE]: serviceKeysOf })
  readonly nodes = new Store<NodeView>()
  readonly decisions: string[] = []
  incumbents: readonly string[] = []
  readonly announcer: Announcer
  #posted: ToWire[] = []
  #timer: (() => void) | undefined

  constructor(node = 'alpha') {
    const clock: Clock = {
      now: () => 0,
      wall: () => 0,
      setTimeout: (callback) => {
        this.#timer = callback
        return { timer: 0 }
      },
      clearTimeout: () => undefined,
    }
    for (const name of ['alpha', 'bravo']) {
      this.nodes.set(name, nodeViewOf({ metadata: { name } }))
    }
    this.announcer = new Announcer({
      ...{ node, services: this.services, slices: this.slices, nodes: this.nodes, clock },
      post: (message) => this.#posted.push(message),
      incumbentsOf: () => this.incumbents,
      onDecision: (key, { kind }) => this.decisions.push(`${key} ${kind}`),
      view: DEFAULT_VIEW,
      loadBalancerClass: '',
    })
  }

  serve(name: string, ip: string): void {
    this.services.set(`default/${name}`, {
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer' },
      status: { loadBalancer: { ingress: [{ ip }] } },
    })
    this.endpoint(name, true)
  }

  endpoint(name: string, ready: boolean): void {
    const metadata = { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } }
    const endpoints = [{ addresses: ['10.0.0.1'], nodeName: 'bravo', conditions: { ready } }]
    this.slices.set(`default/${name}-1`, keepEndpointSlice({ metadata, endpoints }))
  }

  /** Lets time pass, and takes what was posted since the last call. */
  posted(): ToWire[] {
    this.#timer?.()
    this.#timer = undefined
    return this.#posted.splice(0)
  }
}

function snapshotOf(addresses: readonly string[]): Snapshot {
  const metadata = (name: string) => ({ name, namespace: 'metallb-system' })
  const { snapshot, problems } = compile({
    ...NO_RESOURCES,
    pools: addresses.map((address, at) => ({
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: metadata(`pool-${at}`),
      spec: { addresses: [address] },
    })),
    l2Advertisements: [
      { apiVersion: 'metallb.io/v1beta1', kind: 'L2Advertisement', metadata: metadata('all'), spec: {} },
    ],
  })
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  return snapshot
}

const LAN = snapshotOf(['192.0.2.0/24'])

function desired(name: string, ip: string, candidates: string[]): DesiredService {
  return { key: `default/${name}`, layer2: [{ ip, candidates, interfaces: undefined }] }
}

function started(): Bench {
  const bench = new Bench()
  bench.serve('web', '192.0.2.10')
  bench.announcer.configure(LAN)
  bench.announcer.start()
  bench.posted()
  return bench
}

describe('announcer', () => {
  test('nothing is said before it starts; then everything, as a whole', () => {
    const bench = new Bench()
    bench.serve('web', '192.0.2.10')
    bench.announcer.configure(LAN)
    assert.deepEqual(bench.posted(), [])
    bench.announcer.start()
    assert.deepEqual(bench.posted(), [
      { kind: 'desired', complete: true, services: [desired('web', '192.0.2.10', ['bravo', 'alpha'])] },
    ])
  })

  test('a change concerns its Service and no other', () => {
    const bench = started()
    bench.serve('db', '192.0.2.11')
    bench.announcer.serviceChanged('default/db')
    const [message, ...more] = bench.posted()
    assert.deepEqual(more, [])
    assert.ok(message?.kind === 'desired')
    assert.equal(message.complete, false)
    assert.deepEqual(
      message.services.map(({ key }) => key),
      ['default/db'],
    )
  })

  test('a hundred changes of endpoints that change nothing cross not once', () => {
    const bench = started()
    bench.decisions.length = 0
    for (let round = 0; round < 100; round++) {
      bench.endpoint('web', true)
      bench.announcer.serviceChanged('default/web')
      assert.deepEqual(bench.posted(), [])
    }
    assert.deepEqual(bench.decisions, [])
  })

  test('the last endpoint goes: withdrawn; it comes back: announced again', () => {
    const bench = started()
    bench.endpoint('web', false)
    bench.announcer.serviceChanged('default/web')
    assert.deepEqual(bench.posted(), [
      { kind: 'desired', complete: false, services: [{ key: 'default/web', layer2: [] }] },
    ])
    bench.endpoint('web', true)
    bench.announcer.serviceChanged('default/web')
    assert.equal(bench.posted().length, 1)
  })

  test('who reports that it answers comes first; that the first one says so crosses not at all', () => {
    const bench = started()
    bench.incumbents = ['bravo']
    bench.announcer.serviceChanged('default/web')
    assert.deepEqual(bench.posted(), [])
    bench.incumbents = ['alpha']
    bench.announcer.serviceChanged('default/web')
    assert.deepEqual(bench.posted(), [
      { kind: 'desired', complete: false, services: [desired('web', '192.0.2.10', ['alpha', 'bravo'])] },
    ])
  })

  test('a deleted Service is withdrawn', () => {
    const bench = started()
    bench.services.delete('default/web')
    bench.announcer.serviceChanged('default/web')
    assert.deepEqual(bench.posted(), [
      { kind: 'desired', complete: false, services: [{ key: 'default/web', layer2: [] }] },
    ])
    assert.equal(bench.announcer.decisionOn('default/web'), undefined)
  })

  test('a pool that goes does not withdraw what its Service still shows; the Service moving does', () => {
    const bench = started()
    bench.announcer.configure(snapshotOf(['198.51.100.0/24']))
    assert.deepEqual(bench.posted(), [])
    bench.serve('web', '198.51.100.1')
    bench.announcer.serviceChanged('default/web')
    const [message] = bench.posted()
    assert.deepEqual(message?.kind === 'desired' ? message.services[0]?.layer2[0]?.ip : undefined, '198.51.100.1')
  })

  test('other nodes: every Service is decided anew, only those that differ cross', () => {
    const bench = started()
    bench.nodes.delete('bravo')
    bench.announcer.configure(LAN)
    assert.deepEqual(bench.posted(), [
      { kind: 'desired', complete: false, services: [desired('web', '192.0.2.10', ['alpha'])] },
    ])
  })
})
