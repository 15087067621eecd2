import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigResource } from '../../core/config/index.ts'
import type { Service } from '../../operator/index.ts'
import { clusterView, endpointsOn, type NodeWords } from '../../testkit/announce-world.ts'
import { bgp, l2, peer, pool } from '../../testkit/resources.ts'
import { type ServiceFacts, serviceRow } from './service-row.ts'

interface Words {
  readonly has?: readonly string[]
  readonly condition?: { readonly reason: string; readonly message: string }
  readonly type?: string
  readonly loadBalancerClass?: string
  readonly isDeleted?: boolean
  readonly policy?: 'Cluster' | 'Local'
}

function service({ has = ['192.0.2.10'], condition, type = 'LoadBalancer', isDeleted, ...spec }: Words): Service {
  const status = { status: 'True', lastTransitionTime: '', type: 'invar.dev/AddressAllocated' } as const
  return {
    metadata: {
      ...{ name: 'web', namespace: 'default', annotations: { 'metallb.io/ip-allocated-from-pool': 'lan' } },
      ...(isDeleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { type, externalTrafficPolicy: spec.policy ?? 'Cluster', loadBalancerClass: spec.loadBalancerClass ?? '' },
    status: {
      loadBalancer: { ingress: has.map((ip) => ({ ip })) },
      ...(condition && { conditions: [{ ...status, ...condition }] }),
    },
  }
}

const LAN = [pool('lan'), l2('lan')]

function facts(
  words: Partial<ServiceFacts> = {},
  configuration: readonly ConfigResource[] = LAN,
  nodes: Readonly<Record<string, NodeWords>> = { 'node-a': {}, 'node-b': {} },
): ServiceFacts {
  const none = { answers: [], routes: [], conflicts: [], loadBalancerClass: '' }
  return { ...none, endpoints: endpointsOn('node-a'), view: clusterView(configuration, nodes), ...words }
}

const ANSWERED = { answers: [{ node: 'node-a', over: ['eth0'] }] }
const CONFLICT = { node: 'node-a', address: '192.0.2.10', because: 'station 02:00:00:00:00:01 answers as well' }

const ROWS: readonly (readonly [name: string, words: Words, facts: ServiceFacts, standing: string, reason?: string])[] =
  [
    ['announced, and nothing wrong', {}, facts(ANSWERED), 'served'],
    ['announced by routes alone', {}, facts({ routes: [{ node: 'node-a', over: ['tor'] }] }), 'served'],
    [
      ...([
        'no address',
        { has: [], condition: { reason: 'AllocationFailed', message: 'pool "lan" is full' } },
      ] as const),
      ...([facts(), 'waiting', 'AllocationFailed: pool "lan" is full'] as const),
    ],
    ['not decided yet', { has: [] }, facts(), 'waiting', 'undecided: The controller has not looked at it yet'],
    ['deleted', { isDeleted: true }, facts(ANSWERED), 'leaving', 'beingDeleted: The Service is deleted; its address'],
    [
      ...(['a family is missing', { condition: { reason: 'AdditionalAssignFailed', message: 'no IPv6' } }] as const),
      ...([facts(ANSWERED), 'doubtful', 'AdditionalAssignFailed: no IPv6'] as const),
    ],
    ['it simply has its address', { condition: { reason: 'IPAllocated', message: '' } }, facts(ANSWERED), 'served'],
    [
      ...(['somebody else answers too', {}] as const),
      facts({ ...ANSWERED, conflicts: [{ ...CONFLICT, reason: 'ForeignClaim' }] }),
      ...(['doubtful', 'ForeignClaim: station 02:00:00:00:00:01'] as const),
    ],
    [
      ...(['the address is in use', {}, facts({ conflicts: [{ ...CONFLICT, reason: 'AddressInUse' }] })] as const),
      ...(['silent', 'AddressInUse: station'] as const),
    ],
    [
      ...(['nobody reports', {}, facts(), 'silent'] as const),
      'unreported: node node-b is to answer for default/web, and no speaker reports that it does',
    ],
    ['endpoints not known', {}, facts({ endpoints: undefined }), 'silent', 'endpointsUnknown: No speaker reports'],
    ['no endpoint', {}, facts({ endpoints: endpointsOn() }), 'silent', 'noEndpoints: default/web has no endpoint'],
    [
      ...(['no advertisement of either kind', {}, facts({}, [pool('lan')]), 'silent'] as const),
      'noMatchingAdvertisement: no L2Advertisement or BGPAdvertisement reaches pool "lan"',
    ],
    [
      ...(['only BGP, and no peer', {}, facts({}, [pool('lan'), bgp('lan')]), 'silent'] as const),
      'noPeer: no BGPPeer of node node-a is to have the routes of default/web',
    ],
    [
      ...(['only BGP, and nobody reports', {}, facts({}, [pool('lan'), bgp('lan'), peer('tor')]), 'silent'] as const),
      'unreported: node node-a is to announce default/web to tor, and no speaker reports that it does',
    ],
    [
      ...(['only BGP, and no endpoint', {}] as const),
      facts({ endpoints: endpointsOn() }, [pool('lan'), bgp('lan'), peer('tor')]),
      ...(['silent', 'noEndpoints: default/web has no endpoint'] as const),
    ],
    [
      ...(['the label that keeps load balancers off all nodes', {}] as const),
      facts({}, LAN, { 'node-a': { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } }),
      ...(['silent', 'nodeLabeledExcludeBalancers: node node-a has the label'] as const),
    ],
    [
      ...(['an address of no pool', { has: ['198.51.100.1'] }, facts(), 'silent'] as const),
      'ipNotAllowed: no IPAddressPool contains 198.51.100.1',
    ],
  ]

for (const [name, words, known, standing, reason] of ROWS) {
  test(`${name}: ${standing}`, () => {
    const row = serviceRow(service(words), known)
    assert.equal(row?.standing, standing)
    const said = row?.reason && `${row.reason.code}: ${row.reason.sentence}`
    if (reason === undefined) assert.equal(said, undefined)
    else assert.equal(said?.slice(0, reason.length), reason)
  })
}

test('none of ours: another type, another class', () => {
  assert.equal(serviceRow(service({ type: 'ClusterIP' }), facts()), undefined)
  assert.equal(serviceRow(service({ loadBalancerClass: 'other' }), facts()), undefined)
})

test('conflicts, with the node that saw them', () => {
  const conflicts = [{ ...CONFLICT, reason: 'ForeignClaim' } as const]
  const row = serviceRow(service({}), facts({ ...ANSWERED, conflicts }))
  assert.deepEqual(row?.conflicts, [{ node: 'node-a', sentence: CONFLICT.because }])
})

test('what it has and who announces it', () => {
  const routes = [{ node: 'node-b', over: ['tor'] }]
  assert.deepEqual(serviceRow(service({}), facts({ ...ANSWERED, routes })), {
    ...{ key: 'default/web', standing: 'served', addresses: ['192.0.2.10'], pool: 'lan', routes, ...ANSWERED },
  })
})
