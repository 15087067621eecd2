/** What comes into force: bad objects beside good ones, last good forms, restarts, repairs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aged, bfd, bgp, community, l2, NAMESPACE, peer, pool, resources } from '../../testkit/resources.ts'
import { compile } from './compile.ts'
import type { ConfigResource, Resources } from './resources.ts'
import type { Snapshot } from './snapshot.ts'

const WEB = pool('web', { addresses: ['192.0.2.0/24'] })
const WEB_BROKEN = pool('web', { addresses: ['192.0.2.0/24', 'oops'] })
const DATABASE = pool('db', { addresses: ['198.51.100.0/24'] })

function given(objects: readonly ConfigResource[], previous?: Snapshot, facts?: Partial<Resources>) {
  const { snapshot, problems } = compile(resources(objects, facts), previous)
  return { snapshot, rules: problems.map(({ object, rule }) => `${object.name}: ${rule}`) }
}

function ranges(snapshot: Snapshot, name: string): readonly string[] | undefined {
  return snapshot.pools.get(name)?.entries.map(({ text }) => text)
}

test('one bad object of each kind leaves the others in force', () => {
  const { snapshot, rules } = given([
    pool('bad', { addresses: ['x'] }),
    DATABASE,
    l2('bad', { interfaces: ['eth0', 'eth0'] }),
    l2('good'),
    bgp('bad', { communities: ['65536:0'] }),
    bgp('good'),
    peer('bad', { holdTime: '1s' }),
    peer('good'),
    bfd('bad', { detectMultiplier: 0 }),
    bfd('good'),
    community('bad', { a: '1' }),
    community('good', { b: '1:2' }),
  ])
  assert.deepEqual(rules.length, 6)
  const giving = [...snapshot.pools.values()].filter(({ suspended }) => suspended === undefined)
  assert.deepEqual(
    giving.map(({ name }) => name),
    ['db'],
  )
  for (const map of [
    snapshot.l2Advertisements,
    snapshot.bgpAdvertisements,
    snapshot.peers,
    snapshot.bfdProfiles,
    snapshot.communities,
  ]) {
    assert.deepEqual([...map.keys()], ['good'])
  }
})

test('a pool that goes bad stays in its last good form, suspended, until it is repaired', () => {
  const good = given([WEB, DATABASE])
  assert.deepEqual(good.rules, [])
  const bad = given([pool('web', { addresses: ['203.0.113.0/24', 'oops'] }), DATABASE], good.snapshot)
  assert.deepEqual(ranges(bad.snapshot, 'web'), ['192.0.2.0/24'])
  assert.equal(bad.snapshot.pools.get('web')?.suspended?.rule, 'address-unparsable')
  assert.equal(bad.snapshot.pools.get('db')?.suspended, undefined)
  const stillBad = given([pool('web', { addresses: [] })], bad.snapshot)
  assert.deepEqual(ranges(stillBad.snapshot, 'web'), ['192.0.2.0/24'])
  assert.equal(stillBad.snapshot.pools.get('web')?.suspended?.rule, 'addresses-missing')
  const repaired = given([WEB], stillBad.snapshot)
  assert.deepEqual(repaired.rules, [])
  assert.equal(repaired.snapshot.pools.get('web')?.suspended, undefined)
})

test('after a restart a bad pool holds still with the ranges that can be read', () => {
  const { snapshot } = given([WEB_BROKEN])
  assert.deepEqual(ranges(snapshot, 'web'), ['192.0.2.0/24'])
  assert.equal(snapshot.pools.get('web')?.suspended?.path, 'spec.addresses[1]')
})

test('the ranges that can be read go on behind a bad one and one that overlaps', () => {
  const addresses = ['oops', '10.0.0.0/24', '10.0.0.7/32', '10.0.1.0/24']
  assert.deepEqual(ranges(given([pool('p', { addresses })]).snapshot, 'p'), ['10.0.0.0/24', '10.0.1.0/24'])
})

test('a pool that overlaps an older one is suspended; the older serves on', () => {
  const { snapshot, rules } = given([WEB, pool('late', { addresses: ['192.0.2.128/25'] }, aged(1))])
  assert.deepEqual(rules, ['late: pools-overlap'])
  assert.equal(snapshot.pools.get('web')?.suspended, undefined)
  assert.equal(snapshot.pools.get('late')?.suspended?.rule, 'pools-overlap')
})

test('a slip in a pool does not let a younger one take its addresses over', () => {
  const { snapshot } = given([WEB])
  const late = pool('late', { addresses: ['192.0.2.128/25'] }, aged(1))
  const slip = given([pool('web', { addresses: ['192.0.2.0/42'] }), late], snapshot)
  assert.deepEqual(slip.rules, ['late: pools-overlap', 'web: address-unparsable'])
})

test('of three that overlap in a chain only the middle one is refused', () => {
  const { rules } = given([
    pool('a', { addresses: ['10.0.0.0-10.0.0.10'] }),
    pool('b', { addresses: ['10.0.0.10-10.0.0.20'] }, aged(1)),
    pool('c', { addresses: ['10.0.0.21-10.0.0.30'] }, aged(2)),
  ])
  assert.deepEqual(rules, ['b: pools-overlap'])
})

test('a deleted object is gone, however good it was', () => {
  const before = given([WEB, l2('l'), peer('r')])
  const after = given([], before.snapshot)
  assert.deepEqual(
    [after.snapshot.pools.size, after.snapshot.l2Advertisements.size, after.snapshot.peers.size],
    [0, 0, 0],
  )
})

test('advertisements, peers, profiles and communities that go bad stay as they were', () => {
  const before = given([
    WEB,
    l2('l', { interfaces: ['eth0'] }),
    bgp('b', { communities: ['here'] }),
    peer('r', { bfdProfile: 'fast' }),
    bfd('fast', { detectMultiplier: 4 }),
    community('c', { here: '64500:7' }),
  ])
  const after = given(
    [
      WEB,
      l2('l', { interfaces: ['eth1', 'eth1'] }),
      bgp('b', { communities: ['65536:1'] }),
      peer('r', { holdTime: '1s' }),
      bfd('fast', { detectMultiplier: 1 }),
      community('c', { here: 'x' }),
    ],
    before.snapshot,
  )
  assert.deepEqual(after.rules.length, 5)
  assert.deepEqual(after.snapshot, before.snapshot)
})

test('a peer whose Secret is deleted keeps its session', () => {
  const withSecret = peer('r', { passwordSecret: { name: 'key', namespace: 'elsewhere' } })
  const secrets = new Map([['key', { type: 'kubernetes.io/basic-auth', password: 'once' }]])
  const before = given([withSecret], undefined, { secrets })
  assert.equal(before.snapshot.peers.get('r')?.password, 'once')
  const after = given([withSecret], before.snapshot, { secrets: new Map() })
  assert.deepEqual(after.rules, ['r: secret-missing'])
  assert.equal(after.snapshot.peers.get('r')?.password, 'once')
})

test('an advertisement waits for its alias and comes into force with it', () => {
  const before = given([WEB, bgp('b', { communities: ['here', '64500:9', '64500:7'] })])
  assert.deepEqual(before.rules, ['b: community-unknown'])
  assert.equal(before.snapshot.bgpAdvertisements.size, 0)
  const after = given(
    [WEB, bgp('b', { communities: ['here', '64500:9', 'large:9:1:2'] }), community('c', { here: '64500:7' })],
    before.snapshot,
  )
  assert.deepEqual(after.rules, [])
  const advertisement = after.snapshot.bgpAdvertisements.get('b')!
  assert.deepEqual(advertisement.communities, [64500 * 65536 + 7, 64500 * 65536 + 9])
  assert.deepEqual(advertisement.largeCommunities, [[9, 1, 2]])
})

test('an alias goes before a value and a registered name of the same spelling', () => {
  const alias = community('c', { 'no-export': '64500:7', '1:1': '64500:8' })
  const { snapshot } = given([alias, bgp('b', { communities: ['no-export', '1:1', 'no-advertise'] })])
  assert.deepEqual(snapshot.bgpAdvertisements.get('b')?.communities, [64500 * 65536 + 7, 64500 * 65536 + 8, 0xffffff02])
})

test('pools are reached by name, by label, or all; a pool reached both ways counts once', () => {
  const gold = pool('gold', { addresses: ['203.0.113.0/24'] }, { labels: { tier: 'gold' } })
  const byLabel = [{ matchLabels: { tier: 'gold' } }]
  const { snapshot } = given([
    WEB,
    gold,
    l2('all'),
    l2('named', { ipAddressPools: ['web', 'nowhere'] }),
    l2('labelled', { ipAddressPoolSelectors: byLabel }),
    l2('both', { ipAddressPools: ['gold'], ipAddressPoolSelectors: byLabel }),
    l2('none', { ipAddressPools: ['nowhere'] }),
  ])
  const reached = Object.fromEntries([...snapshot.l2Advertisements].map(([name, { pools }]) => [name, [...pools]]))
  assert.deepEqual(reached, {
    all: ['gold', 'web'],
    both: ['gold'],
    labelled: ['gold'],
    named: ['web'],
    none: [],
  })
})

test('namespaces and namespace selectors make a union; one that matches nothing admits no one', () => {
  const namespaces = [
    { name: 'shop', labels: { env: 'prod' } },
    { name: 'lab', labels: { env: 'test' } },
  ]
  const restricted = (serviceAllocation: NonNullable<(typeof WEB)['spec']['serviceAllocation']>) =>
    given([pool('p', { serviceAllocation })], undefined, { namespaces }).snapshot.pools.get('p')!.allocation?.namespaces
  const labels = (env: string) => [{ matchLabels: { env } }]
  assert.deepEqual([...restricted({ namespaces: ['team'], namespaceSelectors: labels('prod') })!], ['shop', 'team'])
  assert.deepEqual([...restricted({ namespaceSelectors: labels('none') })!], [])
  assert.deepEqual([...restricted({ namespaceSelectors: [{}] })!], ['lab', 'shop'])
  assert.equal(restricted({ priority: 5 }), undefined)
})

test('defaults and units are resolved', () => {
  const { snapshot } = given([
    pool(
      'p',
      { addresses: ['192.0.2.7/24', '2001:db8::1 - 2001:db8::2'] },
      { annotations: { 'invar.dev/reuse-after': '10m' } },
    ),
    bgp('b'),
    bfd('f'),
    peer('r', { peerPort: 0, localASN: 64999, keepaliveTime: '20s', bfdProfile: 'f', peerAddress: '2001:DB8:0::9' }),
    peer('s', { holdTime: '31s', peerASN: 0, dynamicASN: 'external', peerAddress: '', interface: 'eth1' }),
  ])
  const web = snapshot.pools.get('p')!
  assert.deepEqual(
    [web.autoAssign, web.avoidBuggyIPs, web.reuseAfterMs, web.allocation],
    [true, false, 600_000, undefined],
  )
  assert.deepEqual([...web.families], [4, 6])
  assert.deepEqual(web.entries[0]?.range, { family: 4, first: 0xc0000200n, last: 0xc00002ffn })
  const { aggregationLength, aggregationLengthV6, localPreference } = snapshot.bgpAdvertisements.get('b')!
  assert.deepEqual([aggregationLength, aggregationLengthV6, localPreference], [32, 128, undefined])
  const { nodeSelectors, ...r } = snapshot.peers.get('r')!
  assert.deepEqual(nodeSelectors, [])
  assert.deepEqual(r, {
    name: 'r',
    localAsn: 64999,
    remote: { kind: 'asn', asn: 64501 },
    target: { kind: 'address', address: '2001:db8::9' },
    port: 179,
    sourceAddress: undefined,
    holdTimeSeconds: 60,
    keepaliveTimeSeconds: 20,
    connectTimeSeconds: undefined,
    routerId: undefined,
    password: undefined,
    bfdProfile: snapshot.bfdProfiles.get('f'),
    gracefulRestart: false,
    multihop: false,
    vrf: '',
    dualStack: false,
    isPassive: false,
    securityHops: undefined,
    role: undefined,
    isRoleRequired: false,
  })
  assert.deepEqual(snapshot.bfdProfiles.get('f'), {
    name: 'f',
    detectMultiplier: 3,
    receiveIntervalMs: 300,
    transmitIntervalMs: 300,
    echoIntervalMs: 50,
    echoMode: false,
    passiveMode: false,
    minimumTtl: undefined,
  })
  const s = snapshot.peers.get('s')!
  assert.deepEqual(
    [s.remote, s.target, s.holdTimeSeconds, s.keepaliveTimeSeconds],
    [{ kind: 'external' }, { kind: 'interface', interface: 'eth1' }, 31, 10],
  )
})

test('what is given is what comes out', () => {
  const { snapshot } = given([
    pool(
      'p',
      {
        autoAssign: false,
        avoidBuggyIPs: true,
        serviceAllocation: { priority: 7, serviceSelectors: [{ matchLabels: { tier: 'db' } }] },
      },
      { labels: { tier: 'gold' } },
    ),
    l2('l', {
      interfaces: ['eth1', 'eth0'],
      nodeSelectors: [{ matchLabels: { rack: 'a' } }],
      serviceSelectors: [{ matchLabels: { app: 'web' } }],
      preferredNodeSelectors: [{ weight: 9, preference: { matchLabels: { rack: 'b' } } }],
    }),
    bgp('b', { aggregationLength: 28, aggregationLengthV6: 64, localPref: 100, peers: ['y', 'x'] }),
    peer('r', {
      sourceAddress: '198.51.100.9',
      connectTime: '1m',
      keepaliveTime: '500ms',
      routerID: '192.0.2.9',
      nodeSelectors: [{ matchLabels: { rack: 'a' } }],
      password: 'secret',
      enableGracefulRestart: true,
      ebgpMultiHop: true,
      vrf: 'red',
      dualStackAddressFamily: true,
      peerPort: 1790,
    }),
    bfd('f', {
      detectMultiplier: 5,
      receiveInterval: 11,
      transmitInterval: 12,
      echoInterval: 13,
      echoMode: true,
      passiveMode: true,
      minimumTtl: 254,
    }),
  ])
  const { labels, autoAssign, avoidBuggyIPs, allocation } = snapshot.pools.get('p')!
  assert.deepEqual([labels, autoAssign, avoidBuggyIPs, allocation?.priority], [{ tier: 'gold' }, false, true, 7])
  assert.deepEqual(
    allocation?.serviceSelectors.map(({ text }) => text),
    ['tier=db'],
  )
  const { interfaces, nodeSelectors, serviceSelectors, preferences } = snapshot.l2Advertisements.get('l')!
  assert.deepEqual(interfaces, ['eth1', 'eth0'])
  assert.deepEqual([nodeSelectors[0]?.text, serviceSelectors[0]?.text], ['rack=a', 'app=web'])
  assert.deepEqual([preferences[0]?.weight, preferences[0]?.preference.text], [9, 'rack=b'])
  const { aggregationLength, aggregationLengthV6, localPreference, peers } = snapshot.bgpAdvertisements.get('b')!
  assert.deepEqual([aggregationLength, aggregationLengthV6, localPreference, peers], [28, 64, 100, ['y', 'x']])
  const { nodeSelectors: selected, ...r } = snapshot.peers.get('r')!
  assert.equal(selected[0]?.text, 'rack=a')
  assert.deepEqual(r, {
    name: 'r',
    localAsn: 64500,
    remote: { kind: 'asn', asn: 64501 },
    target: { kind: 'address', address: '198.51.100.1' },
    port: 1790,
    sourceAddress: '198.51.100.9',
    holdTimeSeconds: 3,
    keepaliveTimeSeconds: 1,
    connectTimeSeconds: 60,
    routerId: '192.0.2.9',
    password: 'secret',
    bfdProfile: undefined,
    gracefulRestart: true,
    multihop: true,
    vrf: 'red',
    dualStack: true,
    isPassive: false,
    securityHops: undefined,
    role: undefined,
    isRoleRequired: false,
  })
  assert.deepEqual(snapshot.bfdProfiles.get('f'), {
    name: 'f',
    detectMultiplier: 5,
    receiveIntervalMs: 11,
    transmitIntervalMs: 12,
    echoIntervalMs: 13,
    echoMode: true,
    passiveMode: true,
    minimumTtl: 254,
  })
})

test('the Snapshot is frozen; the resources are not', () => {
  const web = pool('web', {}, { labels: { tier: 'gold' } })
  const { snapshot } = given([web])
  assert.ok(Object.isFrozen(snapshot))
  assert.ok(Object.isFrozen(snapshot.pools.get('web')?.entries[0]?.range))
  assert.ok(!Object.isFrozen(web.metadata.labels))
})

test('what did not change is the same object as before', () => {
  const objects = [
    WEB,
    DATABASE,
    l2('l'),
    bgp('b'),
    peer('r', { bfdProfile: 'f' }),
    bfd('f'),
    community('c', { a: '1:2' }),
  ]
  const before = given(objects).snapshot
  const copies = structuredClone(objects)
  assert.equal(given(copies, before).snapshot, before)
  const after = given([...copies.slice(1), pool('web', { addresses: ['192.0.2.0/25'] })], before).snapshot
  assert.notEqual(after, before)
  assert.notEqual(after.pools.get('web'), before.pools.get('web'))
  assert.equal(after.pools.get('db'), before.pools.get('db'))
  assert.equal(after.peers, before.peers)
})

test('an object elsewhere with the name of one of ours changes nothing', () => {
  const elsewhere = pool('web', { addresses: ['oops'] }, { namespace: 'default' })
  const { snapshot, rules } = given([elsewhere, WEB])
  assert.deepEqual(rules, ['web: wrong-namespace'])
  assert.equal(snapshot.pools.get('web')?.suspended, undefined)
})

test('no problem ever shows a password', () => {
  const { problems } = compile(
    resources([
      peer('a', { password: 'hunter2', passwordSecret: { name: 'key' } }),
      peer('b', { password: 12345 as unknown as string }),
      { ...peer('c'), spec: ['hunter2'] as never },
    ]),
  )
  assert.ok(problems.length >= 3)
  assert.doesNotMatch(JSON.stringify(problems), /hunter2|12345/)
})

test('files without a namespace are read', () => {
  const { namespace: _, ...anywhere } = resources([WEB])
  const { snapshot, problems } = compile(anywhere)
  assert.deepEqual([problems, [...snapshot.pools.keys()]], [[], ['web']])
  assert.equal(WEB.metadata.namespace, NAMESPACE)
})
