import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aged, bfd, bgp, community, l2, peer, pool, resources } from '../../testkit/resources.ts'
import { compile } from './compile.ts'
import type { ConfigResource, Resources } from './resources.ts'
import type { Rule } from './rules.ts'

/** What stands, what is wrong with it (object, rule, path); none = nothing. */
type Row = readonly [
  name: string,
  objects: readonly ConfigResource[],
  expected: readonly (readonly [object: string, rule: Rule, path: string])[],
  facts?: Partial<Resources>,
]

/** A field in a shape that the types forbid but a file may hold. */
// biome-ignore lint/suspicious/noExplicitAny: that is the point
const wrong = (value: unknown): any => value

function table(title: string, rows: readonly Row[]): void {
  for (const [name, objects, expected, facts] of rows) {
    test(`${title}: ${name}`, () => {
      const { problems } = compile(resources(objects, facts))
      const found = problems.map(({ object, rule, path }) => [object.name, rule, path])
      assert.deepEqual(found, expected)
      for (const { object, message } of problems) assert.match(message, new RegExp(`^${object.kind} .+[^.]\\.$`))
    })
  }
}

const addresses = (...list: string[]) => pool('p', { addresses: list })
const dual = pool('dual', { addresses: ['203.0.113.0/26', '2001:db8:2::/64'] })
const app = (value: string) => ({ matchLabels: { app: value } })
const NODES = { nodes: ['one', 'two'].map((name) => ({ name, labels: { name } })) }
const onNode = (name: string) => [{ matchLabels: { name } }]

table('pool accepted', [
  ['a CIDR', [addresses('10.0.0.0/24')], []],
  ['host bits are masked', [addresses('10.0.0.5/24')], []],
  ['a range with blanks', [addresses(' 10.0.0.1 - 10.0.0.9 ')], []],
  ['a range of one', [addresses('10.0.0.1-10.0.0.1')], []],
  ['both families', [addresses('10.0.0.0/24', '2001:db8::/64', '2001:db8:1::1-2001:db8:1::9')], []],
  ['neighbours', [addresses('10.0.0.0/25', '10.0.0.128/25')], []],
  ['only a priority', [pool('p', { serviceAllocation: { priority: 5 } })], []],
  ['a reuse-after of nothing', [pool('p', {}, { annotations: { 'invar.dev/reuse-after': '0s' } })], []],
  ['one reuse-after', [pool('p', {}, { annotations: { 'invar.dev/reuse-after': '1h30m' } })], []],
])

