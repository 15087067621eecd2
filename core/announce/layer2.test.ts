import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  announcedService,
  clusterView,
  endpointsOn,
  type NodeWords,
  type ServiceWords,
} from '../../testkit/announce-world.ts'
import { l2, pool } from '../../testkit/resources.ts'
import type { ConfigResource } from '../config/index.ts'
import { METALLB_VIEW, type ViewOptions } from './cluster-view.ts'
import { addressesForNode, decideLayer2, explainOrder, keepAnnounced, type Layer2Decision } from './layer2.ts'
import { EXCLUDE_LABEL, lastReasonSentence, type SilentReason } from './reasons.ts'

const FOUR: Readonly<Record<string, NodeWords>> = { alpha: {}, bravo: {}, charlie: {}, delta: {} }
const MIXED = pool('web', { addresses: ['192.0.2.0/24', '2001:db8::/64'] })

interface Case {
  readonly about: string
  readonly config?: readonly ConfigResource[]
  readonly nodes?: Readonly<Record<string, NodeWords>>
  readonly service?: ServiceWords
  readonly endpoints?: readonly string[]
  readonly options?: Partial<ViewOptions>
  /** Nodes that report that they answer, the newest report first. */
  readonly incumbents?: readonly string[]
  /** Candidates, best first; or the code of the refusal. */
  readonly expected: string
  /** Excluded nodes and why. */
  readonly excluded?: Readonly<Record<string, string>>
}

function decided(row: Case): Layer2Decision {
  const view = clusterView(row.config ?? [MIXED, l2('all')], row.nodes ?? FOUR, row.options)
  const endpoints = endpointsOn(...(row.endpoints ?? ['alpha']))
  return decideLayer2(announcedService(row.service), endpoints, view, row.incumbents)
}

const EXCLUDED_BY_LABEL = { labels: { [EXCLUDE_LABEL]: '' } }
const TEAM_A = [{ matchLabels: { team: 'a' } }]
const SHARED = { annotations: { 'metallb.io/allow-shared-ip': '' } }
const OLD_SHARED = { annotations: { 'metallb.universe.tf/allow-shared-ip': 'x' } }
const zone = (value: string) => [{ matchLabels: { zone: value } }]
const ZONES = { alpha: { labels: { zone: '1' } }, bravo: { labels: { zone: '2' } } }

