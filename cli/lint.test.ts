import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runLint } from './lint-command.ts'
import { ALL_RULES } from './lint-rules.ts'
import { rendered, UNPAINTED } from './report.ts'

const scratch = mkdtempSync(join(tmpdir(), 'invarctl-lint-'))
after(() => rmSync(scratch, { recursive: true }))
let folders = 0

function folder(files: Readonly<Record<string, string>>): string {
  const root = join(scratch, String(++folders))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

function linted(files: Readonly<Record<string, string>>, flags: Parameters<typeof runLint>[1] = {}) {
  const root = folder(files)
  const report = runLint([root], flags)
  const text = rendered(report, 'text', UNPAINTED).replaceAll(`${root}/`, '')
  return { text, exitCode: report.exitCode, value: report.value as { problems: { rule: string }[] } }
}

const POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: web
  namespace: metallb-system
spec:
  addresses:
    - 192.0.2.0/28
`

function service(name: string, more: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n${more}spec:\n  type: LoadBalancer\n  ports: [{ port: 80 }]\n`
}

function annotated(name: string, annotations: Readonly<Record<string, string>>): string {
  const lines = Object.entries(annotations).map(([key, value]) => `    ${key}: ${value}\n`)
  return service(name, `  annotations:\n${lines.join('')}`)
}

test('golden: one block of everything', () => {
  const { text, exitCode } = linted({
    'pools/a.yaml': `${POOL}    - 10.0.0.1
  autoassign: true
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: all, namespace: metallb-system }
`,
    'pools/b.json': JSON.stringify({
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'wide', namespace: 'metallb-system' },
      spec: { addresses: ['192.0.2.0/24'] },
    }),
    'app/service.yml': annotated('shop', { 'metallb.universe.tf/loadBalancerIPs': '10.9.9.9, 10.9.9.8' }),
    'app/deployment.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: shop }\n',
    'app/notes.txt': 'not read',
    'values.yaml': 'replicas: 3\n',
  })
  assert.equal(
    text,
    `\
app/service.yml:6 Service/shop metadata.annotations[metallb.universe.tf/loadBalancerIPs]: notice: is deprecated; write metallb.io/loadBalancerIPs [annotation-deprecated]
app/service.yml:6 Service/shop metadata.annotations[metallb.universe.tf/loadBalancerIPs]: the requested 10.9.9.9 and 10.9.9.8 are of one family: one of each can be requested [request-malformed]
pools/a.yaml:9 IPAddressPool/web spec.addresses[1]: "10.0.0.1" is a bare address; write "10.0.0.1/32" [address-without-mask]
pools/a.yaml:10 IPAddressPool/web spec.autoassign: is not a field of this kind; write autoAssign [field-unknown]
pools/b.json:1 IPAddressPool/wide spec.addresses[0]: "192.0.2.0/24" overlaps with "192.0.2.0/28" of the older pool web; change one of them [pools-overlap]
4 problems and 1 notice in 4 objects of 5 files; 1 object of other kinds passed over
`,
  )
  assert.equal(exitCode, 1)
})

test('golden: clean, a notice does no harm', () => {
  const files = { 'a.yaml': `${POOL}---\n${annotated('s', { 'metallb.universe.tf/address-pool': 'web' })}` }
  const { text, exitCode } = linted(files)
  assert.equal(
    text,
    'a.yaml:15 Service/s metadata.annotations[metallb.universe.tf/address-pool]: notice: is deprecated; write ' +
      'metallb.io/address-pool [annotation-deprecated]\nno problems and 1 notice in 2 objects of 1 file\n',
  )
  assert.equal(exitCode, 0)
})

test('JSON has the documented shape', () => {
  const root = folder({ 'a.yaml': POOL.replace('192.0.2.0/28', '192.0.2.9') })
  const file = join(root, 'a.yaml')
  const value = JSON.parse(rendered(runLint([file], {}), 'json', UNPAINTED))
  assert.deepEqual(value, {
    problems: [
      {
        object: { kind: 'IPAddressPool', namespace: 'metallb-system', name: 'web' },
        path: 'spec.addresses[0]',
        rule: 'address-without-mask',
        message: 'IPAddressPool web, spec.addresses[0]: "192.0.2.9" is a bare address; write "192.0.2.9/32".',
        severity: 'error',
        file,
        line: 8,
      },
    ],
    checked: 1,
    passedOver: 0,
  })
})

const PRODUCTION = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: production, namespace: metallb-system }
spec:
  addresses: [198.51.100.0/30]
  serviceAllocation:
