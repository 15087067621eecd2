/**
 * Everything that is to be refused, or reported, tried as a new user would: `kubectl apply` against a real API server with
 * the shipped definitions and webhook. The rows follow the list of rules, kind by kind; each says who answers and what.
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ConfigResource } from '../../core/config/index.ts'
import { type ControlPlane, freePort, startControlPlane } from '../../testkit/controlplane.ts'
import { bfd, bgp, community, l2, NAMESPACE, peer, pool } from '../../testkit/resources.ts'
import { controllerFor } from '../controller-for-tests.ts'
import type { Controller } from '../program.ts'
import { callByUrl, DNS_NAME } from './webhook-for-tests.ts'

// ---- what is there before, and in order

const ECHO_PEER = peer('echo', { peerAddress: '203.0.113.3', bfdProfile: 'echo' })
const PRESENT: readonly ConfigResource[] = [
  pool('lan', { addresses: ['192.0.2.0/24'] }),
  pool('six', { addresses: ['2001:db8::/64'] }),
  pool('half', { addresses: ['198.51.100.0/25'] }),
  bgp('lan-routes', { ipAddressPools: ['lan'], localPref: 100, peers: ['tor'] }),
  bgp('half-routes', { ipAddressPools: ['half'], aggregationLength: 25, peers: ['tor'] }),
  bfd('used'),
  bfd('echo', { echoMode: true }),
  peer('tor', { peerAddress: '203.0.113.1', bfdProfile: 'used' }),
  ECHO_PEER,
  peer('strict', { peerAddress: '203.0.113.4', enableGracefulRestart: true }),
  community('names', { blackhole: '65535:666' }),
]

// ---- the tables

/** `api`: schema or CEL rule, `webhook`: what needs other objects, or is said better than CEL can. */
type Answer = readonly [about: string, object: ConfigResource, by: 'api' | 'webhook', says: RegExp]

const TWICE = [{ matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }]
const VALUES_TWICE = [{ matchExpressions: [{ key: 'a', operator: 'In' as const, values: ['x', 'x'] }] }]

const POOLS: readonly Answer[] = [
  ['no entry', pool('r', { addresses: [] }), 'api', /at least one address range/],
  ['an entry that is no address', pool('r', { addresses: ['192.0.2.300/24'] }), 'api', /number above 255/],
  ['a bare address', pool('r', { addresses: ['10.0.0.1'] }), 'api', /write "10\.0\.0\.1\/32"/],
  ['start above end', pool('r', { addresses: ['10.0.0.9-10.0.0.1'] }), 'webhook', /10\.0\.0\.9-10\.0\.0\.1/],
  ['ends of two families', pool('r', { addresses: ['10.0.0.1-2001:db8::1'] }), 'api', /mixes IPv4 and IPv6/],
  [
    'two entries that overlap',
    pool('r', { addresses: ['10.0.0.0/24', '10.0.0.9-10.0.0.12'] }),
    'webhook',
    /spec\.addresses\[1\].*overlaps/,
  ],
  ['overlap with another pool', pool('r', { addresses: ['192.0.2.9/32'] }), 'webhook', /overlaps with .* pool lan/],
  ['a namespace twice', allocated({ namespaces: ['a', 'a'] }), 'webhook', /namespaces\[1\].*"a"/],
  ['a namespace selector twice', allocated({ namespaceSelectors: TWICE }), 'webhook', /namespaceSelectors\[1\]/],
  ['a service selector twice', allocated({ serviceSelectors: TWICE }), 'webhook', /serviceSelectors\[1\]/],
  ['a value twice', allocated({ serviceSelectors: VALUES_TWICE }), 'webhook', /serviceSelectors\[0\].*values/],
  [
    'another namespace',
    pool('r', { addresses: ['10.0.0.0/24'] }, { namespace: 'default' }),
    'webhook',
    /metallb-system/,
  ],
  [
    'a misspelt field',
    pool('r', { addresses: ['10.0.0.0/24'], autoasign: false } as object),
    'api',
    /unknown field "spec\.autoasign"/,
  ],
]

