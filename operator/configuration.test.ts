import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import type { Page } from './answer.ts'
import { Configuration } from './configuration.ts'
import type { FollowOptions } from './followed.ts'
import { Informer } from './informer.ts'
import type { KubernetesObject, Resource } from './resource.ts'
import type { WatchEvent } from './watch-stream.ts'

const NAMESPACE = 'metallb-system'

/** A configuration over objects in memory; `put` is what the watch would bring. */
class Bench {
  readonly clock = new VirtualClock()
  readonly configuration: Configuration
  compiled = 0
  readonly #informers: Informer<KubernetesObject, unknown>[] = []
  readonly #watches = new Map<string, (event: WatchEvent<KubernetesObject>) => void>()
  #version = 1

  constructor(node?: string) {
    const follow = <T extends KubernetesObject, S>(resource: Resource<T>, options: FollowOptions<T, S>) => {
      const client = this.#clientOf(resource.plural)
      const informer = new Informer<T, S>({ ...options, client, resource, clock: this.clock, random: () => 0.5 })
      this.#informers.push(informer as unknown as Informer<KubernetesObject, unknown>)
      return informer
    }
    this.configuration = new Configuration(follow, this.clock, NAMESPACE, node)
    this.configuration.onCompiled(() => {
      this.compiled++
    })
  }

  #clientOf(plural: string) {
    const watch = async () => {
      const waiting: WatchEvent<KubernetesObject>[] = []
      let wake: () => void = () => undefined
      this.#watches.set(plural, (event) => {
        waiting.push(event)
        wake()
      })
      return (async function* () {
        for (;;) {
          if (waiting.length > 0) yield waiting.splice(0)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      })()
    }
    const list = async (): Promise<Page<never>> => ({ items: [], resourceVersion: '1', continueToken: undefined })
    // biome-ignore lint/suspicious/noExplicitAny: one client for all resources
    return { list, watch } as any
  }

  async start(): Promise<void> {
    for (const informer of this.#informers) informer.start()
    await Promise.all(this.#informers.map((informer) => informer.whenSynced()))
    await turn()
    this.configuration.begin()
  }

  async put(plural: string, object: object): Promise<void> {
    const { metadata, ...rest } = object as KubernetesObject
    const resourceVersion = String(++this.#version)
    const namespaced = plural === 'nodes' || plural === 'namespaces' ? {} : { namespace: NAMESPACE }
    const complete = { ...rest, metadata: { ...namespaced, ...metadata, resourceVersion } }
    this.#watches.get(plural)!({ kind: 'added', object: complete } as WatchEvent<KubernetesObject>)
    await turn()
  }

  /** Lets a burst of changes settle. */
  async settle(): Promise<void> {
    this.clock.advance(50)
    await turn()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function pool(name: string, addresses: readonly string[], status?: object): object {
  const head = { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata: { name } }
  return { ...head, spec: { addresses }, ...(status && { status }) }
}

describe('configuration', () => {
  test('nothing is compiled before everything was read', async () => {
    const bench = new Bench()
    assert.equal(bench.compiled, 0)
    await bench.start()
    assert.equal(bench.compiled, 1)
    assert.equal(bench.configuration.snapshot?.pools.size, 0)
  })

  test('a burst of changes is compiled once', async () => {
    const bench = new Bench()
    await bench.start()
    for (let index = 0; index < 10; index++)
      await bench.put('ipaddresspools', pool(`p${index}`, [`192.0.2.${index}/32`]))
    await bench.settle()
    assert.equal(bench.compiled, 2)
    assert.equal(bench.configuration.snapshot?.pools.size, 10)
  })

  test('counters in the status of a pool are no change', async () => {
    const bench = new Bench()
    await bench.start()
    await bench.put('ipaddresspools', pool('web', ['192.0.2.0/24']))
    await bench.settle()
    const before = bench.compiled
    await bench.put('ipaddresspools', pool('web', ['192.0.2.0/24'], { assignedIPv4: 7 }))
    await bench.settle()
    assert.equal(bench.compiled, before)
    assert.deepEqual(bench.configuration.pools.get(`${NAMESPACE}/web`)?.status, { assignedIPv4: 7 })
  })

  test('a namespace is judged once its labels were compiled, where a pool asks for labels', async () => {
    const bench = new Bench()
    await bench.start()
    const isJudged = () => bench.configuration.hasJudgedNamespace('team')
    assert.equal(isJudged(), true, 'no pool asks for labels')
    const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'b' } }] }
    const head = { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata: { name: 'web' } }
    await bench.put('ipaddresspools', { ...head, spec: { addresses: ['192.0.2.0/24'], serviceAllocation } })
    await bench.settle()
    assert.equal(isJudged(), false)
    await bench.put('namespaces', { metadata: { name: 'team', labels: { team: 'b' } } })
    assert.equal(isJudged(), false, 'read, but not compiled yet')
    await bench.settle()
    assert.equal(isJudged(), true)
  })

  test('a bad pool is a problem, and the good one beside it is in force', async () => {
    const bench = new Bench()
    await bench.start()
    await bench.put('ipaddresspools', pool('good', ['192.0.2.0/24']))
    await bench.put('ipaddresspools', pool('bad', ['192.0.2.1']))
    await bench.settle()
    assert.deepEqual(
      bench.configuration.problems.map(({ object, rule }) => `${object.name} ${rule}`),
      ['bad address-without-mask'],
    )
    assert.equal(bench.configuration.snapshot?.pools.get('good')?.suspended, undefined)
  })

  test('of a Node, addresses and conditions that matter are kept, and its heartbeats are no change', async () => {
    const bench = new Bench()
    await bench.start()
    const node = (stamp: string) => ({
      metadata: { name: 'alpha', labels: { zone: 'a' } },
      status: {
        addresses: [
          { type: 'InternalIP', address: '192.0.2.1' },
          { type: 'Hostname', address: 'alpha' },
        ],
        conditions: [{ type: 'NetworkUnavailable', status: 'True', lastHeartbeatTime: stamp }],
      },
    })
    await bench.put('nodes', node('1'))
    await bench.settle()
    const before = bench.compiled
    await bench.put('nodes', node('2'))
    await bench.settle()
    assert.equal(bench.compiled, before)
    const kept = bench.configuration.nodes.store.get('alpha')
    assert.deepEqual([kept?.addresses, kept?.isNetworkUnavailable], [['192.0.2.1'], true])
  })

  test('a fault in a peer of other nodes is no problem of this one', async () => {
    for (const [node, expected] of [
      ['alpha', 0],
      ['bravo', 1],
    ] as const) {
      const bench = new Bench(node)
      await bench.start()
      for (const name of ['alpha', 'bravo']) await bench.put('nodes', { metadata: { name, labels: { name } } })
      await bench.put('bgppeers', {
        apiVersion: 'metallb.io/v1beta2',
        kind: 'BGPPeer',
        metadata: { name: 'tor' },
        spec: { myASN: 64512, nodeSelectors: [{ matchLabels: { name: 'bravo' } }], peerAddress: '192.0.2.9' },
      })
      await bench.settle()
      assert.equal(bench.configuration.problems.filter(({ severity }) => severity === 'error').length, expected, node)
    }
  })
})
