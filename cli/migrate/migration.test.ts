import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { gather } from '../../core/config/index.ts'
import type { KubernetesObject, Secret, Service } from '../../operator/index.ts'
import { l2, NAMESPACE, pool } from '../../testkit/resources.ts'
import type { ClusterState } from '../cluster-state.ts'
import { rendered, UNPAINTED } from '../report.ts'
import { DAEMON_SET_WORKLOADS, type Workload } from '../workloads.ts'
import { FINDINGS } from './findings.ts'
import { type Found, isInvar, isMetalLb } from './found.ts'
import { recordsOfMetalLb } from './helm-records.ts'
import { judgeMigration } from './migration.ts'
import { migrationReport } from './migration-report.ts'
import { settingsOf } from './settings.ts'

interface Given {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly image?: string
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly templateLabels?: Readonly<Record<string, string>>
}

function workload(name: string, given: Given = {}): Workload {
  const { labels = { app: 'metallb', component: name }, annotations = {}, args = [], env = [] } = given
  const image = given.image ?? `quay.io/metallb/${name}:v0.15.2`
  const template = {
    metadata: { labels: given.templateLabels ?? labels },
    spec: { containers: [{ name, image, args, env }] },
  }
  return { metadata: { name, namespace: NAMESPACE, labels, annotations }, spec: { template } }
}

const NOTHING: Found = {
  namespace: NAMESPACE,
  ...{ controllers: [], speakers: [], frr: [], leftPods: [], invar: {}, definitions: [], configMaps: [] },
  ...{ frrConfigurations: [], ownedSecrets: [], remains: [], releaseRecords: [] },
}
const METALLB: Found = { ...NOTHING, controllers: [workload('controller')], speakers: [workload('speaker')] }
const INVAR: Found = { ...NOTHING, invar: { controller: workload('controller'), speaker: workload('speaker') } }

function object(name: string, meta: Partial<KubernetesObject['metadata']> = {}): KubernetesObject {
  return { metadata: { name, namespace: NAMESPACE, ...meta } }
}

function state(services: readonly Service[] = []): ClusterState {
  const resources = { ...gather([pool('web', { addresses: ['192.0.2.0/30'] }), l2('all')]), namespace: NAMESPACE }
  const request = { loadBalancerClass: '', sharingStaysInNamespace: false }
  return { resources, nodes: [], services, conflicts: [], request }
}

function service(name: string, ip: string): Service {
  const spec = { type: 'LoadBalancer', clusterIP: '10.0.0.1', ipFamilies: ['IPv4'], ports: [{ port: 80 }] }
  return { metadata: { name, namespace: 'default' }, spec, status: { loadBalancer: { ingress: [{ ip }] } } }
}

describe('whose a workload is', () => {
  const rows: readonly (readonly [name: string, Workload, isTheirs: boolean])[] = [
    ["MetalLB's manifests", workload('speaker'), true],
    [
      "MetalLB's chart",
      workload('speaker', {
        labels: { 'app.kubernetes.io/name': 'metallb', 'app.kubernetes.io/component': 'speaker' },
      }),
      true,
    ],
    [
      'a chart of a name of its own, by the image',
      workload('speaker', {
        labels: { 'app.kubernetes.io/name': 'lb', 'app.kubernetes.io/component': 'speaker' },
        image: 'registry.example/mirror/metallb/speaker@sha256:00',
      }),
      true,
    ],
    [
      'Invar under the labels of MetalLB',
      workload('speaker', { templateLabels: { 'invar.dev/program': 'speaker' } }),
      false,
    ],
    ['another component', workload('controller'), false],
    ['somebody else', workload('speaker', { labels: { component: 'speaker' }, image: 'example/speaker:1' }), false],
  ]
  for (const [name, given, isTheirs] of rows) {
    test(name, () => assert.equal(isMetalLb(given, 'speaker'), isTheirs))
  }

  test("Invar's own", () => {
    const ours = workload('speaker', { templateLabels: { 'invar.dev/program': 'speaker' } })
    assert.deepEqual([isInvar(ours), isInvar(ours, 'speaker'), isInvar(ours, 'controller')], [true, true, false])
  })
})