const CASES: readonly Case[] = [
  // What BGP and layer 2 have in common.
  { about: 'an ordinary Service', expected: 'charlie bravo delta alpha' },
  { about: 'another type', service: { type: 'ClusterIP' }, expected: 'notLoadBalancer' },
  { about: 'another class', service: { loadBalancerClass: 'foo' }, expected: 'otherLoadBalancerClass' },
  { about: 'a Service that is deleted and not gone', service: { isBeingDeleted: true }, expected: 'beingDeleted' },
  { about: 'no address yet', service: { ingress: [] }, expected: 'noIPAllocated' },
  { about: 'a host name in the status', service: { ingress: ['lb.example.com'] }, expected: 'invalidIP' },
  { about: 'an address of no pool', service: { ingress: ['198.51.100.1'] }, expected: 'ipNotAllowed' },
  {
    about: 'addresses of two pools',
    config: [pool('a', { addresses: ['192.0.2.0/24'] }), pool('b', { addresses: ['2001:db8::/64'] }), l2('all')],
    service: { ingress: ['192.0.2.10', '2001:db8::10'] },
    expected: 'ipNotAllowed',
  },
  {
    about: 'an address that avoidBuggyIPs leaves out',
    config: [pool('web', { avoidBuggyIPs: true }), l2('all')],
    service: { ingress: ['192.0.2.255'] },
    expected: 'ipNotAllowed',
  },
  // Section 2.
  { about: 'no endpoint', endpoints: [], expected: 'noEndpoints' },
  { about: 'no advertisement at all', config: [MIXED], expected: 'noMatchingAdvertisement' },
  {
    about: 'an advertisement of another pool',
    config: [MIXED, l2('all', { ipAddressPools: ['other'] })],
    expected: 'noMatchingAdvertisement',
  },
  {
    about: 'an advertisement for other Services',
    config: [MIXED, l2('all', { serviceSelectors: TEAM_A })],
    expected: 'noMatchingAdvertisement',
  },
  {
    about: 'an advertisement for this Service',
    config: [MIXED, l2('all', { serviceSelectors: TEAM_A })],
    service: { labels: { team: 'a' } },
    expected: 'charlie bravo delta alpha',
  },
  {
    about: 'a sharing key, even empty, with serviceSelectors',
    config: [MIXED, l2('all', { serviceSelectors: TEAM_A })],
    service: { labels: { team: 'a' }, ...SHARED },
    expected: 'sharedIPWithServiceSelector',
  },
  {
    about: 'a sharing key of the old prefix with serviceSelectors',
    config: [MIXED, l2('all', { serviceSelectors: TEAM_A })],
    service: { labels: { team: 'a' }, ...OLD_SHARED },
    expected: 'sharedIPWithServiceSelector',
  },
  { about: 'a sharing key without serviceSelectors', service: SHARED, expected: 'charlie bravo delta alpha' },
  {
    about: 'an advertisement that selects no node',
    config: [MIXED, l2('all', { nodeSelectors: zone('9') })],
    expected: 'noMatchingAdvertisement',
  },
  {
    about: 'nodes that no advertisement selects',
    config: [MIXED, l2('one', { nodeSelectors: zone('1') }), l2('other', { nodeSelectors: zone('2') })],
    nodes: { ...ZONES, charlie: {} },
    expected: 'bravo alpha',
    excluded: { charlie: 'noMatchingAdvertisement' },
  },
  {
    about: 'a node without network',
    nodes: { ...FOUR, charlie: { networkUnavailable: true } },
    expected: 'bravo delta alpha',
    excluded: { charlie: 'nodeNetworkUnavailable' },
  },
  {
    about: 'a node that is labelled out',
    nodes: { ...FOUR, charlie: EXCLUDED_BY_LABEL },
    expected: 'bravo delta alpha',
    excluded: { charlie: 'nodeLabeledExcludeBalancers' },
  },
  {
    about: 'the only node is labelled out',
    nodes: { alpha: EXCLUDED_BY_LABEL },
    expected: 'nodeLabeledExcludeBalancers',
    excluded: { alpha: 'nodeLabeledExcludeBalancers' },
  },
  {
    about: 'the only node is labelled out, and that is disregarded',
    nodes: { alpha: EXCLUDED_BY_LABEL },
    options: { ignoreExcludeLabel: true },
    expected: 'alpha',
  },
  {
    about: 'policy Local: nodes with an endpoint only',
    service: { policy: 'Local' },
    endpoints: ['delta', 'alpha'],
    expected: 'delta alpha',
    excluded: { bravo: 'noLocalEndpoints', charlie: 'noLocalEndpoints' },
  },
  {
    about: 'policy Local with an endpoint on no node of ours',
    service: { policy: 'Local' },
    endpoints: ['zulu'],
    expected: 'noLocalEndpoints',
  },
  {
    about: 'a node that has none of the named interfaces',
    config: [MIXED, l2('all', { interfaces: ['eth1'] })],
    nodes: { alpha: { interfaces: ['eth0', 'eth1'] }, bravo: { interfaces: ['eth0'] }, charlie: {} },
    expected: 'charlie alpha',
    excluded: { bravo: 'noUsableInterface' },
  },
  { about: 'no speaker anywhere', nodes: {}, expected: 'notOwner' },
  // Section 3.
  {
    about: 'the first address decides for both',
    service: { ingress: ['192.0.2.12', '2001:db8::10'] },
    expected: 'bravo alpha delta charlie',
  },
  {
    about: 'a preferred node',
    config: [MIXED, l2('all', { preferredNodeSelectors: [{ weight: 10, preference: { matchLabels: { n: 'd' } } }] })],
    nodes: { ...FOUR, delta: { labels: { n: 'd' } } },
    expected: 'delta charlie bravo alpha',
  },
  {
    about: 'two preferred nodes: the hash decides between them',
    config: [MIXED, l2('all', { preferredNodeSelectors: [{ weight: 10, preference: { matchLabels: { n: 'x' } } }] })],
    nodes: { ...FOUR, alpha: { labels: { n: 'x' } }, delta: { labels: { n: 'x' } } },
    expected: 'delta alpha charlie bravo',
  },
  {
    about: 'weights add up over selectors and advertisements',
    config: [
      MIXED,
      l2('one', {
        preferredNodeSelectors: [
          { weight: 10, preference: { matchLabels: { n: 'd' } } },
          { weight: 4, preference: { matchLabels: { n: 'a' } } },
          { weight: 4, preference: { matchLabels: { m: 'a' } } },
        ],
      }),
      l2('two', { preferredNodeSelectors: [{ weight: 3, preference: { matchLabels: { n: 'a' } } }] }),
    ],
    nodes: { ...FOUR, alpha: { labels: { n: 'a', m: 'a' } }, delta: { labels: { n: 'd' } } },
    expected: 'alpha delta charlie bravo',
  },
  {
    about: 'a preference counts only where its advertisement selects the node',
    config: [
      MIXED,
      l2('all'),
      l2('zone', {
        nodeSelectors: zone('1'),
        preferredNodeSelectors: [{ weight: 10, preference: {} }],
      }),
    ],
    nodes: ZONES,
    expected: 'alpha bravo',
  },
  {
    about: 'a preference of an advertisement that selects another node changes nothing',
    config: [
      MIXED,
      l2('all'),
      l2('zone', { nodeSelectors: zone('9'), preferredNodeSelectors: [{ weight: 10, preference: {} }] }),
    ],
    expected: 'charlie bravo delta alpha',
  },
  // Section 9: who answers keeps the address.
  { about: 'a holder comes first', incumbents: ['alpha'], expected: 'alpha charlie bravo delta' },
  { about: 'of two reports the newer counts', incumbents: ['alpha', 'delta'], expected: 'alpha delta charlie bravo' },
  { about: 'a holder that is no candidate', incumbents: ['zulu', 'alpha'], expected: 'alpha charlie bravo delta' },
  {
    about: 'a holder, and a cluster where that does not count',
    options: { isSticky: false },
    incumbents: ['alpha'],
    expected: 'charlie bravo delta alpha',
  },
  {
    about: 'a preferred node takes the address from its holder',
    config: [MIXED, l2('all', { preferredNodeSelectors: [{ weight: 1, preference: { matchLabels: { n: 'd' } } }] })],
    nodes: { ...FOUR, delta: { labels: { n: 'd' } } },
    incumbents: ['alpha'],
    expected: 'delta alpha charlie bravo',
  },
  {
    about: 'among preferred nodes the holder comes first',
    config: [MIXED, l2('all', { preferredNodeSelectors: [{ weight: 1, preference: { matchLabels: { n: 'x' } } }] })],
    nodes: { ...FOUR, alpha: { labels: { n: 'x' } }, delta: { labels: { n: 'x' } } },
    incumbents: ['alpha'],
    expected: 'alpha delta charlie bravo',
  },
  // Section 9: nodes that are about to be emptied hand over while they can.
  {
    about: 'a cordoned node comes last',
    nodes: { ...FOUR, charlie: { cordoned: true } },
    expected: 'bravo delta alpha charlie',
  },
  {
    about: 'a cordoned holder, too',
    nodes: { ...FOUR, charlie: { cordoned: true } },
    incumbents: ['charlie'],
    expected: 'bravo delta alpha charlie',
  },
  {
    about: 'a cordoned node whose cordon is disregarded',
    nodes: { ...FOUR, charlie: { cordoned: true } },
    options: { ignoreCordon: true },
    expected: 'charlie bravo delta alpha',
  },
  {
    about: 'all are cordoned',
    nodes: { alpha: { cordoned: true }, bravo: { cordoned: true } },
    expected: 'bravo alpha',
  },
  ...['node.kubernetes.io/unschedulable', 'node.kubernetes.io/out-of-service', 'ToBeDeletedByClusterAutoscaler'].map(
    (taint) => ({
      about: `a node with taint ${taint}`,
      nodes: { ...FOUR, charlie: { taints: [taint] } },
      expected: 'bravo delta alpha charlie',
    }),
  ),
  {
    about: 'another taint',
    nodes: { ...FOUR, charlie: { taints: ['dedicated'] } },
    expected: 'charlie bravo delta alpha',
  },
  {
    about: 'a cordoned node, although it is preferred',
    config: [MIXED, l2('all', { preferredNodeSelectors: [{ weight: 9, preference: { matchLabels: { n: 'c' } } }] })],
    nodes: { ...FOUR, charlie: { labels: { n: 'c' }, cordoned: true } },
    expected: 'bravo delta alpha charlie',
  },
  {
    about: 'a node that is not Ready',
    nodes: { ...FOUR, charlie: { notReady: true } },
    expected: 'charlie bravo delta alpha',
  },
  {
    about: 'a node that is not Ready where that is heeded',
    nodes: { ...FOUR, charlie: { notReady: true } },
    options: { heedsReady: true },
    expected: 'bravo delta alpha charlie',
  },
]