table('pool refused', [
  ['no addresses', [addresses()], [['p', 'addresses-missing', 'spec.addresses']]],
  ['no word of addresses', [pool('p', { addresses: wrong(undefined) })], [['p', 'field-missing', 'spec.addresses']]],
  ['not a list', [pool('p', { addresses: wrong('10.0.0.0/24') })], [['p', 'field-type', 'spec.addresses']]],
  ['a bare address', [addresses('10.0.0.1')], [['p', 'address-without-mask', 'spec.addresses[0]']]],
  ['a word', [addresses('10.0.0.0/24', 'office')], [['p', 'address-unparsable', 'spec.addresses[1]']]],
  ['an octet above 255', [addresses('10.0.0.300/24')], [['p', 'address-unparsable', 'spec.addresses[0]']]],
  ['a mask above 32', [addresses('10.0.0.0/33')], [['p', 'address-unparsable', 'spec.addresses[0]']]],
  ['a range of CIDRs', [addresses('10.0.0.0/24-10.0.1.0/24')], [['p', 'address-unparsable', 'spec.addresses[0]']]],
  ['a range backwards', [addresses('10.0.0.9-10.0.0.1')], [['p', 'range-reversed', 'spec.addresses[0]']]],
  [
    'a range of two families',
    [addresses('10.0.0.1-2001:db8::1')],
    [['p', 'range-mixed-families', 'spec.addresses[0]']],
  ],
  [
    'every bad entry is named',
    [addresses('a', '10.0.0.0/24', 'b')],
    [
      ['p', 'address-unparsable', 'spec.addresses[0]'],
      ['p', 'address-unparsable', 'spec.addresses[2]'],
    ],
  ],
  [
    'two entries overlap',
    [addresses('10.0.0.0/24', '10.0.0.200-10.0.1.5')],
    [['p', 'addresses-overlap', 'spec.addresses[1]']],
  ],
  [
    'a namespace twice',
    [pool('p', { serviceAllocation: { namespaces: ['a', 'b', 'a'] } })],
    [['p', 'name-repeated', 'spec.serviceAllocation.namespaces[2]']],
  ],
  [
    'a namespace selector twice',
    [pool('p', { serviceAllocation: { namespaceSelectors: [app('a'), app('a')] } })],
    [['p', 'selector-repeated', 'spec.serviceAllocation.namespaceSelectors[1]']],
  ],
  [
    'a service selector twice, in other words',
    [
      pool('p', {
        serviceAllocation: {
          serviceSelectors: [app('a'), { matchExpressions: [{ key: 'app', operator: 'In', values: ['a'] }] }],
        },
      }),
    ],
    [['p', 'selector-repeated', 'spec.serviceAllocation.serviceSelectors[1]']],
  ],
  [
    'a value twice in one expression',
    [
      pool('p', {
        serviceAllocation: {
          serviceSelectors: [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'a'] }] }],
        },
      }),
    ],
    [['p', 'selector-values-repeated', 'spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].values[1]']],
  ],
  [
    'an operator of another language',
    [
      pool('p', {
        serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: 'app', operator: wrong('Gt') }] }] },
      }),
    ],
    [
      ['p', 'selector-operator-unknown', 'spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].operator'],
      ['p', 'field-value', 'spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].operator'],
    ],
  ],
  [
    'reuse-after that is no duration',
    [pool('p', {}, { annotations: { 'invar.dev/reuse-after': '10 minutes' } })],
    [['p', 'reuse-after-unparsable', 'metadata.annotations[invar.dev/reuse-after]']],
  ],
  [
    'overlap with another pool: the younger is named',
    [pool('a', { addresses: ['10.0.0.128/25'] }, aged(1)), pool('b', { addresses: ['10.0.0.0/24'] })],
    [['a', 'pools-overlap', 'spec.addresses[0]']],
  ],
  [
    'overlap with another pool of the same age: the later name',
    [pool('b', { addresses: ['10.0.0.0/24'] }), pool('a', { addresses: ['10.0.0.128/25'] })],
    [['b', 'pools-overlap', 'spec.addresses[0]']],
  ],
  [
    'overlap in the first address of the older pool',
    [pool('a', { addresses: ['10.0.0.10-10.0.0.20'] }), pool('b', { addresses: ['10.0.0.0-10.0.0.10'] })],
    [['b', 'pools-overlap', 'spec.addresses[0]']],
  ],
  [
    'overlap in the last address of the older pool',
    [pool('a', { addresses: ['10.0.0.0-10.0.0.10'] }), pool('b', { addresses: ['10.0.0.10-10.0.0.20'] })],
    [['b', 'pools-overlap', 'spec.addresses[0]']],
  ],
  ['two of one name', [pool('p'), pool('p')], [['p', 'object-repeated', 'metadata.name']]],
  ['in another namespace', [pool('p', {}, { namespace: 'default' })], [['p', 'wrong-namespace', 'metadata.namespace']]],
])

table('pool noticed', [
  ['a field that nobody knows', [pool('p', wrong({ autoassign: true }))], [['p', 'field-unknown', 'spec.autoassign']]],
  [
    'the address of a node',
    [addresses('10.0.0.0/24')],
    [['p', 'pool-overlaps-node', 'spec.addresses[0]']],
    { nodes: [{ name: 'one', labels: {}, addresses: ['10.0.0.7', '2001:db8::1'] }] },
  ],
])

table('L2 advertisement accepted', [
  ['an empty spec', [l2('l')], []],
  ['a pool that does not exist', [l2('l', { ipAddressPools: ['nowhere'] })], []],
  [
    'one preference twice: the weights add up',
    [
      l2('l', {
        preferredNodeSelectors: [
          { weight: 1, preference: app('a') },
          { weight: 1, preference: app('a') },
        ],
      }),
    ],
    [],
  ],
])

