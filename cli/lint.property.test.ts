import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DEFAULT_REQUEST_OPTIONS } from '../core/allocate/index.ts'
import { property } from '../testkit/property.ts'
import { lint } from './lint.ts'
import { lintReport } from './lint-report.ts'
import { ALL_RULES } from './lint-rules.ts'
import { parseManifest } from './manifest.ts'
import { rendered, UNPAINTED } from './report.ts'

const FIELDS = [
  ...['name', 'namespace', 'labels', 'annotations', 'addresses', 'autoAssign', 'serviceAllocation', 'namespaces'],
  ...['serviceSelectors', 'namespaceSelectors', 'matchLabels', 'matchExpressions', 'key', 'operator', 'values'],
  ...['ipAddressPools', 'nodeSelectors', 'communities', 'value', 'peers', 'localPref', 'aggregationLength', 'priority'],
  ...['myASN', 'peerASN', 'peerAddress', 'holdTime', 'keepaliveTime', 'bfdProfile', 'passwordSecret', 'echoMode'],
  ...['type', 'ports', 'port', 'protocol', 'clusterIPs', 'ipFamilies', 'selector', 'loadBalancerIP'],
  ...['metallb.io/loadBalancerIPs', 'metallb.io/address-pool', 'invar.dev/reuse-after'],
]
/** Whatever may stand in a file, often where something of another type belongs. */
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      null,
      true,
      0,
      -1,
      70000,
      '',
      'x',
      '10.0.0.0/24',
      '10.0.0.1',
      'large:1:2:3',
      '64500:1',
      '90s',
      'In',
    ),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom(...FIELDS), tie('value'), { maxKeys: 4 }),
  ),
}))
const KINDS = ['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community', 'Unknown']
const anyObject = fc.record({
  identity: fc.oneof(
    fc.constantFrom(...KINDS).map((kind) => ({ apiVersion: 'metallb.io/v1beta1', kind })),
    fc.constant({ apiVersion: 'v1', kind: 'Service' }),
  ),
  metadata: anything,
  spec: anything,
})

property(
  'whatever stands in a file, lint answers, and each answer has a place and a rule',
  [fc.array(anyObject, { maxLength: 4 })],
  (found) => {
    const documents = found.map(({ identity, ...rest }) => JSON.stringify({ ...identity, ...rest }))
    const manifest = parseManifest(documents.join('\n---\n'), 'file')
    assert.ok(manifest.kind === 'objects')
    const result = lint({ objects: manifest.objects, namespace: undefined, request: DEFAULT_REQUEST_OPTIONS })
    for (const { file, line, rule } of result.problems) {
      assert.equal(file, 'file')
      assert.ok(line >= 1 && line <= documents.length * 2, `line ${line}`)
      assert.ok(rule in ALL_RULES, rule)
    }
    assert.equal(result.checked + result.passedOver, documents.length)
    rendered(lintReport(result, 1), 'text', UNPAINTED)
  },
)
