import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKind, KINDS, type Kind, type SchemaRule, validate, withDefaults } from './index.ts'

const pool = (spec: unknown) => ({ apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata: {}, spec })
const peer = (spec: unknown) => ({ apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', metadata: {}, spec })

const ROWS: readonly [Kind, resource: unknown, path: string, SchemaRule, text: RegExp][] = [
  ['IPAddressPool', 'text', '', 'field-type', /is "text" but must be a set of fields/],
  ['IPAddressPool', { metadata: {} }, 'spec', 'field-missing', /required but absent/],
  ['IPAddressPool', pool({}), 'spec.addresses', 'field-missing', /required but absent/],
  ['IPAddressPool', pool({ addresses: {} }), 'spec.addresses', 'field-type', /a set of fields but must be a list/],
  [
    'IPAddressPool',
    pool({ addresses: [1] }),
    'spec.addresses[0]',
    'field-type',
    /is 1 but must be text \(put it in quotes\)/,
  ],
  ['IPAddressPool', pool({ addresses: ['1'.repeat(101)] }), 'spec.addresses[0]', 'field-value', /longer than 100/],
  [
    'IPAddressPool',
    pool({ addresses: Array(16001).fill('') }),
    'spec.addresses',
    'field-value',
    /more than 16000 entries/,
  ],
  [
    'IPAddressPool',
    pool({ addresses: [], autoAssign: 'yes' }),
    'spec.autoAssign',
    'field-type',
    /"yes" but must be true or false/,
  ],
  ['IPAddressPool', pool({ addresses: [], autoAsign: true }), 'spec.autoAsign', 'field-unknown', /write autoAssign/],
  [
    'IPAddressPool',
    pool({ addresses: [], avoidBuggyIps: true }),
    'spec.avoidBuggyIps',
    'field-unknown',
    /write avoidBuggyIPs/,
  ],
  [
    'IPAddressPool',
    pool({ addresses: [], adress: [] }),
    'spec.adress',
    'field-unknown',
    /known here are addresses, autoAssign/,
  ],
  ['IPAddressPool', { ...pool({ addresses: [] }), extra: 1 }, 'extra', 'field-unknown', /not a field/],
  [
    'IPAddressPool',
    { ...pool({ addresses: [] }), apiVersion: 'metallb.io/v1' },
    'apiVersion',
    'api-version-unknown',
    /served as metallb.io\/v1beta1/,
  ],
  ['IPAddressPool', { ...pool({ addresses: [] }), status: {} }, 'status.assignedIPv4', 'field-missing', /required/],
  ['BGPPeer', peer({ myASN: 2 ** 32 }), 'spec.myASN', 'field-value', /4294967296 but must be at most 4294967295/],
  ['BGPPeer', peer({ myASN: 1, localASN: 0 }), 'spec.localASN', 'field-value', /0 but must be at least 1/],
  ['BGPPeer', peer({ myASN: 1.5 }), 'spec.myASN', 'field-type', /1.5 but must be a whole number/],
  [
    'BGPPeer',
    peer({ myASN: 1, dynamicASN: 'x' }),
    'spec.dynamicASN',
    'field-value',
    /"x" but must be one of "internal", "external"/,
  ],
  ['BGPPeer', peer({ myASN: 1, holdTime: 90 }), 'spec.holdTime', 'field-type', /90 but must be text/],
  ['BGPPeer', peer({ myASN: 1, password: 90 }), 'spec.password', 'field-type', /is not shown but must be text/],
  [
    'BGPPeer',
    peer({ myASN: 1, nodeSelectors: [{ matchExpressions: [{ key: 'a' }] }] }),
    'spec.nodeSelectors[0].matchExpressions[0].operator',
    'field-missing',
    /required/,
  ],
  [
    'BGPPeer',
    peer({ myASN: 1, nodeSelectors: [{ matchLabel: {} }] }),
    'spec.nodeSelectors[0].matchLabel',
    'field-unknown',
    /write matchLabels/,
  ],
]

for (const [kind, resource, path, rule, text] of ROWS) {
  test(`${rule} at '${path}': ${text.source}`, () => {
    const problems = validate(kind, resource)
    const found = problems.find((problem) => problem.path === path && problem.rule === rule)
    assert.ok(found, JSON.stringify(problems))
    assert.match(found.text, text)
  })
}

test('both versions of BGPPeer are known, and an object of a typed list says none', () => {
  for (const apiVersion of ['metallb.io/v1beta1', 'metallb.io/v1beta2', undefined]) {
    assert.deepEqual(validate('BGPPeer', { ...peer({ myASN: 1 }), apiVersion }), [])
  }
})

test('an object may be anything in its metadata', () => {
  assert.deepEqual(validate('IPAddressPool', { ...pool({ addresses: [] }), metadata: { managedFields: [{}] } }), [])
})

test('defaults are filled in, nulls dropped, and the original is left alone', () => {
  const original = pool({ addresses: ['10.0.0.0/24'], autoAssign: null, serviceAllocation: { namespaces: null } })
  const before = structuredClone(original)
  assert.deepEqual((withDefaults('IPAddressPool', original) as typeof original).spec, {
    addresses: ['10.0.0.0/24'],
    autoAssign: true,
    avoidBuggyIPs: false,
    serviceAllocation: {},
  })
  assert.deepEqual(original, before)
  const spec = { myASN: 1, peerPort: 0 }
  const expected = { myASN: 1, peerPort: 0, disableMP: false, dualStackAddressFamily: false }
  assert.deepEqual((withDefaults('BGPPeer', peer(spec)) as { spec: unknown }).spec, expected)
})

test('the nine kinds', () => {
  assert.equal(KINDS.length, 9)
  assert.ok(isKind('IPAddressPool'))
  assert.ok(!isKind('Service') && !isKind('constructor') && !isKind(undefined))
})

test('an apiVersion that is no text, and cannot be made one, is a problem and not an exception', () => {
  const resource = { apiVersion: { toString: false }, kind: 'Community', metadata: { name: 'c' }, spec: {} }
  assert.ok(validate('Community', resource).some(({ rule }) => rule === 'api-version-unknown'))
})