table('L2 advertisement refused', [
  ['a pool twice', [l2('l', { ipAddressPools: ['p', 'p'] })], [['l', 'name-repeated', 'spec.ipAddressPools[1]']]],
  ['an interface twice', [l2('l', { interfaces: ['eth0', 'eth0'] })], [['l', 'name-repeated', 'spec.interfaces[1]']]],
  ...(['ipAddressPoolSelectors', 'nodeSelectors', 'serviceSelectors'] as const).map(
    (field): Row => [
      `one of ${field} twice`,
      [l2('l', { [field]: [app('a'), app('b'), app('a')] })],
      [['l', 'selector-repeated', `spec.${field}[2]`]],
    ],
  ),
  [
    'a weight of 101',
    [l2('l', { preferredNodeSelectors: [{ weight: 101, preference: {} }] })],
    [['l', 'field-value', 'spec.preferredNodeSelectors[0].weight']],
  ],
  [
    'a preference that is no selector',
    [l2('l', { preferredNodeSelectors: [{ weight: 1, preference: { matchLabels: { 'a b': 'c' } } }] })],
    [['l', 'selector-key-invalid', 'spec.preferredNodeSelectors[0].preference.matchLabels[a b]']],
  ],
])

table('BGP advertisement accepted', [
  ['an empty spec', [bgp('b')], []],
  ['peers and pools that do not exist', [bgp('b', { peers: ['x'], ipAddressPools: ['y'] })], []],
  ['communities of both sizes', [bgp('b', { communities: ['65535:65535', 'large:4294967295:0:4294967295'] })], []],
  ['a registered community', [bgp('b', { communities: ['no-export'] })], []],
  ['an alias', [bgp('b', { communities: ['here'] }), community('c', { here: '64500:7' })], []],
  ['aggregation as coarse as the pool', [pool('p'), bgp('b', { aggregationLength: 24 })], []],
  [
    'aggregation that one block of a range bears',
    [addresses('10.0.0.128-10.0.1.3'), bgp('b', { aggregationLength: 25 })],
    [],
  ],
  [
    'aggregation of a pool it does not reach',
    [pool('p'), bgp('b', { aggregationLength: 8, ipAddressPools: ['x'] })],
    [],
  ],
])

table('BGP advertisement refused', [
  ['length 0', [bgp('b', { aggregationLength: 0 })], [['b', 'field-value', 'spec.aggregationLength']]],
  ['length 33', [bgp('b', { aggregationLength: 33 })], [['b', 'field-value', 'spec.aggregationLength']]],
  ['IPv6 length 0', [bgp('b', { aggregationLengthV6: 0 })], [['b', 'field-value', 'spec.aggregationLengthV6']]],
  ['IPv6 length 129', [bgp('b', { aggregationLengthV6: 129 })], [['b', 'field-value', 'spec.aggregationLengthV6']]],
  ['a local preference below 0', [bgp('b', { localPref: -1 })], [['b', 'field-value', 'spec.localPref']]],
  [
    'aggregation of selected services',
    [bgp('b', { aggregationLength: 24, serviceSelectors: [app('a')] })],
    [['b', 'aggregation-with-service-selectors', 'spec.aggregationLength']],
  ],
  [
    'IPv6 aggregation of selected services',
    [bgp('b', { aggregationLengthV6: 64, serviceSelectors: [app('a')] })],
    [['b', 'aggregation-with-service-selectors', 'spec.aggregationLengthV6']],
  ],
  [
    'aggregation coarser than a pool',
    [addresses('10.0.0.0/26'), bgp('b', { aggregationLength: 24 })],
    [['b', 'aggregation-exceeds-pool', 'spec.aggregationLength']],
  ],
  [
    'aggregation coarser than every block of a range',
    [addresses('10.0.0.10-10.0.0.20'), bgp('b', { aggregationLength: 28 })],
    [['b', 'aggregation-exceeds-pool', 'spec.aggregationLength']],
  ],
  [
    'IPv6 aggregation coarser than a pool',
    [dual, bgp('b', { aggregationLengthV6: 48 })],
    [['b', 'aggregation-exceeds-pool', 'spec.aggregationLengthV6']],
  ],
  ['a community of three', [bgp('b', { communities: ['1:2:3'] })], [['b', 'community-unknown', 'spec.communities[0]']]],
  ['a number too large', [bgp('b', { communities: ['65536:1'] })], [['b', 'community-invalid', 'spec.communities[0]']]],
  ['not numbers', [bgp('b', { communities: ['a:b'] })], [['b', 'community-invalid', 'spec.communities[0]']]],
  [
    'four, but not large',
    [bgp('b', { communities: ['small:1:2:3'] })],
    [['b', 'community-invalid', 'spec.communities[0]']],
  ],
  [
    'a large number too large',
    [bgp('b', { communities: ['large:1:2:4294967296'] })],
    [['b', 'community-invalid', 'spec.communities[0]']],
  ],
  ['an alias to come', [bgp('b', { communities: ['here'] })], [['b', 'community-unknown', 'spec.communities[0]']]],
  ['a peer twice', [bgp('b', { peers: ['x', 'x'] })], [['b', 'name-repeated', 'spec.peers[1]']]],
  ['a community twice', [bgp('b', { communities: ['1:2', '1:2'] })], [['b', 'name-repeated', 'spec.communities[1]']]],
])