describe('where it stands', () => {
  const leftPods = [object('speaker-x')]
  const rows: readonly (readonly [phase: string, Found, steps: readonly RegExp[]])[] = [
    ['nothing-to-do', NOTHING, []],
    ['nothing-to-do', INVAR, []],
    [
      'metallb-works',
      METALLB,
      [
        /^scale Deployment metallb-system\/controller to 0/,
        /^delete Deployment/,
        /^delete DaemonSet .* without its Pods/,
      ],
    ],
    ['invar-missing', { ...NOTHING, leftPods }, []],
    [
      'hand-over',
      { ...INVAR, leftPods },
      [/^wait until Deployment/, /^end Pod metallb-system\/speaker-x/, /^wait until DaemonSet/],
    ],
    [
      'remains',
      { ...INVAR, remains: [{ resource: DAEMON_SET_WORKLOADS, object: object('old') }] },
      [/^delete DaemonSet metallb-system\/old: nobody uses it/],
    ],
  ]
  for (const [phase, found, steps] of rows) {
    test(`${phase}, ${steps.length} steps`, () => {
      const { migration } = judgeMigration(found, state())
      assert.equal(migration.phase, phase)
      assert.equal(migration.steps.length, steps.length)
      for (const [index, step] of steps.entries()) assert.match(migration.steps[index]!, step)
    })
  }

  test('what would refuse every change once nobody answers goes before what answers is deleted', () => {
    const definition = {
      ...object('bgppeers.metallb.io'),
      spec: { conversion: { strategy: 'Webhook' } },
      status: { storedVersions: ['v1beta1', 'v1beta2'] },
    }
    const { migration } = judgeMigration(
      { ...METALLB, webhooks: object('metallb-webhook-configuration'), definitions: [definition] },
      state(),
    )
    assert.match(migration.steps[1]!, /^delete ValidatingWebhookConfiguration/)
    assert.match(migration.steps[2]!, /^switch the conversion webhook of CustomResourceDefinition bgppeers/)
    assert.match(migration.steps[3]!, /^delete Deployment/)
  })

  test('the key that the Deployment owns is kept, or Invar would lose it when that is collected', () => {
    const { migration } = judgeMigration({ ...METALLB, ownedSecrets: [object('memberlist')] }, state())
    assert.match(migration.steps[1]!, /^take the owner off Secret metallb-system\/memberlist/)
    assert.match(migration.steps[2]!, /^delete Deployment/)
  })

  test('a release of helm is upgraded, plain manifests are applied', () => {
    assert.deepEqual(judgeMigration(METALLB, state()).migration.next, [
      'kubectl apply -k deploy/',
      'invarctl migrate from-metallb --yes',
    ])
    const annotations = { 'meta.helm.sh/release-name': 'lb' }
    const byHelm = { ...METALLB, controllers: [workload('controller', { annotations })] }
    assert.match(
      judgeMigration(byHelm, state()).migration.next[1]!,
      /^helm upgrade lb charts\/invar --namespace metallb-system/,
    )
  })

  test('FRR stops for the routers before Invar calls them', () => {
    const frr = [{ resource: DAEMON_SET_WORKLOADS, object: workload('frr-k8s') }]
    const frrConfigurations = [object('metallb-node-a')]
    const { migration } = judgeMigration({ ...INVAR, frr, frrConfigurations, leftPods }, state())
    assert.match(migration.steps[1]!, /^delete FRRConfiguration metallb-system\/metallb-node-a/)
    assert.match(migration.steps[2]!, /^delete DaemonSet metallb-system\/frr-k8s/)
    assert.match(migration.steps[3]!, /^end Pod/)
    assert.equal(migration.steps.length, 5)
  })

  test('FRR stays for a user who gives it configuration of his own', () => {
    const frr = [{ resource: DAEMON_SET_WORKLOADS, object: workload('frr-k8s') }]
    const frrConfigurations = [object('metallb-node-a'), object('mine')]
    const handingOver = judgeMigration({ ...INVAR, frr, frrConfigurations, leftPods }, state()).migration
    assert.ok(!handingOver.steps.some((step) => /mine|frr-k8s/.test(step)))
    const after = judgeMigration({ ...INVAR, frr, frrConfigurations: [object('mine')] }, state()).migration
    assert.deepEqual([after.phase, after.steps], ['nothing-to-do', []])
  })
})

