import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigResource } from '../core/config/index.ts'
import { bgp, l2, peer, pool } from '../testkit/resources.ts'
import { clusterWith, type ServiceWords } from './described-cluster.ts'
import { type Explanation, explain } from './explain.ts'
import { explainReport } from './explain-report.ts'
import { rendered, UNPAINTED } from './report.ts'
import type { ServiceDetails } from './service-details.ts'

const NODES = {
  'node-a': {},
  'node-b': { zone: 'b' },
  'node-c': { 'node.kubernetes.io/exclude-from-external-load-balancers': '' },
}
const READY: ServiceDetails = {
  endpointSlices: [
    {
      metadata: { name: 's' },
      endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'node-a', conditions: { ready: true } }],
    },
  ],
  announcedBy: [],
  lastEvent: undefined,
}
const WEB = pool('web', { addresses: ['192.0.2.0/30'] })
const ALL = l2('all')

function explained(
  configuration: readonly ConfigResource[],
  services: Readonly<Record<string, ServiceWords>>,
  details: Partial<ServiceDetails> = {},
): Explanation {
  const found = explain(clusterWith(configuration, services, NODES), 'default/s', { ...READY, ...details })
  assert.ok(found !== undefined)
  return found
}

test('golden: an address that is announced', () => {
  const explanation = explained(
    [
      pool('db', {
        addresses: ['198.51.100.0/30'],
        serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'db' } }] },
      }),
      pool('hand', { addresses: ['203.0.113.0/30'], autoAssign: false }),
      WEB,
      ALL,
    ],
    {
      s: { has: ['192.0.2.0'], pool: 'web', annotations: { 'metallb.io/allow-shared-ip': 'k' } },
      t: { has: ['192.0.2.0'], annotations: { 'metallb.io/allow-shared-ip': 'k' }, port: 81 },
    },
    {
      announcedBy: [{ node: 'node-b', interfaces: ['eth0'] }],
      lastEvent: { type: 'Normal', reason: 'IPAllocated', message: 'Assigned 192.0.2.0', at: '2026-01-01T00:00:00Z' },
    },
  )
  assert.equal(
    rendered(explainReport(explanation), 'text', UNPAINTED),
    `\
default/s has 192.0.2.0 from pool "web"; node node-b answers for it (candidate 2 of 2).

Asks for:
  IPv4 address
  may share it under the key "k"

Pools, in the order in which they are considered:
  db does not select the labels of the Service [labels-not-selected]
  hand is used on request only (autoAssign: false) [auto-assign-off]
  web holds 192.0.2.0

Shares:
  192.0.2.0 with default/t

Layer 2:
  1. node-a
  2. node-b
  not: node node-c has the label node.kubernetes.io/exclude-from-external-load-balancers (--ignore-exclude-lb disregards it) [nodeLabeledExcludeBalancers]

The cluster shows:
  status        192.0.2.0
  last event    2026-01-01T00:00:00Z IPAllocated: Assigned 192.0.2.0
  answered by   node-b (eth0)
`,
  )
})