const preferring = (name: string, localPref: number, spec: Parameters<typeof bgp>[1] = {}, days = 0) =>
  bgp(name, { localPref, ...spec }, aged(days))
const CONFLICT = [['b', 'local-preference-conflict', 'spec.localPref']] as const

table('local preference', [
  ['differs', [pool('p'), preferring('a', 1), preferring('b', 2)], CONFLICT],
  ['differs, the younger is named', [pool('p'), preferring('z', 1), preferring('b', 2, {}, 1)], CONFLICT],
  ['is equal', [pool('p'), preferring('a', 1), preferring('b', 1)], []],
  ['0 is unset', [pool('p'), preferring('a', 0), bgp('b')], []],
  [
    'differs in the second common pool only',
    [
      pool('p', { addresses: ['10.0.0.0/24'] }),
      dual,
      preferring('a', 1, { aggregationLength: 24, ipAddressPools: ['p'] }),
      preferring('a2', 1, { ipAddressPools: ['dual'] }),
      preferring('b', 2, { ipAddressPools: ['dual', 'p'] }),
    ],
    CONFLICT,
  ],
  [
    'differs in one pool, after another that only the younger reaches',
    [
      pool('p', { addresses: ['10.0.0.0/24'] }),
      pool('q', { addresses: ['10.0.1.0/24'] }),
      preferring('a', 1, { ipAddressPools: ['q'] }),
      preferring('b', 2),
    ],
    CONFLICT,
  ],
  [
    'one of several peers is common',
    [pool('p'), preferring('a', 1, { peers: ['x', 'y'] }), preferring('b', 2, { peers: ['y', 'z'] })],
    CONFLICT,
  ],
  [
    'differs, but no pool is common',
    [pool('p'), preferring('a', 1), preferring('b', 2, { ipAddressPools: ['x'] })],
    [],
  ],
  [
    'differs, but one selects services',
    [pool('p'), preferring('a', 1), preferring('b', 2, { serviceSelectors: [app('a')] })],
    [],
  ],
  [
    'differs, but so does the aggregation of the only family',
    [pool('p'), preferring('a', 1), preferring('b', 2, { aggregationLength: 24 })],
    [],
  ],
  [
    'differs; the aggregation does for one of two families',
    [dual, preferring('a', 1), preferring('b', 2, { aggregationLength: 26 })],
    CONFLICT,
  ],
  [
    'differs, but so does the aggregation of both families',
    [dual, preferring('a', 1), preferring('b', 2, { aggregationLength: 26, aggregationLengthV6: 64 })],
    [],
  ],
  ['one names peers, the other all', [pool('p'), preferring('a', 1), preferring('b', 2, { peers: ['x'] })], CONFLICT],
  [
    'differs to different peers',
    [pool('p'), preferring('a', 1, { peers: ['x'] }), preferring('b', 2, { peers: ['y'] })],
    [],
  ],
  [
    'differs on different nodes',
    [
      pool('p'),
      preferring('a', 1, { nodeSelectors: onNode('one') }),
      preferring('b', 2, { nodeSelectors: onNode('two') }),
    ],
    [],
    NODES,
  ],
  [
    'differs where nodes are not known',
    [
      pool('p'),
      preferring('a', 1, { nodeSelectors: onNode('one') }),
      preferring('b', 2, { nodeSelectors: onNode('two') }),
    ],
    CONFLICT,
  ],
])