describe('what is found', () => {
  const argo = { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } }
  const frr = { env: [{ name: 'METALLB_BGP_TYPE', value: 'frr' }] }
  const broken = { ...state(), resources: { ...state().resources, pools: [pool('web', { addresses: ['192.0.2.1'] })] } }
  const rows: readonly (readonly [code: keyof typeof FINDINGS, Found, ClusterState | undefined, message: RegExp])[] = [
    [
      'address-not-kept',
      METALLB,
      state([service('web', '203.0.113.9')]),
      /default\/web would move from 203\.0\.113\.9 to/,
    ],
    ['definitions-missing', METALLB, undefined, /older than 0\.13/],
    [
      'configuration-before-0.13',
      { ...METALLB, configMaps: [{ ...object('config'), data: { config: 'address-pools: []' } }] },
      { ...state(), resources: { ...gather([]), namespace: NAMESPACE } },
      /ConfigMap config/,
    ],
    ['address-pools', { ...METALLB, definitions: [object('addresspools.metallb.io')] }, state(), /AddressPool/],
    ['gitops-owner', { ...METALLB, speakers: [workload('speaker', argo)] }, state(), /Argo CD/],
    [
      'helm-uninstall',
      { ...METALLB, releaseRecords: [record('lb', 1, 'metallb')] },
      state(),
      /helm uninstall lb would/,
    ],
    ['bgp-mode', { ...METALLB, speakers: [workload('speaker', frr)] }, state(), /BGP mode is frr/],
    ['frr-configuration', { ...METALLB, frrConfigurations: [object('mine')] }, state(), /metallb-system\/mine/],
    ['bgp-extras', { ...METALLB, configMaps: [object('bgpextras')] }, state(), /bgpextras/],
    ['flag-carried', flagged('--lb-class=example.com/lan'), state(), /loadBalancerClass=example\.com\/lan/],
    ['flag-without-effect', flagged('--ml-wan-config'), state(), /--ml-wan-config has no effect/],
    ['flag-unknown', flagged('--new'), state(), /--new is not known/],
    ['object-not-in-force', METALLB, broken, /IPAddressPool web.*bare address/],
    [
      'peers-stored-as-v1beta1',
      {
        ...METALLB,
        definitions: [{ ...object('bgppeers.metallb.io'), status: { storedVersions: ['v1beta1', 'v1beta2'] } }],
      },
      state(),
      /stored as v1beta1/,
    ],
  ]
  for (const [code, found, cluster, message] of rows) {
    test(code, () => {
      const { migration } = judgeMigration(found, cluster)
      const finding = migration.findings.find((one) => one.code === code)
      assert.match(finding?.message ?? '', message)
    })
  }

  test('every code has its row', () => {
    assert.deepEqual(new Set(rows.map(([code]) => code)), new Set(Object.keys(FINDINGS)))
  })

  test('an installation as its manifests make it is worth no word', () => {
    assert.deepEqual(judgeMigration(METALLB, state([service('web', '192.0.2.1')])).migration.findings, [])
  })

  test('flags that the manifests of either set are not mentioned', () => {
    const args = ['--port=7472', '--log-level=info', '--ml-labels=app=metallb', '--namespace=x']
    assert.deepEqual(settingsOf([workload('speaker', { args })], 'speaker'), [])
  })
})

function flagged(...args: readonly string[]): Found {
  return { ...METALLB, speakers: [workload('speaker', { args })] }
}

describe('what is printed', () => {
  test('what stops it stands first and gives the exit code', () => {
    const { migration } = judgeMigration(METALLB, state([service('web', '203.0.113.9')]))
    const report = migrationReport(migration, 'refused')
    assert.equal(report.exitCode, 1)
    const text = rendered(report, 'text', UNPAINTED)
    assert.match(
      text,
      /^MetalLB v0\.15\.2 in namespace metallb-system, by plain manifests, BGP mode native: 1 pool, 0 BGP peers, 1 Service\.\n\nTo be mended first/,
    )
    assert.match(text, /Not done:\n {2}1\. scale/)
    assert.doesNotMatch(text, /Then run|Now run/)
  })

  test('a look says what is to be run', () => {
    const report = migrationReport(judgeMigration(METALLB, state()).migration, 'looked')
    assert.equal(report.exitCode, 0)
    assert.match(
      rendered(report, 'text', UNPAINTED),
      /With --yes, this is done:\n[\s\S]*\nThen run:\n {2}kubectl apply -k deploy\//,
    )
  })
})

function record(release: string, version: number, chart: string): Secret {
  const packed = gzipSync(JSON.stringify({ chart: { metadata: { name: chart } } })).toString('base64')
  const labels = { owner: 'helm', name: release, version: String(version) }
  const data = { release: Buffer.from(packed).toString('base64') }
  return { ...object(`sh.helm.release.v1.${release}.v${version}`, { labels }), type: 'helm.sh/release.v1', data }
}

describe('what helm remembers', () => {
  test('a release that is MetalLB’s now, with all its revisions', () => {
    const records = [record('lb', 1, 'metallb'), record('lb', 2, 'metallb'), record('web', 1, 'nginx')]
    assert.deepEqual(recordsOfMetalLb(records), records.slice(0, 2))
  })

  test('a release that was upgraded to Invar is left alone, the tenth revision coming after the ninth', () => {
    assert.deepEqual(recordsOfMetalLb([record('lb', 9, 'metallb'), record('lb', 10, 'invar')]), [])
  })

  test('a record in another form is nobody’s', () => {
    const strange = { ...record('lb', 1, 'metallb'), data: { release: 'bm90IGd6aXA=' } }
    assert.deepEqual(recordsOfMetalLb([strange]), [])
  })
})