test('golden: no address', () => {
  const explanation = explained([WEB, ALL], { s: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.9' } } })
  assert.equal(
    rendered(explainReport(explanation), 'text', UNPAINTED),
    `\
No address for Service default/s: the requested 192.0.2.9 cannot be given: no pool contains 192.0.2.9.

Asks for:
  192.0.2.9

Pools, in the order in which they are considered:
  web does not contain 192.0.2.9

The cluster shows:
  status        no address
  answered by   no node reports that it does
`,
  )
})

const SUMMARIES: readonly [
  what: string,
  configuration: readonly ConfigResource[],
  services: Readonly<Record<string, ServiceWords>>,
  summary: RegExp,
][] = [
  ['of another type', [WEB], { s: { type: 'ClusterIP' } }, /is not of type LoadBalancer/],
  ['of another class', [WEB], { s: { loadBalancerClass: 'cloud' } }, /is of another loadBalancerClass/],
  ['no pools', [], { s: {} }, /^No address for Service default\/s: there is no IPAddressPool\.$/],
  [
    'not written yet',
    [WEB, ALL],
    { s: {} },
    /^default\/s shows no address and is due 192\.0\.2\.0 from pool "web"; the controller has not written that yet\.$/,
  ],
  [
    'about to be moved',
    [WEB, ALL],
    { s: { has: ['10.0.0.1'] } },
    /shows 10\.0\.0\.1 and is due 192\.0\.2\.0 from pool "web" \(.*no pool contains 10\.0\.0\.1\); /,
  ],
  [
    'nobody advertises it',
    [WEB],
    { s: { has: ['192.0.2.0'] } },
    /nobody announces it: no L2Advertisement reaches pool "web"\.$/,
  ],
  [
    'one candidate',
    [WEB, l2('b', { nodeSelectors: [{ matchLabels: { zone: 'b' } }] })],
    { s: { has: ['192.0.2.0'] } },
    /; node node-b is to answer for it, but no node reports that it does\.$/,
  ],
  [
    'Local, an endpoint on one node',
    [WEB, ALL],
    { s: { has: ['192.0.2.0'], policy: 'Local' } },
    /; node node-a is to answer for it, but no node reports that it does\.$/,
  ],
  [
    'routes only',
    [WEB, bgp('b'), peer('tor')],
    { s: { has: ['192.0.2.0'] } },
    /; 2 of 3 nodes announce it over BGP\.$/,
  ],
  [
    'the other has the address, and older',
    [WEB, ALL],
    { s: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.0' } }, t: { has: ['192.0.2.0'] } },
    /192\.0\.2\.0 is held by Service default\/t, and one of the two has no metallb\.io\/allow-shared-ip\.$/,
  ],
]

describe('in one sentence', () => {
  for (const [what, configuration, services, summary] of SUMMARIES) {
    test(what, () => assert.match(explained(configuration, services).summary, summary))
  }
})

describe('the parts', () => {
  test('a node answers that is not to', () => {
    const announcedBy = [{ node: 'node-c', interfaces: [] }]
    const { summary } = explained([WEB, ALL], { s: { has: ['192.0.2.0'] } }, { announcedBy })
    assert.match(summary, /node node-c reports that it answers for it, but node-a is to\.$/)
  })

  test('no endpoint: nobody answers, and the reason has a code', () => {
    const { layer2 } = explained([WEB, ALL], { s: { has: ['192.0.2.0'] } }, { endpointSlices: [] })
    assert.deepEqual(layer2, {
      announces: false,
      because: 'noEndpoints',
      detail: 'default/s has no endpoint that can serve',
      excluded: [],
    })
  })

  test('interfaces of candidates', () => {
    const { layer2 } = explained([WEB, l2('eth', { interfaces: ['eth1'] })], { s: { has: ['192.0.2.0'] } })
    assert.deepEqual(layer2.announces && layer2.interfaces, { 'node-a': ['eth1'], 'node-b': ['eth1'] })
  })

  test('BGP, node by node', () => {
    const nodeSelectors = [{ matchLabels: { zone: 'b' } }]
    const { bgp: answers } = explained([WEB, bgp('routes'), peer('tor', { nodeSelectors })], {
      s: { has: ['192.0.2.0'] },
    })
    assert.deepEqual(
      answers.map(({ node, announces, because, peers }) => [node, announces, because, peers]),
      [
        ['node-a', false, 'notOwner', []],
        ['node-b', true, undefined, ['tor']],
        ['node-c', false, 'nodeLabeledExcludeBalancers', undefined],
      ],
    )
  })

  test('a request that cannot be understood', () => {
    const { asksFor } = explained([WEB], { s: { annotations: { 'metallb.io/loadBalancerIPs': 'x' } } })
    assert.equal(asksFor.fault, 'the requested address "x" is not an IP address')
  })

  test('pools, where particular addresses are asked for', () => {
    const { pools } = explained([WEB, pool('other', { addresses: ['198.51.100.0/30'] })], {
      s: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1' } },
      t: { has: ['192.0.2.1'] },
    })
    assert.deepEqual(
      pools.map(({ pool: name, standing, sentence }) => [name, standing, sentence]),
      [
        ['other', 'not-asked', 'does not contain 192.0.2.1'],
        ['web', 'available', 'contains what the Service asks for'],
      ],
    )
  })

  test('a Service that is not there', () => {
    assert.equal(explain(clusterWith([WEB]), 'default/s', READY), undefined)
  })
})