const secret = (type: string, password: string | undefined) => ({ secrets: new Map([['key', { type, password }]]) })
const withSecret = peer('r', { passwordSecret: { name: 'key' } })

table('peer accepted', [
  ['the least', [peer('r')], []],
  ['port 0 is 179', [peer('r', { peerPort: 0 })], []],
  ['a peer of any other AS', [peer('r', { peerASN: wrong(undefined), dynamicASN: 'external' })], []],
  ['peerASN 0 beside dynamicASN', [peer('r', { peerASN: 0, dynamicASN: 'internal' })], []],
  ['unnumbered', [peer('r', { peerAddress: wrong(undefined), interface: 'eth1' })], []],
  ['an IPv6 peer', [peer('r', { peerAddress: '2001:db8::1', sourceAddress: '2001:db8::2' })], []],
  ['timers', [peer('r', { holdTime: '90s', keepaliveTime: '30s', connectTime: '1m' })], []],
  ['no hold time at all', [peer('r', { holdTime: '0s' })], []],
  ['a profile', [peer('r', { bfdProfile: 'fast' }), bfd('fast')], []],
  ['a secret', [withSecret], [], secret('kubernetes.io/basic-auth', 'x')],
  ['a secret where secrets are not known', [withSecret], []],
])

table('peer refused', [
  ['no spec', [wrong({ ...peer('r'), spec: undefined })], [['r', 'asn-missing', 'spec.myASN']]],
  ['no myASN', [peer('r', { myASN: wrong(undefined) })], [['r', 'field-missing', 'spec.myASN']]],
  ['myASN 0', [peer('r', { myASN: 0 })], [['r', 'asn-missing', 'spec.myASN']]],
  ['myASN too large', [peer('r', { myASN: 2 ** 32 })], [['r', 'field-value', 'spec.myASN']]],
  ['localASN 0', [peer('r', { localASN: 0 })], [['r', 'field-value', 'spec.localASN']]],
  ['no AS of the peer', [peer('r', { peerASN: wrong(undefined) })], [['r', 'peer-asn-missing', 'spec.peerASN']]],
  ['peerASN and dynamicASN', [peer('r', { dynamicASN: 'internal' })], [['r', 'peer-asn-ambiguous', 'spec.peerASN']]],
  [
    'an unknown dynamicASN',
    [peer('r', { peerASN: 0, dynamicASN: wrong('any') })],
    [['r', 'field-value', 'spec.dynamicASN']],
  ],
  [
    'multihop to the own AS',
    [peer('r', { ebgpMultiHop: true, peerASN: 64500 })],
    [['r', 'multihop-internal', 'spec.ebgpMultiHop']],
  ],
  [
    'multihop to internal',
    [peer('r', { ebgpMultiHop: true, peerASN: 0, dynamicASN: 'internal' })],
    [['r', 'multihop-internal', 'spec.ebgpMultiHop']],
  ],
  ['nowhere', [peer('r', { peerAddress: '' })], [['r', 'peer-target-missing', 'spec.peerAddress']]],
  ['address and interface', [peer('r', { interface: 'eth1' })], [['r', 'peer-target-ambiguous', 'spec.peerAddress']]],
  [
    'an address of words',
    [peer('r', { peerAddress: 'router' })],
    [['r', 'peer-address-unparsable', 'spec.peerAddress']],
  ],
  [
    'a source of words',
    [peer('r', { sourceAddress: 'me' })],
    [['r', 'source-address-unparsable', 'spec.sourceAddress']],
  ],
  ['an IPv6 router id', [peer('r', { routerID: '2001:db8::1' })], [['r', 'router-id-unparsable', 'spec.routerID']]],
  ['a router id in one number', [peer('r', { routerID: '7' })], [['r', 'router-id-unparsable', 'spec.routerID']]],
  ['a port too large', [peer('r', { peerPort: 65536 })], [['r', 'field-value', 'spec.peerPort']]],
  ['a hold time of 2 s', [peer('r', { holdTime: '2s' })], [['r', 'hold-time-too-short', 'spec.holdTime']]],
  ['2.9 s are floored', [peer('r', { holdTime: '2900ms' })], [['r', 'hold-time-too-short', 'spec.holdTime']]],
  [
    'keepalive above hold',
    [peer('r', { holdTime: '9s', keepaliveTime: '10s' })],
    [['r', 'keepalive-exceeds-hold-time', 'spec.keepaliveTime']],
  ],
  ['a hold time in words', [peer('r', { holdTime: '90' })], [['r', 'duration-unparsable', 'spec.holdTime']]],
  ['a negative keepalive', [peer('r', { keepaliveTime: '-3s' })], [['r', 'duration-unparsable', 'spec.keepaliveTime']]],
  [
    'connect in half a second',
    [peer('r', { connectTime: '500ms' })],
    [['r', 'connect-time-invalid', 'spec.connectTime']],
  ],
  ['connect in 1.5 s', [peer('r', { connectTime: '1500ms' })], [['r', 'connect-time-invalid', 'spec.connectTime']]],
  ['connect in a day', [peer('r', { connectTime: '24h' })], [['r', 'connect-time-invalid', 'spec.connectTime']]],
  [
    'a node selector twice',
    [peer('r', { nodeSelectors: [app('a'), app('a')] })],
    [['r', 'selector-repeated', 'spec.nodeSelectors[1]']],
  ],
  [
    'password and secret',
    [peer('r', { password: 'x', passwordSecret: { name: 'key' } })],
    [['r', 'password-ambiguous', 'spec.passwordSecret']],
  ],
  ['a secret to come', [withSecret], [['r', 'secret-missing', 'spec.passwordSecret']], { secrets: new Map() }],
  ['a secret of another type', [withSecret], [['r', 'secret-type', 'spec.passwordSecret']], secret('Opaque', 'x')],
  [
    'a secret without the key',
    [withSecret],
    [['r', 'secret-without-password', 'spec.passwordSecret']],
    secret('kubernetes.io/basic-auth', undefined),
  ],
  ['a profile to come', [peer('r', { bfdProfile: 'fast' })], [['r', 'bfd-profile-missing', 'spec.bfdProfile']]],
  [
    'a profile that is not valid',
    [peer('r', { bfdProfile: 'fast' }), bfd('fast', { detectMultiplier: 1 })],
    [
      ['r', 'bfd-profile-missing', 'spec.bfdProfile'],
      ['fast', 'field-value', 'spec.detectMultiplier'],
    ],
  ],
  ['the same peer again', [peer('a'), peer('b')], [['b', 'peer-repeated', 'spec']]],
  [
    'the same remote with other timers',
    [peer('a'), peer('b', { holdTime: '9s' })],
    [['b', 'peer-remote-repeated', 'spec.peerAddress']],
  ],
  [
    'one address in two spellings',
    [peer('a', { peerAddress: '2001:db8::1' }), peer('b', { peerAddress: '2001:DB8:0::1', holdTime: '9s' })],
    [['b', 'peer-remote-repeated', 'spec.peerAddress']],
  ],
])

