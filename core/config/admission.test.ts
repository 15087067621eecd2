import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aged, bfd, bgp, community, l2, peer, pool, resources } from '../../testkit/resources.ts'
import { judge, type Submission } from './admission.ts'
import type { ConfigResource } from './resources.ts'

const create = (object: ConfigResource): Submission => ({ operation: 'CREATE', object })
const update = (object: ConfigResource, oldObject: ConfigResource): Submission => ({
  operation: 'UPDATE',
  object,
  oldObject,
})
const remove = (oldObject: ConfigResource): Submission => ({ operation: 'DELETE', oldObject })

const web = pool('web', { addresses: ['192.0.2.0/25'] }, aged(1))
const other = pool('other', { addresses: ['198.51.100.0/25'] }, aged(2))
const broken = pool('broken', { addresses: ['oops'] })
/** As kubectl sends it: not created yet. */
const fresh = <R extends ConfigResource>(object: R): R => {
  const { creationTimestamp: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

const ROWS: readonly [name: string, live: readonly ConfigResource[], Submission, refused: readonly string[]][] = [
  ['a first pool', [], create(fresh(web)), []],
  ['a pool beside a broken one', [broken], create(fresh(web)), []],
  ['a broken pool', [web], create(fresh(broken)), ['broken: address-unparsable']],
  ['a repair', [broken], update(pool('broken', { addresses: ['10.0.0.0/25'] }), broken), []],
  [
    'another mistake in place of the first',
    [broken],
    update(pool('broken', { addresses: ['10.0.0.1'] }), broken),
    ['broken: address-without-mask'],
  ],
  [
    'a pool into the range of another',
    [web],
    create(fresh(pool('late', { addresses: ['192.0.2.1/32'] }))),
    ['late: pools-overlap'],
  ],
  [
    'an older pool grown into a younger one',
    [web, other],
    update(pool('web', { addresses: ['192.0.2.0/25', '198.51.100.7/32'] }, aged(1)), web),
    ['other: pools-overlap'],
  ],
  [
    'an old overlap does not bar another change of the older pool',
    [web, pool('late', { addresses: ['192.0.2.1/32'] }, aged(2))],
    update(pool('web', { addresses: ['192.0.2.0/25'], autoAssign: false }, aged(1)), web),
    [],
  ],
  [
    'labels of another program on a broken object',
    [broken],
    update({ ...broken, metadata: { ...broken.metadata, finalizers: ['x/y'], annotations: { 'x/y': 'z' } } }, broken),
    [],
  ],
  ['an object elsewhere', [], create(pool('p', {}, { namespace: 'default' })), ['p: wrong-namespace']],
  [
    'an update elsewhere is nobody’s business',
    [],
    update(pool('p', { addresses: [] }, { namespace: 'default' }), pool('p', {}, { namespace: 'default' })),
    [],
  ],
  ['an advertisement of a pool to come', [], create(fresh(l2('l', { ipAddressPools: ['later'] }))), []],
  ['an interface twice', [], create(fresh(l2('l', { interfaces: ['a', 'a'] }))), ['l: name-repeated']],
  ['an alias to come', [], create(fresh(bgp('b', { communities: ['later'] }))), []],
  ['a bad community', [], create(fresh(bgp('b', { communities: ['65536:1'] }))), ['b: community-invalid']],
  [
    'too coarse an aggregate',
    [web],
    create(fresh(bgp('b', { aggregationLength: 24 }))),
    ['b: aggregation-exceeds-pool'],
  ],
  [
    'a pool shrunk under an aggregate',
    [web, bgp('b', { aggregationLength: 25 })],
    update(pool('web', { addresses: ['192.0.2.0/26'] }, aged(1)), web),
    ['b: aggregation-exceeds-pool'],
  ],
  [
    'another local preference',
    [web, bgp('a', { localPref: 1 })],
    create(fresh(bgp('b', { localPref: 2 }))),
    ['b: local-preference-conflict'],
  ],
  [
    'a profile and a secret to come',
    [],
    create(fresh(peer('r', { bfdProfile: 'x', passwordSecret: { name: 'y' } }))),
    [],
  ],
  ['the same peer again', [peer('r')], create(fresh(peer('s'))), ['s: peer-repeated']],
  ['an update of the only peer', [peer('r')], update(peer('r', { holdTime: '9s' }), peer('r')), []],
  [
    'a mistake beside disableMP',
    [],
    create(fresh(peer('r', { disableMP: true, holdTime: '1s' }))),
    ['r: hold-time-too-short'],
  ],
  [
    'a pool that gains IPv6 under echo mode',
    [web, bgp('b'), peer('r', { bfdProfile: 'echo' }), bfd('echo', { echoMode: true })],
    update(pool('web', { addresses: ['192.0.2.0/25', '2001:db8::/64'] }, aged(1)), web),
    ['r: bfd-echo-ipv6'],
  ],
  [
    'echo mode switched on under IPv6',
    [pool('six', { addresses: ['2001:db8::/64'] }), bgp('b'), peer('r', { bfdProfile: 'f' }), bfd('f')],
    update(bfd('f', { echoMode: true }), bfd('f')),
    ['r: bfd-echo-ipv6'],
  ],
  [
    'a second definition',
    [community('a', { x: '1:2' })],
    create(fresh(community('b', { x: '1:3' }))),
    ['b: community-repeated'],
  ],
  [
    'made in the same second as what it clashes with: the new one is at fault, whatever the names',
    [peer('tor')],
    create(peer('router', { holdTime: '90s' })),
    ['router: peer-remote-repeated'],
  ],
  ['deletion of a pool', [web], remove(web), []],
  ['deletion of a profile', [bfd('f'), peer('r')], remove(bfd('f')), []],
  [
    'deletion of a profile in use',
    [bfd('f'), peer('r', { bfdProfile: 'f' })],
    remove(bfd('f')),
    ['f: bfd-profile-in-use'],
  ],
  [
    'deletion of a profile together with its peer',
    [bfd('f'), peer('r', { bfdProfile: 'f' }, { deletionTimestamp: '2026-02-01T00:00:00Z' })],
    remove(bfd('f')),
    [],
  ],
]

for (const [name, live, submission, refused] of ROWS) {
  test(`${refused.length === 0 ? 'allowed' : 'refused'}: ${name}`, () => {
    const judgement = judge(submission, resources(live))
    assert.deepEqual(
      judgement.problems.map(({ object, rule }) => `${object.name}: ${rule}`),
      refused,
    )
    assert.equal(judgement.allowed, refused.length === 0)
  })
}

test('before there is a node, peers and advertisements are judged as if they had one in common', () => {
  const live = resources([peer('tor')], { nodes: [] })
  assert.equal(judge(create(fresh(peer('twin'))), live).allowed, false)
})

const WARNED: readonly [name: string, object: ConfigResource, warning: RegExp][] = [
  ['disableMP', peer('r', { disableMP: true }), /disableMP has no effect/],
  ['an alias to come', bgp('b', { communities: ['later'] }), /no Community object defines "later" yet/],
  ['a profile to come', peer('r', { bfdProfile: 'later' }), /BFDProfile later does not exist yet/],
  // network-or-broadcast-address
  ['.255 in a pool', pool('p', { addresses: ['192.0.2.0/24'] }), /ends in \.255.*avoidBuggyIPs/],
]

for (const [name, object, warning] of WARNED) {
  test(`allowed with a warning: ${name}`, () => {
    const { allowed, warnings } = judge(create(fresh(object)), resources([]))
    assert.ok(allowed)
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, warning)
  })
}

test('no warning where avoidBuggyIPs is set, or the block has no such address', () => {
  for (const spec of [
    { addresses: ['192.0.2.0/24'], avoidBuggyIPs: true },
    { addresses: ['192.0.2.0/25', '192.0.2.255/32'] },
  ]) {
    assert.deepEqual(judge(create(fresh(pool('p', spec))), resources([])).warnings, [])
  }
})

test('a status kind is not judged', () => {
  const object = { kind: 'ServiceL2Status', metadata: { name: 'x', namespace: 'metallb-system' } } as never
  assert.ok(judge(create(object), resources([])).allowed)
})