for (const row of CASES) {
  test(`${row.about}: ${row.expected}`, () => {
    const decision = decided(row)
    assert.equal(decision.kind === 'silent' ? decision.because : decision.candidates.join(' '), row.expected)
    if (row.excluded === undefined) return
    const excluded = Object.fromEntries(decision.excluded.map(({ node, reason }) => [node, reason]))
    assert.deepEqual(excluded, row.excluded)
  })
}

test('without stickiness, cordon and readiness the order is MetalLB’s, whatever the nodes are', () => {
  const nodes = { ...FOUR, charlie: { cordoned: true, notReady: true, taints: ['ToBeDeletedByClusterAutoscaler'] } }
  const decision = decided({ about: '', nodes, options: METALLB_VIEW, incumbents: ['alpha'], expected: '' })
  assert.deepEqual(decision.kind === 'announce' && decision.candidates, ['charlie', 'bravo', 'delta', 'alpha'])
})

test('what gave a candidate its place can be told', () => {
  const config = [
    MIXED,
    l2('all', { preferredNodeSelectors: [{ weight: 7, preference: { matchLabels: { n: 'd' } } }] }),
  ]
  const nodes = { bravo: { cordoned: true }, charlie: {}, delta: { labels: { n: 'd' } }, alpha: {} }
  const ranked = explainOrder(announcedService(), endpointsOn('alpha'), clusterView(config, nodes), ['alpha'])
  assert.deepEqual(ranked, [
    { node: 'delta', score: 7, isIncumbent: false, last: undefined },
    { node: 'alpha', score: 0, isIncumbent: true, last: undefined },
    { node: 'charlie', score: 0, isIncumbent: false, last: undefined },
    { node: 'bravo', score: 0, isIncumbent: false, last: 'nodeCordoned' },
  ])
  assert.match(lastReasonSentence('bravo', 'nodeCordoned'), /bravo is cordoned .* comes last/)
  assert.deepEqual(
    explainOrder(announcedService({ ingress: [] }), endpointsOn('alpha'), clusterView(config, nodes)),
    [],
  )
})