table('two peers', [
  ['of one address, on other ports', [peer('a'), peer('b', { peerPort: 1790 })], []],
  ['of one address, in other VRFs', [peer('a'), peer('b', { vrf: 'red' })], []],
  [
    'of one address, on other nodes',
    [peer('a', { nodeSelectors: onNode('one') }), peer('b', { nodeSelectors: onNode('two') })],
    [],
    NODES,
  ],
  [
    'with other router ids',
    [peer('a', { routerID: '192.0.2.1' }), peer('b', { peerAddress: '198.51.100.2' })],
    [['b', 'router-ids-differ', 'spec.routerID']],
  ],
])

table('peer noticed', [
  ['disableMP', [peer('r', { disableMP: true })], [['r', 'disable-mp-deprecated', 'spec.disableMP']]],
  [
    'timers that MetalLB converted to 0s',
    [peer('r', { holdTime: '0s', keepaliveTime: '0s' })],
    [['r', 'timers-off', 'spec.holdTime']],
  ],
])

const echo = bfd('echo', { echoMode: true })
table('BFD echo', [
  ['with IPv4 only', [pool('p'), bgp('b'), peer('r', { bfdProfile: 'echo' }), echo], []],
  [
    'with IPv6, the peer is younger',
    [dual, bgp('b'), peer('r', { bfdProfile: 'echo' }, aged(1)), echo],
    [['r', 'bfd-echo-ipv6', 'spec.bfdProfile']],
  ],
  [
    'with IPv6, the advertisement is younger',
    [dual, bgp('b', {}, aged(1)), peer('r', { bfdProfile: 'echo' }), echo],
    [['b', 'bfd-echo-ipv6', 'spec.peers']],
  ],
  ['with IPv6 to another peer', [dual, bgp('b', { peers: ['x'] }), peer('r', { bfdProfile: 'echo' }), echo], []],
])

