/** The definitions on a real API server: what it takes, what it refuses, and that we say the same of a file. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { definitionFiles } from '../build/crds.ts'
import { type ConfigResource, compile } from '../core/config/index.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { campaign } from '../testkit/property.ts'
import { resources } from '../testkit/resources.ts'
import { DEFINITIONS, type Kind, validate, withDefaults } from './index.ts'

const NAMESPACE = 'metallb-system'
type Spec = Readonly<Record<string, unknown>>
interface Answer {
  readonly status: number
  readonly body: { readonly spec?: Spec } & Record<string, unknown>
  /** Why not; '' where it was taken. */
  readonly message: string
  readonly warning: string | undefined
}

let plane: ControlPlane
let agent: Agent

function call(method: string, path: string, object?: unknown, type = 'application/json'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, agent, headers: { 'content-type': type } }
    const sent = request(`${plane.url}${path}`, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => (text += part))
      response.on('end', () => {
        const body = JSON.parse(text)
        const warning = response.headers.warning
        resolve({ status: response.statusCode!, body, message: body.message ?? '', warning })
      })
    })
    sent.on('error', reject)
    sent.end(object === undefined ? undefined : JSON.stringify(object))
  })
}

function resource(kind: Kind, spec: unknown, name = 'example'): ConfigResource {
  const apiVersion = DEFINITIONS[kind].apiVersions[0]
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE }, spec } as unknown as ConfigResource
}

const pathOf = (kind: Kind, version = DEFINITIONS[kind].apiVersions[0]) =>
  `/apis/${version}/namespaces/${NAMESPACE}/${DEFINITIONS[kind].plural}`

/** Would it be taken? Nothing is stored. A field that the schema does not know is an error. */
function submit(kind: Kind, spec: unknown): Promise<Answer> {
  return call('POST', `${pathOf(kind)}?dryRun=All&fieldValidation=Strict`, resource(kind, spec))
}

/** Everything that we find wrong with the object, did it come from a file. */
function ourErrors(kind: Kind, spec: unknown): readonly string[] {
  const { problems } = compile({ ...resources([resource(kind, spec)]), unknownFields: 'error' })
  return problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)
}

const PEER = { myASN: 64500, peerASN: 64501, peerAddress: '198.51.100.1' }
const selector = (operator: string, values?: readonly string[]) => [
  { matchExpressions: [{ key: 'a', operator, values }] },
]

