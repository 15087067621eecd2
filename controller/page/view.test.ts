/** Pools, speakers, problems and Services out of stores, as the page shows them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeViewOf } from '../../core/announce/index.ts'
import { type ConfigResource, compile } from '../../core/config/index.ts'
import type { IPAddressPool } from '../../crds/index.ts'
import { type KeptNode, type Service, Store } from '../../operator/index.ts'
import { endpointsOn } from '../../testkit/announce-world.ts'
import { aged, bgp, l2, peer, pool, resources } from '../../testkit/resources.ts'
import { Sessions } from './sessions.ts'
import type { SpeakerState } from './speaker-row.ts'
import { PageView } from './view.ts'

interface World {
  readonly configuration: readonly ConfigResource[]
  readonly nodes?: readonly KeptNode[]
  readonly services?: readonly Service[]
  readonly states?: Readonly<Record<string, SpeakerState>>
  readonly sessions?: Sessions
}

function node(name: string, unschedulable = false): KeptNode {
  return { ...nodeViewOf({ metadata: { name, labels: {} }, spec: { unschedulable } }), addresses: [] }
}

function viewOf({ configuration, nodes = [node('node-a')], services = [], ...rest }: World): PageView {
  const { states = {}, sessions = new Sessions() } = rest
  const [serviceStore, nodeStore, poolStore] = [new Store<Service>(), new Store<KeptNode>(), new Store<IPAddressPool>()]
  for (const one of services) serviceStore.set(`${one.metadata.namespace}/${one.metadata.name}`, one)
  for (const one of nodes) nodeStore.set(one.name, one)
  for (const one of configuration) if (one.kind === 'IPAddressPool') poolStore.set(`n/${one.metadata.name}`, one)
  const nobody = { answering: () => [], routing: () => [], conflictsOf: () => [] }
  const view = new PageView({
    ...{ services: serviceStore, nodes: nodeStore, pools: poolStore, announcements: nobody, loadBalancerClass: '' },
    sources: { endpointsOf: () => endpointsOn('node-a'), stateOf: (name) => states[name], sessions },
  })
  view.configured(compile(resources(configuration)))
  return view
}

test('pools: the fill that their status shows, by name, and what is wrong with them', () => {
  const lan = { ...pool('lan'), status: { assignedIPv4: 3, assignedIPv6: 0, availableIPv4: 253, availableIPv6: 0 } }
  const rows = viewOf({
    configuration: [
      lan,
      l2('lan', { ipAddressPools: ['lan'] }),
      pool('guests', { addresses: ['192.0.2.0/30'] }, aged(1)),
    ],
  }).pools()
  assert.deepEqual(
    rows.map(({ name, ipv4, notes }) => [name, ipv4, notes.length]),
    [
      ['guests', { inUse: 0, total: 0 }, 2],
      ['lan', { inUse: 3, total: 256 }, 0],
    ],
  )
  assert.match(rows[0]!.notes.join(), /overlaps[\s\S]*not in force/)
})

test('a pool that no advertisement reaches says so', () => {
  assert.match(viewOf({ configuration: [pool('lan')] }).pools()[0]!.notes[0]!, /no L2Advertisement or BGPAdvertisement/)
})

test('speakers: one for each node, with what they say of the configuration and of their sessions', () => {
  const sessions = new Sessions()
  const told = {
    node: 'node-a',
    peer: 'tor',
    isUp: false,
    since: '2026-01-01T00:00:00Z',
    sentence: 'hold timer expired',
  }
  sessions.take(told)
  const rows = viewOf({
    configuration: [
      pool('lan'),
      bgp('lan'),
      peer('tor'),
      peer('far', { peerAddress: '198.51.100.2', nodeSelectors: [{ matchLabels: { rack: '7' } }] }),
    ],
    nodes: [node('node-b', true), node('node-a')],
    states: { 'node-a': { result: 'Invalid', trouble: 'no such interface' } },
    sessions,
  }).speakers()
  assert.deepEqual(rows, [
    {
      ...{ node: 'node-a', configuration: 'Invalid', trouble: 'no such interface', notes: [] },
      sessions: [{ peer: 'tor', state: 'down', since: told.since, sentence: told.sentence }],
    },
    { node: 'node-b', configuration: 'none', notes: ['cordoned'], sessions: [{ peer: 'tor', state: 'quiet' }] },
  ])
})

test('problems name object, rule and severity', () => {
  const [problem] = viewOf({ configuration: [pool('lan'), pool('other', { addresses: ['192.0.2.0/30'] })] }).problems()
  assert.deepEqual(
    [problem?.object, problem?.rule, problem?.severity],
    ['IPAddressPool other', 'pools-overlap', 'error'],
  )
})

test('Services: only load balancers, and nothing before the configuration was compiled', () => {
  const service = (name: string, type: string): Service => ({
    metadata: { name, namespace: 'default' },
    spec: { type },
  })
  const services = [service('web', 'LoadBalancer'), service('internal', 'ClusterIP')]
  const view = viewOf({ configuration: [pool('lan'), l2('lan')], services })
  assert.deepEqual([...view.serviceKeys()], ['default/web', 'default/internal'])
  assert.equal(view.service('default/web')?.standing, 'waiting')
  assert.equal(view.service('default/internal'), undefined)
  assert.equal(view.service('default/nobody'), undefined)
})