table('BFD profile refused', [
  ['multiplier 1', [bfd('f', { detectMultiplier: 1 })], [['f', 'field-value', 'spec.detectMultiplier']]],
  ['multiplier 256', [bfd('f', { detectMultiplier: 256 })], [['f', 'field-value', 'spec.detectMultiplier']]],
  ['receive 9 ms', [bfd('f', { receiveInterval: 9 })], [['f', 'field-value', 'spec.receiveInterval']]],
  ['transmit 60001 ms', [bfd('f', { transmitInterval: 60001 })], [['f', 'field-value', 'spec.transmitInterval']]],
  ['echo 9 ms', [bfd('f', { echoInterval: 9 })], [['f', 'field-value', 'spec.echoInterval']]],
  ['TTL 255', [bfd('f', { minimumTtl: 255 })], [['f', 'field-value', 'spec.minimumTtl']]],
])

const VALUE = 'spec.communities[0].value'
table('community refused', [
  ['no value', [community('c', { a: '' })], [['c', 'community-invalid', VALUE]]],
  ['two numbers, one too large', [community('c', { a: '1:65536' })], [['c', 'community-invalid', VALUE]]],
  ['three numbers', [community('c', { a: '1:2:3' })], [['c', 'community-invalid', VALUE]]],
  ['four, but not large', [community('c', { a: '1:2:3:4' })], [['c', 'community-invalid', VALUE]]],
  ['five', [community('c', { a: 'large:1:2:3:4' })], [['c', 'community-invalid', VALUE]]],
  ['signs', [community('c', { a: '+1:2' })], [['c', 'community-invalid', VALUE]]],
  [
    'an alias of an older object',
    [community('b', { x: '1:2' }), community('a', { y: '1:1', x: '1:3' }, aged(1))],
    [['a', 'community-repeated', 'spec.communities']],
  ],
])

test('a message names object, field, value and remedy', () => {
  const { problems } = compile(
    resources([
      pool('web', { addresses: ['10.0.0.1'] }),
      pool('db', { addresses: ['10.1.0.0/16'], autoAssign: wrong('yes') }),
      pool('late', { addresses: ['192.0.2.0/28'] }, aged(2)),
      pool('early', { addresses: ['192.0.2.0/24'] }, aged(1)),
      peer('b', { peerAddress: '198.51.100.2' }),
      peer('a', { routerID: '192.0.2.9' }),
      peer('c', { holdTime: '9s', peerAddress: '198.51.100.2' }),
    ]),
  )
  assert.deepEqual(
    problems.map(({ message }) => message),
    [
      'IPAddressPool db, spec.autoAssign: is "yes" but must be true or false.',
      'IPAddressPool late, spec.addresses[0]: "192.0.2.0/28" overlaps with "192.0.2.0/24" of the older pool early; change one of them.',
      'IPAddressPool web, spec.addresses[0]: "10.0.0.1" is a bare address; write "10.0.0.1/32".',
      'BGPPeer b, spec.routerID: is not set but 192.0.2.9 in BGPPeer a on a common node; peers may take them for two routers.',
      'BGPPeer c, spec.peerAddress: 198.51.100.2 port 179 is also the peer of the older BGPPeer b on a common node; change one.',
    ],
  )
  assert.deepEqual(problems[1]?.related, [{ kind: 'IPAddressPool', namespace: 'metallb-system', name: 'early' }])
})