function allocated(serviceAllocation: object): ConfigResource {
  return pool('r', { addresses: ['10.0.0.0/24'], serviceAllocation })
}

const L2_ADVERTISEMENTS: readonly Answer[] = [
  ['a pool twice', l2('r', { ipAddressPools: ['lan', 'lan'] }), 'webhook', /ipAddressPools\[1\].*"lan"/],
  ['a pool selector twice', l2('r', { ipAddressPoolSelectors: TWICE }), 'webhook', /ipAddressPoolSelectors\[1\]/],
  ['a node selector twice', l2('r', { nodeSelectors: TWICE }), 'webhook', /nodeSelectors\[1\]/],
  ['a service selector twice', l2('r', { serviceSelectors: TWICE }), 'webhook', /serviceSelectors\[1\]/],
  ['an interface twice', l2('r', { interfaces: ['eth0', 'eth0'] }), 'webhook', /interfaces\[1\].*"eth0"/],
  ['a value twice', l2('r', { nodeSelectors: VALUES_TWICE }), 'webhook', /nodeSelectors\[0\].*values/],
  [
    'a weight of 101',
    l2('r', { preferredNodeSelectors: [{ weight: 101, preference: {} }] }),
    'api',
    /less than or equal to 100/,
  ],
  [
    'an operator that is none',
    l2('r', { nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Like' as 'In', values: ['x'] }] }] }),
    'api',
    /Unsupported value: "Like"/,
  ],
]

/** Reaches no pool, so that nothing but the fault is in the way. */
const NOWHERE = { ipAddressPools: ['nowhere'] }

const BGP_ADVERTISEMENTS: readonly Answer[] = [
  ['aggregation beyond 32', bgp('r', { aggregationLength: 33 }), 'api', /less than or equal to 32/],
  ['aggregation of 0', bgp('r', { aggregationLength: 0 }), 'api', /greater than or equal to 1/],
  ['IPv6 aggregation beyond 128', bgp('r', { aggregationLengthV6: 129 }), 'api', /less than or equal to 128/],
  ['IPv6 aggregation of 0', bgp('r', { aggregationLengthV6: 0 }), 'api', /greater than or equal to 1/],
  ['selected services', bgp('r', { serviceSelectors: [{}], aggregationLength: 24 }), 'api', /cannot be aggregated/],
  ['a pool twice', bgp('r', { ipAddressPools: ['x', 'x'] }), 'webhook', /ipAddressPools\[1\]/],
  ['a community twice', bgp('r', { ...NOWHERE, communities: ['1:2', '1:2'] }), 'webhook', /communities\[1\]/],
  ['a peer twice', bgp('r', { ...NOWHERE, peers: ['a', 'a'] }), 'webhook', /peers\[1\]/],
  ['a pool selector twice', bgp('r', { ipAddressPoolSelectors: TWICE }), 'webhook', /ipAddressPoolSelectors\[1\]/],
  ['a node selector twice', bgp('r', { ...NOWHERE, nodeSelectors: TWICE }), 'webhook', /nodeSelectors\[1\]/],
  ['a service selector twice', bgp('r', { ...NOWHERE, serviceSelectors: TWICE }), 'webhook', /serviceSelectors\[1\]/],
  ['a community of a letter', bgp('r', { ...NOWHERE, communities: ['a:1'] }), 'api', /two numbers from 0 to 65535/],
  ['a small community of four', bgp('r', { ...NOWHERE, communities: ['small:1:2:3'] }), 'api', /not a large community/],
  [
    'an aggregate larger than the pool',
    bgp('r', { ipAddressPools: ['half'], aggregationLength: 24, peers: ['other'] }),
    'webhook',
    /aggregationLength.*half/,
  ],
  [
    'another local preference',
    bgp('r', { ipAddressPools: ['lan'], localPref: 200, peers: ['tor'] }),
    'webhook',
    /localPref.*lan-routes/,
  ],
  [
    'IPv6 routes to a peer with echo mode',
    bgp('r', { ipAddressPools: ['six'], peers: ['echo'] }),
    'webhook',
    /spec\.peers: pool six holds IPv6.*echoMode; turn it off or name other peers/,
  ],
]

let remotes = 0

function stranger(spec: Partial<NonNullable<ReturnType<typeof peer>['spec']>>): ConfigResource {
  return peer('r', { peerAddress: `10.9.0.${remotes++}`, ...spec })
}

const PEERS: readonly Answer[] = [
  ['no own AS', stranger({ myASN: 0 }), 'api', /AS number 0 is reserved/],
  ['no AS of the peer', stranger({ peerASN: 0 }), 'api', /exactly one of peerASN/],
  ['two of them', stranger({ dynamicASN: 'external' }), 'api', /exactly one of peerASN/],
  ['a dynamic AS that is none', stranger({ peerASN: 0, dynamicASN: 'any' as 'internal' }), 'api', /Unsupported value/],
  ['multihop inside an AS', stranger({ peerASN: 64500, ebgpMultiHop: true }), 'api', /peerASN equals myASN/],
  [
    'multihop to a dynamic internal peer',
    stranger({ peerASN: 0, dynamicASN: 'internal', ebgpMultiHop: true }),
    'api',
    /dynamicASN is internal/,
  ],
  ['neither address nor interface', stranger({ peerAddress: '' }), 'api', /exactly one of peerAddress and interface/],
  ['both', stranger({ interface: 'eth0' }), 'api', /exactly one of peerAddress and interface/],
  ['a hold time of 2 s', stranger({ holdTime: '2s' }), 'api', /0s or at least 3s/],
  ['keepalive beyond hold time', stranger({ holdTime: '9s', keepaliveTime: '10s' }), 'api', /must not exceed holdTime/],
  ['a host name', stranger({ peerAddress: 'router' }), 'api', /"router" is not an IP address/],
  ['a router ID that is none', stranger({ routerID: '::1' }), 'api', /not a router ID/],
  ['a source that is none', stranger({ sourceAddress: 'me' }), 'api', /"me" is not an IP address/],
  ['a node selector twice', stranger({ nodeSelectors: TWICE }), 'webhook', /nodeSelectors\[1\]/],
  ['two passwords', stranger({ password: 'a', passwordSecret: { name: 'b' } }), 'api', /not both/],
  ['a connect time of half a second', stranger({ connectTime: '500ms' }), 'api', /between 1s and 65535s/],
  [
    'the remote of another',
    stranger({ peerAddress: '203.0.113.1' }),
    'webhook',
    /peerAddress: 203\.0\.113\.1 port 179 is also the peer of the older BGPPeer tor/,
  ],
  [
    'a twin',
    peer('r', { peerAddress: '203.0.113.1', bfdProfile: 'used' }),
    'webhook',
    /the same in every field as the older BGPPeer tor; delete one/,
  ],
]

const OTHERS: readonly Answer[] = [
  ['BFD: a multiplier of 1', bfd('r', { detectMultiplier: 1 }), 'api', /greater than or equal to 2/],
  ['BFD: 9 ms', bfd('r', { receiveInterval: 9 }), 'api', /greater than or equal to 10/],
  ['BFD: over a minute', bfd('r', { transmitInterval: 60_001 }), 'api', /less than or equal to 60000/],
  ['BFD: a TTL of 255', bfd('r', { minimumTtl: 255 }), 'api', /less than or equal to 254/],
  ['a community of three parts', community('r', { a: '1:2:3' }), 'api', /not a community/],
  ['a community out of range', community('r', { a: '65536:1' }), 'api', /between 0 and 65535/],
  ['a large community that is none', community('r', { a: 'small:1:2:3' }), 'api', /"small:1:2:3" is not a community/],
  ['a name that is there', community('r', { blackhole: '1:1' }), 'webhook', /blackhole.*names/],
  ['a name twice in one object', twiceNamed(), 'webhook', /communities\[1\]/],
]

function twiceNamed(): ConfigResource {
  const communities = ['1:1', '1:2'].map((value) => ({ name: 'twice', value }))
  return { ...community('r', {}), spec: { communities } }
}

/** Changes of what is there. */
const CHANGES: readonly Answer[] = [
  ['a pool under an aggregate', pool('half', { addresses: ['198.51.100.0/26'] }), 'webhook', /half-routes/],
  [
    'graceful restart',
    peer('strict', { peerAddress: '203.0.113.4' }),
    'api',
    /enableGracefulRestart cannot be changed/,
  ],
  [
    'a preference in conflict',
    bgp('half-routes', { ipAddressPools: ['lan'], localPref: 1, peers: [] }),
    'webhook',
    /lan-routes/,
  ],
]

/** Taken, because what they refer to may still come; what they lack is said on the spot. */
const TAKEN: readonly (readonly [about: string, object: ConfigResource, warns: RegExp | undefined])[] = [
  [
    'a BFD profile that is not there',
    stranger({ bfdProfile: 'later' }),
    /Warning: .*bfdProfile: BFDProfile later does not exist/,
  ],
  ['a Secret that is not there', stranger({ passwordSecret: { name: 'later' } }), undefined],
  ['a name of a community that is not there', bgp('r', { ...NOWHERE, communities: ['later'] }), /Warning: .*"later"/],
  ['a pool that is not there', l2('r', NOWHERE), undefined],
  ['a peer that is not there', bgp('r', { ...NOWHERE, peers: ['later'] }), undefined],
  ['two advertisements that say the same', l2('r', NOWHERE), undefined],
  ['host bits', pool('r', { addresses: ['10.8.0.5/24'] }), undefined],
  ['blanks around a range', pool('r', { addresses: [' 10.8.1.1 - 10.8.1.9 '] }), undefined],
  ['.255 in a pool', pool('r', { addresses: ['10.8.2.0/24'] }), /Warning: .*\.255.*avoidBuggyIPs/],
]

const TABLES: readonly (readonly [string, readonly Answer[]])[] = [
  ['IPAddressPool', POOLS],
  ['L2Advertisement', L2_ADVERTISEMENTS],
  ['BGPAdvertisement', BGP_ADVERTISEMENTS],
  ['BGPPeer', PEERS],
  ['BFDProfile and Community', OTHERS],
]

// ---- Services: nobody refuses them, their condition says why they have nothing

interface Wish {
  readonly about: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: object
  readonly says: RegExp
}

const WISHES: readonly Wish[] = [
  {
    about: 'annotation and field at once',
    annotations: { loadBalancerIPs: '192.0.2.5' },
    spec: { loadBalancerIP: '192.0.2.4' },
    says: /both set: remove one/,
  },
  { about: 'an address in no pool', annotations: { loadBalancerIPs: '203.0.113.9' }, says: /no pool contains 203/ },
  { about: 'two of a family', annotations: { loadBalancerIPs: '192.0.2.1,192.0.2.2' }, says: /of one family/ },
  { about: 'three', annotations: { loadBalancerIPs: '192.0.2.1,2001:db8::1,192.0.2.2' }, says: /3 addresses/ },
  { about: 'what is no address', annotations: { loadBalancerIPs: '192.0.2.300' }, says: /"192\.0\.2\.300" is not/ },
  { about: 'the other family', annotations: { loadBalancerIPs: '2001:db8::1' }, says: /must be one IPv4 address/ },
  { about: 'a pool that is not there', annotations: { 'address-pool': 'R' }, says: /pool "R" does not exist/ },
  {
    about: 'an address of another pool than the one asked for',
    annotations: { 'address-pool': 'lan', loadBalancerIPs: '198.51.100.2' },
    says: /pool "lan" is asked for, and the addresses are of pool "half"/,
  },
  { about: 'a pool without the family', annotations: { 'address-pool': 'six' }, says: /"six" has no IPv4 addresses/ },
  {
    about: 'a pool of another namespace',
    annotations: { 'address-pool': 'team' },
    says: /"team" does not serve namespace "default"/,
  },
  {
    about: 'an address of a pool whose namespace selector matches nothing',
    annotations: { loadBalancerIPs: '10.7.1.1' },
    says: /"nobody" does not serve namespace "default"/,
  },
  {
    about: 'a pool of other labels',
    annotations: { 'address-pool': 'databases' },
    says: /"databases" does not select the labels/,
  },
  {
    about: 'an address that is held, without a key',
    annotations: { loadBalancerIPs: '192.0.2.200' },
    says: /held by Service default\/holder, and one of the two has no metallb\.io\/allow-shared-ip/,
  },
  {
    about: 'an address that is held under another key',
    annotations: { loadBalancerIPs: '192.0.2.201', 'allow-shared-ip': 'y' },
    says: /default\/sharer, which has another metallb\.io\/allow-shared-ip/,
  },
  {
    about: 'a port that is taken',
    annotations: { loadBalancerIPs: '192.0.2.201', 'allow-shared-ip': 'x' },
    says: /default\/sharer, which has TCP\/80 there/,
  },
  {
    about: 'other pods behind a shared address',
    annotations: { loadBalancerIPs: '192.0.2.201', 'allow-shared-ip': 'x' },
    spec: { externalTrafficPolicy: 'Local', ports: [{ port: 81 }] },
    says: /externalTrafficPolicy Local only Services with the same pods share/,
  },
  {
    about: 'a class of ours that is full',
    annotations: { 'address-pool': 'tiny' },
    says: /"tiny" has no IPv4 address left/,
  },
]

const POOLS_OF_WISHES: readonly ConfigResource[] = [
  pool('team', { addresses: ['10.7.0.0/24'], serviceAllocation: { namespaces: ['team'] } }),
  pool('nobody', {
    addresses: ['10.7.1.0/24'],
    serviceAllocation: { namespaceSelectors: [{ matchLabels: { env: 'none' } }] },
  }),
  pool('databases', {
    addresses: ['10.7.2.0/24'],
    serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'db' } }] },
  }),
  pool('tiny', { addresses: ['10.7.3.1/32'] }),
]