const TAKEN: readonly [Kind, Spec][] = [
  ['IPAddressPool', { addresses: ['10.0.0.5/24', '10.1.0.1-10.1.0.9', ' 10.2.0.1 - 10.2.0.9 '] }],
  ['IPAddressPool', { addresses: ['2001:db8::/64', '2001:DB8:1::1-2001:db8:1::ff'], autoAssign: false }],
  ['IPAddressPool', { addresses: ['0.0.0.0/0', '::/0'] }],
  ['IPAddressPool', { addresses: Array.from({ length: 10_000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`) }],
  [
    'IPAddressPool',
    {
      addresses: ['10.0.0.0/24'],
      serviceAllocation: {
        priority: 7,
        namespaces: ['a'],
        namespaceSelectors: [{ matchLabels: { a: 'b' } }],
        serviceSelectors: selector('NotIn', ['x']),
      },
    },
  ],
  ['L2Advertisement', {}],
  [
    'L2Advertisement',
    {
      ipAddressPools: ['a'],
      ipAddressPoolSelectors: [{}],
      nodeSelectors: selector('Exists'),
      interfaces: ['eth0'],
      preferredNodeSelectors: [{ weight: 100, preference: {} }],
    },
  ],
  ['BGPAdvertisement', {}],
  ['BGPAdvertisement', { communities: ['64500:1', '0:65535', 'large:1:2:4294967295', 'alias', 'a:b:c'] }],
  ['BGPAdvertisement', { aggregationLength: 24, aggregationLengthV6: 64, localPref: 4294967295, peers: ['a'] }],
  ['BGPAdvertisement', { serviceSelectors: [{}], aggregationLength: 32, aggregationLengthV6: 128 }],
  ['BGPPeer', PEER],
  ['BGPPeer', { myASN: 4294967295, dynamicASN: 'external', interface: 'eth1' }],
  ['BGPPeer', { myASN: 1, peerASN: 0, dynamicASN: 'internal', peerAddress: '2001:db8::1' }],
  ['BGPPeer', { ...PEER, holdTime: '0s', keepaliveTime: '0s', connectTime: '1m' }],
  ['BGPPeer', { ...PEER, holdTime: '1m30s', keepaliveTime: '30s', peerPort: 0, ebgpMultiHop: true }],
  ['BGPPeer', { ...PEER, passwordSecret: { name: 'a' }, bfdProfile: 'later', routerID: '10.0.0.1', vrf: 'red' }],
  ['BFDProfile', {}],
  ['BFDProfile', { detectMultiplier: 255, receiveInterval: 10, minimumTtl: 254, echoMode: true }],
  ['Community', {}],
  [
    'Community',
    {
      communities: [
        { name: 'a', value: '1:2' },
        { name: 'b', value: 'large:1:2:3' },
      ],
    },
  ],
]

const REFUSED: readonly [Kind, Spec, RegExp][] = [
  ['IPAddressPool', {}, /spec.addresses: Required/],
  ['IPAddressPool', { addresses: [] }, /at least one address range/],
  ['IPAddressPool', { addresses: ['10.0.0.1'] }, /addresses\[0\].*bare address: write "10\.0\.0\.1\/32"/],
  ['IPAddressPool', { addresses: ['2001:db8::1'] }, /write "2001:db8::1\/128"/],
  ['IPAddressPool', { addresses: ['10.0.0.300/24'] }, /number above 255/],
  ['IPAddressPool', { addresses: ['10.0.0.1-10.0.0.2-10.0.0.3'] }, /neither a CIDR .* nor a range/],
  ['IPAddressPool', { addresses: ['my-lan'] }, /neither a CIDR .* nor a range/],
  ['IPAddressPool', { addresses: ['10.0.0.1-2001:db8::1'] }, /mixes IPv4 and IPv6/],
  ['IPAddressPool', { addresses: ['10.0.0.0/24'], autoAssign: 'yes' }, /autoAssign.*boolean/],
  ['IPAddressPool', { addresses: ['10.0.0.0/24'], autoasign: true }, /unknown field "spec.autoasign"/],
  ['L2Advertisement', { nodeSelectors: selector('Like', ['x']) }, /Unsupported value: "Like"/],
  ['L2Advertisement', { preferredNodeSelectors: [{ weight: 0, preference: {} }] }, /greater than or equal to 1/],
  ['L2Advertisement', { preferredNodeSelectors: [{ weight: 1 }] }, /preference: Required/],
  ['BGPAdvertisement', { aggregationLength: 33 }, /less than or equal to 32/],
  ['BGPAdvertisement', { aggregationLength: 0 }, /greater than or equal to 1/],
  ['BGPAdvertisement', { aggregationLengthV6: 129 }, /less than or equal to 128/],
  ['BGPAdvertisement', { aggregationLengthV6: 0 }, /greater than or equal to 1/],
  ['BGPAdvertisement', { serviceSelectors: [{}], aggregationLength: 24 }, /cannot be aggregated/],
  ['BGPAdvertisement', { serviceSelectors: [{}], aggregationLengthV6: 64 }, /cannot be aggregated/],
  ['BGPAdvertisement', { communities: ['1:65536'] }, /communities\[0\].*two numbers from 0 to 65535/],
  ['BGPAdvertisement', { communities: ['a:1'] }, /two numbers from 0 to 65535/],
  ['BGPAdvertisement', { communities: ['small:1:2:3'] }, /not a large community/],
  ['BGPAdvertisement', { communities: ['large:1:2:4294967296'] }, /not a large community/],
  ['BGPPeer', {}, /spec.myASN: Required/],
  ['BGPPeer', { ...PEER, myASN: 0 }, /AS number 0 is reserved/],
  ['BGPPeer', { ...PEER, peerASN: 4294967296 }, /less than or equal to 4294967295/],
  ['BGPPeer', { ...PEER, peerASN: 0 }, /exactly one of peerASN/],
  ['BGPPeer', { ...PEER, dynamicASN: 'internal' }, /exactly one of peerASN/],
  ['BGPPeer', { ...PEER, peerASN: 0, dynamicASN: 'any' }, /Unsupported value: "any"/],
  ['BGPPeer', { ...PEER, localASN: 0 }, /greater than or equal to 1/],
  ['BGPPeer', { ...PEER, peerASN: 64500, ebgpMultiHop: true }, /peerASN equals myASN/],
  ['BGPPeer', { ...PEER, peerASN: 0, dynamicASN: 'internal', ebgpMultiHop: true }, /dynamicASN is internal/],
  ['BGPPeer', { ...PEER, peerAddress: '' }, /exactly one of peerAddress and interface/],
  ['BGPPeer', { ...PEER, interface: 'eth1' }, /exactly one of peerAddress and interface/],
  ['BGPPeer', { ...PEER, peerAddress: 'router' }, /"router" is not an IP address/],
  ['BGPPeer', { ...PEER, sourceAddress: 'me' }, /"me" is not an IP address/],
  ['BGPPeer', { ...PEER, routerID: '::1' }, /not a router ID/],
  ['BGPPeer', { ...PEER, peerPort: 65536 }, /less than or equal to 65535/],
  ['BGPPeer', { ...PEER, holdTime: '90' }, /"90" is not a duration/],
  ['BGPPeer', { ...PEER, holdTime: '2s' }, /0s or at least 3s/],
  ['BGPPeer', { ...PEER, holdTime: '9s', keepaliveTime: '10s' }, /must not exceed holdTime/],
  ['BGPPeer', { ...PEER, connectTime: '500ms' }, /between 1s and 65535s/],
  ['BGPPeer', { ...PEER, connectTime: '1500ms' }, /whole number of seconds/],
  ['BGPPeer', { ...PEER, connectTime: '24h' }, /between 1s and 65535s/],
  ['BGPPeer', { ...PEER, password: 'a', passwordSecret: { name: 'b' } }, /password or passwordSecret, not both/],
  ['BFDProfile', { detectMultiplier: 1 }, /greater than or equal to 2/],
  ['BFDProfile', { receiveInterval: 60001 }, /less than or equal to 60000/],
  ['BFDProfile', { transmitInterval: 9 }, /greater than or equal to 10/],
  ['BFDProfile', { minimumTtl: 255 }, /less than or equal to 254/],
  ['Community', { communities: [{ name: 'a' }] }, /needs a value/],
  ['Community', { communities: [{ name: 'a', value: '1:2:3' }] }, /not a community/],
  ['Community', { communities: [{ name: 'a', value: '65536:1' }] }, /between 0 and 65535/],
  ['Community', { communities: [{ name: 'a', value: 'large:4294967296:1:1' }] }, /between 0 and 4294967295/],
]

suite('the definitions on a real API server', () => {
  before(async () => {
    plane = await startControlPlane()
    const { ca, certificate, key } = plane.files
    agent = new Agent({
      keepAlive: true,
      ca: readFileSync(ca),
      cert: readFileSync(certificate),
      key: readFileSync(key),
    })
    plane.kubectl(['create', 'namespace', NAMESPACE])
    plane.kubectl(['apply', ...definitionFiles().flatMap((file) => ['-f', file])])
    plane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all'])
  })
  after(async () => {
    agent?.destroy()
    await plane?.stop()
  })

  for (const [kind, spec] of TAKEN) {
    test(`takes ${kind} ${JSON.stringify(spec).slice(0, 100)}, with the defaults that we fill in`, async () => {
      const { status, body, message } = await submit(kind, spec)
      assert.equal(status, 201, message)
      const ours = withDefaults(kind, resource(kind, spec)) as { spec: unknown }
      assert.deepEqual(body.spec, JSON.parse(JSON.stringify(ours.spec)))
      assert.deepEqual(ourErrors(kind, spec), [])
    })
  }

  for (const [kind, spec, said] of REFUSED) {
    test(`refuses ${kind} ${JSON.stringify(spec).slice(0, 100)}, and so do we`, async () => {
      const { status, message } = await submit(kind, spec)
      assert.ok(status === 422 || status === 400, `status ${status}`)
      assert.match(message, said)
      assert.notDeepEqual(ourErrors(kind, spec), [])
    })
  }

  test('of anything, refuses nothing that we find in order, and takes nothing that breaks our copy of the schema', async (context) => {
    const { seed, runs } = campaign()
    context.diagnostic(`seed ${seed}, ${runs} runs`)
    const agrees = fc.asyncProperty(anySpec, async ({ kind, spec }) => {
      const { status, message } = await submit(kind, spec)
      const ours = ourErrors(kind, spec)
      if (status !== 201) assert.notDeepEqual(ours, [], `refused: ${message}`)
      else assert.deepEqual(validate(kind, withDefaults(kind, resource(kind, spec))), [])
    })
    await fc.assert(agrees, { seed, numRuns: runs })
  })

  test('a BGPPeer of v1beta1 is read as v1beta2 and back, with a warning and without loss', async () => {
    const old = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'BGPPeer',
      metadata: { name: 'old', namespace: NAMESPACE },
      spec: { ...PEER, nodeSelectors: selector('In', ['x']), holdTime: '90s' },
    }
    const created = await call('POST', pathOf('BGPPeer', 'metallb.io/v1beta1'), old)
    assert.equal(created.status, 201, created.message)
    assert.match(created.warning ?? '', /v1beta1 BGPPeer is deprecated, use metallb.io\/v1beta2/)
    const [newer, older] = ['v1beta2', 'v1beta1'].map((version) => `${pathOf('BGPPeer', `metallb.io/${version}`)}/old`)
    const patch = { spec: { vrf: 'red', connectTime: '10s', dynamicASN: null, nodeSelectors: selector('Exists') } }
    const patched = await call('PATCH', newer!, patch, 'application/merge-patch+json')
    assert.equal(patched.status, 200, patched.message)
    assert.equal(patched.body.apiVersion, 'metallb.io/v1beta2')
    const read = await call('GET', older!)
    assert.equal(read.body.apiVersion, 'metallb.io/v1beta1')
    const written = await call('PUT', older!, read.body)
    assert.equal(written.status, 200, written.message)
    const final = await call('GET', newer!)
    assert.deepEqual(final.body.spec, patched.body.spec)
    assert.equal(final.body.spec?.vrf, 'red')
  })

  test('the definition replaces one with a conversion webhook, as MetalLB has it', async () => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.metallb.io'
    const clientConfig = { service: { namespace: NAMESPACE, name: 'metallb-webhook-service', path: '/convert' } }
    const webhook = { conversionReviewVersions: ['v1beta1', 'v1beta2'], clientConfig }
    const type = 'application/merge-patch+json'
    const theirs = await call('PATCH', path, { spec: { conversion: { strategy: 'Webhook', webhook } } }, type)
    assert.equal(theirs.status, 200, theirs.message)
    plane.kubectl(['apply', '-f', join(import.meta.dirname, 'bgppeer.yaml')])
    const ours = await call('GET', path)
    assert.deepEqual(ours.body.spec?.conversion, { strategy: 'None' })
  })

  test('enableGracefulRestart cannot be changed after creation', async () => {
    const peer = resource('BGPPeer', { ...PEER, enableGracefulRestart: true }, 'graceful')
    assert.equal((await call('POST', pathOf('BGPPeer'), peer)).status, 201)
    const patch = { spec: { enableGracefulRestart: false } }
    const { status, message } = await call(
      'PATCH',
      `${pathOf('BGPPeer')}/graceful`,
      patch,
      'application/merge-patch+json',
    )
    assert.equal(status, 422)
    assert.match(message, /cannot be changed after creation/)
  })

  for (const kind of ['ServiceL2Status', 'ServiceBGPStatus'] as const) {
    test(`${kind} names one node and one Service for ever`, async () => {
      assert.equal((await call('POST', pathOf(kind), resource(kind, {}))).status, 201)
      const path = `${pathOf(kind)}/example/status`
      const write = (status: Spec) => call('PATCH', path, { status }, 'application/merge-patch+json')
      const first = await write({ node: 'one', serviceName: 'web', serviceNamespace: 'shop' })
      assert.equal(first.status, 200, first.message)
      for (const field of ['node', 'serviceName', 'serviceNamespace']) {
        const { status, message } = await write({ [field]: 'other' })
        assert.equal(status, 422)
        assert.match(message, /cannot be changed once set/)
      }
    })
  }

  test('ConfigurationState and pool status are written through the status subresource', async () => {
    const condition = { type: 'poolReconcilerValid', status: 'True', reason: 'Reconciled', message: '' }
    const status = {
      result: 'Valid',
      errorSummary: '',
      conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }],
    }
    await call('POST', pathOf('ConfigurationState'), resource('ConfigurationState', undefined, 'controller'))
    const type = 'application/merge-patch+json'
    const written = await call('PATCH', `${pathOf('ConfigurationState')}/controller/status`, { status }, type)
    assert.equal(written.status, 200, written.message)
    await call('POST', pathOf('IPAddressPool'), resource('IPAddressPool', { addresses: ['10.0.0.0/24'] }, 'counted'))
    const counters = { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 255, availableIPv6: 9223372036854775000 }
    const counted = await call('PATCH', `${pathOf('IPAddressPool')}/counted/status`, { status: counters }, type)
    assert.equal(counted.status, 200, counted.message)
    const incomplete = { status: { assignedIPv4: null } }
    assert.equal((await call('PATCH', `${pathOf('IPAddressPool')}/counted/status`, incomplete, type)).status, 422)
  })
})

/** Specs in which most fields are right, some nearly, some not at all. */
const address = fc.constantFrom(
  '10.0.0.1',
  '2001:db8::1',
  '10.0.0.256',
  '1.2.3',
  '::',
  '',
  'a',
  ' 10.0.0.1',
  '10.0.0.01',
)
const duration = fc.constantFrom(
  '0s',
  '0',
  '1s',
  '3s',
  '90s',
  '1m30s',
  '1.5s',
  '2999ms',
  '',
  '3',
  '-3s',
  '1h',
  '1d',
  '1us',
)
const number = fc.constantFrom(0, 1, 2, 10, 32, 64500, 65535, 65536, 60000, 4294967295, 4294967296, -1)
const odd = fc.constantFrom(null, true, 'text', 1, [], {}, [null])
const anySelector = fc.constantFrom({}, { matchLabels: { a: 'b' } }, selector('In', ['a'])[0], selector('Foo')[0], {
  match: 1,
})
const entry = fc.oneof(
  address,
  fc.tuple(address, fc.constantFrom('/24', '/32', '/64', '/129', '/', '/-1', '/x')).map(([a, mask]) => a + mask),
  fc.tuple(address, fc.constantFrom('-', ' - '), address).map(([a, dash, b]) => a + dash + b),
)
const communityText = fc.constantFrom(
  '1:2',
  '65535:65535',
  '65536:1',
  'a',
  'a:b',
  '1:2:3',
  'large:1:2:3',
  'large:1:2:x',
  '1:2:3:4',
  ':',
  '',
)

const FIELDS: Readonly<Partial<Record<Kind, Readonly<Record<string, fc.Arbitrary<unknown>>>>>> = {
  IPAddressPool: {
    addresses: fc.array(entry, { maxLength: 3 }),
    autoAssign: fc.boolean(),
    avoidBuggyIPs: fc.boolean(),
  },
  L2Advertisement: {
    nodeSelectors: fc.array(anySelector, { maxLength: 2 }),
    interfaces: fc.array(address, { maxLength: 2 }),
  },
  BGPAdvertisement: {
    aggregationLength: number,
    aggregationLengthV6: number,
    localPref: number,
    communities: fc.array(communityText, { maxLength: 3 }),
    serviceSelectors: fc.array(anySelector, { maxLength: 1 }),
  },
  BGPPeer: {
    myASN: number,
    peerASN: number,
    dynamicASN: fc.constantFrom('internal', 'external', ''),
    localASN: number,
    peerAddress: address,
    interface: fc.constantFrom('', 'eth0'),
    sourceAddress: address,
    peerPort: number,
    holdTime: duration,
    keepaliveTime: duration,
    connectTime: duration,
    routerID: address,
    password: fc.constantFrom('', 'x'),
    passwordSecret: fc.constantFrom({}, { name: '' }, { name: 'x' }),
    ebgpMultiHop: fc.boolean(),
  },
  BFDProfile: { detectMultiplier: number, receiveInterval: number, echoInterval: number, minimumTtl: number },
  Community: {
    communities: fc.array(fc.record({ name: fc.string(), value: communityText }, { requiredKeys: ['name'] }), {
      maxLength: 2,
    }),
  },
}

const anySpec = fc.constantFrom(...(Object.keys(FIELDS) as Kind[])).chain((kind) => {
  const fields = Object.entries(FIELDS[kind]!).map(([name, values]) => [
    name,
    fc.oneof({ weight: 20, arbitrary: values }, { weight: 1, arbitrary: odd }),
  ])
  return fc.record({ kind: fc.constant(kind), spec: fc.record(Object.fromEntries(fields), { requiredKeys: [] }) })
})