`

/** Manifests after the pool `web`, and the rules that are named, in the order of the lines. */
const ROWS: readonly [what: string, yaml: string, rules: readonly string[]][] = [
  ['a Service that asks for nothing', service('s', ''), []],
  ['a request that a pool can grant', annotated('s', { 'metallb.io/loadBalancerIPs': '192.0.2.3' }), []],
  ['an address that is none', annotated('s', { 'metallb.io/loadBalancerIPs': '192.0.2.300' }), ['request-malformed']],
  [
    'an address outside of every pool',
    annotated('s', { 'metallb.io/loadBalancerIPs': '203.0.113.1' }),
    ['request-refused'],
  ],
  ['a pool that is not in the files', annotated('s', { 'metallb.io/address-pool': 'absent' }), ['request-refused']],
  [
    'two Services that ask for one address',
    `${annotated('a', { 'metallb.io/loadBalancerIPs': '192.0.2.3' })}---\n${annotated('b', { 'metallb.io/loadBalancerIPs': '192.0.2.3' })}`,
    ['request-refused'],
  ],
  ['a slip in an annotation', annotated('s', { 'metallb.io/allow-sharedip': 'k' }), ['annotation-unknown']],
  ['an annotation of nobody', annotated('s', { 'invar.dev/colour': 'red' }), ['annotation-unknown']],
  ['an annotation of somebody else', annotated('s', { 'example.com/colour': 'red' }), []],
  ['an annotation that is not text', annotated('s', { 'metallb.io/allow-shared-ip': '7' }), ['field-type']],
  ['ports that are no list', service('s', '').replace('[{ port: 80 }]', '80'), ['field-type']],
  ['a null is absent', service('s', '  annotations: ~\n'), []],
  [
    'both families asked for, no cluster IP known',
    annotated('s', { 'metallb.io/loadBalancerIPs': '192.0.2.3,2001:db8::1' }),
    ['request-refused'],
  ],
  [
    'a Service of another class',
    annotated('s', { 'metallb.io/loadBalancerIPs': 'x' }).replace('spec:\n', 'spec:\n  loadBalancerClass: cloud\n'),
    [],
  ],
  [
    'a pool for another namespace',
    `${PRODUCTION}    namespaces: [prod]\n---\n${annotated('s', { 'metallb.io/address-pool': 'production' })}`,
    ['request-refused'],
  ],
  [
    'a pool for namespaces by label: who these are is not in the files',
    `${PRODUCTION}    namespaceSelectors: [{ matchLabels: { env: prod } }]\n---\n${annotated('s', { 'metallb.io/address-pool': 'production' })}`,
    [],
  ],
  [
    'a kind that is gone',
    'apiVersion: metallb.io/v1beta1\nkind: AddressPool\nmetadata: { name: x }\n',
    ['kind-unknown'],
  ],
  [
    'a kind of the FRR operator',
    'apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: { name: x }\n',
    [],
  ],
  [
    'a version that is not served',
    POOL.replace('v1beta1', 'v1').replace('name: web', 'name: x'),
    ['api-version-unknown'],
  ],
  ['no name', 'apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {}\n', ['field-missing']],
  ['no metadata', 'apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\n', ['field-missing']],
  ['one name twice', POOL.replace('192.0.2.0/28', '10.0.0.0/24'), ['object-repeated']],
  [
    'an advertisement of a community that is nowhere',
    'apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: { name: x, namespace: metallb-system }\nspec: { communities: [mine] }\n',
    ['community-unknown'],
  ],
  [
    'a List',
    'apiVersion: v1\nkind: List\nitems:\n- apiVersion: metallb.io/v1beta1\n  kind: BFDProfile\n  metadata: { name: x, namespace: metallb-system }\n  spec: { detectMultiplier: 1 }\n',
    ['field-value'],
  ],
]

describe('rules', () => {
  for (const [what, yaml, rules] of ROWS) {
    test(`${what}: ${rules.join(', ') || 'nothing'}`, () => {
      const { value, exitCode } = linted({ 'a.yaml': POOL, 'b.yaml': yaml })
      assert.deepEqual(
        value.problems.map(({ rule }) => rule),
        rules,
      )
      assert.equal(exitCode, rules.length === 0 ? 0 : 1)
      for (const rule of rules) assert.ok(rule in ALL_RULES, rule)
    })
  }

  test('without pools in the files nothing is said of what they would grant', () => {
    assert.deepEqual(linted({ 'a.yaml': annotated('s', { 'metallb.io/address-pool': 'p' }) }).value.problems, [])
  })

  test('the second of two namesakes is at fault, and named by its own line', () => {
    const { text } = linted({ 'a.yaml': POOL, 'b.yaml': `# second\n${POOL.replace('192.0.2.0/28', '10.0.0.0/24')}` })
    assert.match(text, /^b\.yaml:5 IPAddressPool\/web metadata\.name: .* \[object-repeated\]/)
  })

  test('in the namespace that is given only', () => {
    const { text } = linted({ 'a.yaml': POOL }, { installNamespace: 'lb' })
    assert.match(text, /^a\.yaml:5 IPAddressPool\/web metadata\.namespace: lies in metallb-system, but only lb is read/)
  })

  test('of the class that is given', () => {
    const ours = annotated('s', { 'metallb.io/loadBalancerIPs': 'x' }).replace(
      'spec:\n',
      'spec:\n  loadBalancerClass: invar\n',
    )
    assert.equal(linted({ 'a.yaml': ours }, { lbClass: 'invar' }).exitCode, 1)
  })

  test('a password is not shown', () => {
    const peer =
      'apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: { name: x }\nspec: { myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, password: 12345 }\n'
    const { text, exitCode } = linted({ 'a.yaml': peer })
    assert.equal(exitCode, 1)
    assert.ok(!text.includes('12345'))
  })
})

describe('what cannot be read', () => {
  test('a file that is missing', () => {
    assert.throws(() => runLint([join(scratch, 'absent.yaml')], {}), {
      name: 'CannotRun',
      message: /^there is no file or folder .*absent\.yaml: /,
    })
  })
  test('a folder without manifests', () => {
    assert.throws(() => runLint([folder({ 'a.txt': '' })], {}), { message: /no \*\.yaml/ })
  })
  test('broken YAML, with its line', () => {
    assert.throws(() => runLint([folder({ 'a.yaml': `${POOL}---\nkind: [\n` })], {}), {
      message: /a\.yaml:\d+ is not YAML/,
    })
  })
})