// ---- how it is tried

let plane: ControlPlane
let controller: Controller

before(async () => {
  plane = await startControlPlane()
  const port = await freePort()
  plane.kubectl(['apply', '--server-side', '-k', 'deploy'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  callByUrl(plane, port)
  controller = controllerFor(plane.kubeconfig, NAMESPACE, '', {
    webhook: {
      ...{ port, minimumTls: 'TLSv1.3', dnsName: DNS_NAME },
      certificates: { kind: 'own', secretName: 'metallb-webhook-cert', handoverMs: 500 },
    },
  })
  await controller.start()
  const last = 'validatingwebhookconfiguration/metallb-webhook-configuration'
  await plane.startKubectl(['wait', last, '--for=jsonpath={.webhooks[5].clientConfig.caBundle}', '--timeout=20s'])
  const said = await apply([...PRESENT, ...POOLS_OF_WISHES])
  assert.doesNotMatch(said, REFUSAL)
  await counted('tiny')
})

after(async () => {
  await controller?.stop()
  await plane?.stop()
})

async function counted(name: string): Promise<void> {
  const path = '--for=jsonpath={.status.availableIPv4}'
  await plane.startKubectl(['wait', '-n', NAMESPACE, `ipaddresspool/${name}`, path, '--timeout=20s'])
}

const REFUSAL = /denied the request|is invalid|strict decoding error/

let folders = 0

/** One `kubectl apply` of a folder: it goes on where an object is refused. @returns all that it printed */
async function apply(objects: readonly object[]): Promise<string> {
  const folder = join(plane.directory, `manifests-${folders++}`)
  mkdirSync(folder)
  for (const [index, object] of objects.entries()) {
    const { metadata, ...rest } = object as { metadata: { creationTimestamp?: string } }
    const { creationTimestamp: _, ...written } = metadata
    const file = `${String(index).padStart(3, '0')}.json`
    writeFileSync(join(folder, file), JSON.stringify({ ...rest, metadata: written }))
  }
  // So that the warnings are part of what is printed; the objects are taken all the same.
  return plane.startKubectl(['apply', '--warnings-as-errors', '-f', folder]).then(
    (output) => output,
    (error: Error) => error.message,
  )
}

/** The same objects, each with a name of its own to be found by in what kubectl prints. */
function named(prefix: string, objects: readonly ConfigResource[]): readonly ConfigResource[] {
  return objects.map((object, index) => {
    const { name } = object.metadata
    return name === 'r' ? { ...object, metadata: { ...object.metadata, name: `${prefix}-${index}` } } : object
  }) as readonly ConfigResource[]
}

async function isRefused(kind: string, rows: readonly Answer[]): Promise<void> {
  const prefix = kind.toLowerCase().replaceAll(/[^a-z]/g, '')
  const objects = named(
    prefix,
    rows.map(([, object]) => object),
  )
  const said = (await apply(objects)).split('\n')
  const wrong: string[] = []
  for (const [index, [about, , by, says]] of rows.entries()) {
    const { name = '' } = objects[index]!.metadata
    const isNamed = new RegExp(`[ "/]${name}[",: ]|/${String(index).padStart(3, '0')}\\.json"`)
    const lines = said.filter((line) => isNamed.test(line))
    const isByWebhook = lines.some((line) => line.includes('denied the request'))
    const answer = lines.join('\n')
    if (!says.test(answer) || isByWebhook !== (by === 'webhook'))
      wrong.push(`${about} (${by}): ${answer || 'nothing said'}`)
  }
  assert.deepEqual(wrong, [])
}

for (const [kind, rows] of TABLES) {
  test(`${kind}: every row is refused, with field and remedy`, () => isRefused(kind, rows))
}

test('changes that what is there does not allow', () => isRefused('change', CHANGES))

test('deleting a BFD profile that a peer uses', async () => {
  const path = ['delete', '-n', NAMESPACE, 'bfdprofile', 'used']
  await assert.rejects(plane.startKubectl(path), /used by BGPPeer tor; change it there first/)
})

test('what refers to objects that may still come is taken', async () => {
  const objects = named(
    'taken',
    TAKEN.map(([, object]) => object),
  )
  for (const [index, [about, , warns]] of TAKEN.entries()) {
    const printed = await apply([objects[index]!])
    assert.doesNotMatch(printed, REFUSAL, about)
    if (warns !== undefined) assert.match(printed, warns, about)
  }
})

describe('Services that nothing can be given to: taken, and their condition says why', () => {
  const holders = [
    service('holder', { loadBalancerIPs: '192.0.2.200' }),
    service('sharer', { loadBalancerIPs: '192.0.2.201', 'allow-shared-ip': 'x' }),
    service('last', { 'address-pool': 'tiny' }),
  ]

  function service(name: string, annotations: Readonly<Record<string, string>>, spec: object = {}): object {
    const prefixed = Object.entries(annotations).map(([key, value]) => [`metallb.io/${key}`, value])
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default', annotations: Object.fromEntries(prefixed) },
      spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...spec },
    }
  }

  async function waitFor(path: string, names: readonly string[]): Promise<void> {
    await plane.startKubectl([
      'wait',
      `--for=jsonpath=${path}`,
      '--timeout=20s',
      ...names.map((name) => `service/${name}`),
    ])
  }

  test('all of them', async () => {
    await apply(holders)
    await waitFor('{.status.loadBalancer.ingress[0].ip}', ['holder', 'sharer', 'last'])
    await apply(WISHES.map(({ annotations = {}, spec }, index) => service(`wish-${index}`, annotations, spec)))
    const names = WISHES.map((_, index) => `wish-${index}`)
    await waitFor('{.status.conditions[?(@.type=="invar.dev/AddressAllocated")].message}', names)
    const { items } = JSON.parse(plane.kubectl(['get', 'services', '-o', 'json', ...names])) as {
      items: { status: { loadBalancer: object; conditions: { status: string; message: string }[] } }[]
    }
    for (const [index, { about, says }] of WISHES.entries()) {
      const { conditions, loadBalancer } = items[index]!.status
      assert.match(conditions[0]!.message, says, about)
      assert.deepEqual([conditions[0]!.status, loadBalancer], ['False', {}], about)
    }
  })
})