test('a refusal is a sentence that names what is in the way', () => {
  const decision = decided({ about: '', nodes: { alpha: EXCLUDED_BY_LABEL }, expected: '' })
  assert.equal(
    decision.kind === 'silent' ? decision.detail : '',
    'node alpha has the label node.kubernetes.io/exclude-from-external-load-balancers (--ignore-exclude-lb disregards it)',
  )
})

test('the check that came furthest names the reason where nodes differ', () => {
  const nodes = { alpha: EXCLUDED_BY_LABEL, bravo: {} }
  const decision = decided({ about: '', nodes, service: { policy: 'Local' }, endpoints: ['zulu'], expected: '' })
  assert.equal((decision as { because: SilentReason }).because, 'noLocalEndpoints')
  assert.equal(decision.excluded.length, 2)
})

test('interfaces are the union over the advertisements that select the node, and all if one names none', () => {
  const config = [
    MIXED,
    l2('one', { interfaces: ['eth1'] }),
    l2('two', { interfaces: ['eth2', 'eth1'], nodeSelectors: zone('1') }),
    l2('three', { nodeSelectors: zone('2') }),
  ]
  const service = { ingress: ['192.0.2.10', '2001:db8::10'] }
  const decision = decided({ about: '', config, nodes: { ...ZONES, charlie: {} }, service, expected: '' })
  const candidates = ['charlie', 'bravo', 'alpha']
  assert.deepEqual(addressesForNode(decision, 'alpha'), [
    { ip: '192.0.2.10', candidates, interfaces: ['eth1', 'eth2'] },
    { ip: '2001:db8::10', candidates, interfaces: ['eth1', 'eth2'] },
  ])
  assert.deepEqual(addressesForNode(decision, 'bravo')[0]!.interfaces, undefined)
  assert.deepEqual(addressesForNode(decision, 'charlie')[0]!.interfaces, ['eth1'])
})

test('an address whose pool went away stays announced until the status shows another', () => {
  const before = decided({ about: '', expected: '' })
  const now = decided({ about: '', config: [l2('all')], expected: '' })
  assert.equal(now.kind, 'silent')
  assert.equal(keepAnnounced(before, now, ['192.0.2.10']), before)
  assert.equal(keepAnnounced(before, now, ['192.0.2.11']), now)
  assert.equal(keepAnnounced(undefined, now, ['192.0.2.10']), now)
  const noEndpoints = decided({ about: '', endpoints: [], expected: '' })
  assert.equal(keepAnnounced(before, noEndpoints, ['192.0.2.10']), noEndpoints)
})
