import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubernetesObject } from '../../operator/index.ts'
import { l2, peer, pool } from '../../testkit/resources.ts'
import { announcedCluster } from '../announced-cluster.ts'
import { clusterWith, serviceNamed } from '../described-cluster.ts'
import { rendered, UNPAINTED } from '../report.ts'
import type { Workload } from '../workloads.ts'
import { factsWith, known, linkNamed, NAMESPACE, nodeNamed, podNamed } from './described-facts.ts'
import { examine } from './examine.ts'
import type { DoctorFacts } from './facts.ts'
import { CHECK_IDS, CHECKS, type CheckId, type Severity } from './finding.ts'
import { lastWordsOf } from './last-words.ts'
import { doctorReport } from './report.ts'

const INSTALLATION = factsWith().installation
const WELL = nodeNamed('node-a').kernel
const NODE_B = nodeNamed('node-b')

function withNode(more: Parameters<typeof nodeNamed>[1]): Partial<DoctorFacts> {
  return { nodes: [nodeNamed('node-a', more), NODE_B] }
}

function withCluster(...[objects, services = {}]: Parameters<typeof clusterWith>): Partial<DoctorFacts> {
  return { cluster: announcedCluster(clusterWith(objects, services, { 'node-a': {}, 'node-b': {} }), [], []) }
}

function workload(kind: string, name: string, image: string, more: object = {}): Workload {
  const metadata = { name, namespace: 'other' }
  return { kind, metadata, spec: { template: { spec: { containers: [{ name, image, ...more }] } } } }
}

/** A definition of before a field was there. */
function withoutField(kind: string, field: string): Partial<DoctorFacts> {
  const { definitions } = factsWith()
  assert.ok(definitions.kind === 'known')
  const old = JSON.parse(JSON.stringify(definitions.value))
  const found = old.find(({ spec }: { spec: { names: { kind: string } } }) => spec.names.kind === kind)
  delete found.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties[field]
  return { definitions: known(old) }
}

function writtenBy(manager: string, time: string): Partial<DoctorFacts> {
  const service = serviceNamed('web', { has: ['192.0.2.1'] })
  const managedFields = [{ manager, time, subresource: 'status', fieldsV1: { 'f:status': { 'f:loadBalancer': {} } } }]
  const metadata = { ...service.metadata, managedFields } as KubernetesObject['metadata']
  const state = { ...clusterWith([]), services: [{ ...service, metadata }] }
  return { cluster: announcedCluster(state, [], []) }
}

const IN_USE = '{"ts":"x","level":"error","event":"ended","msg":"listen EADDRINUSE: address already in use :::9120"}'
const CRASHED = podNamed('speaker-a', 'node-a', {
  conditions: [],
  containerStatuses: [
    { name: 'speaker', restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } } },
  ],
})
const CONFLICT = { 'default/web': [{ address: '192.0.2.1', reason: 'ForeignClaim', because: 'eth0: 02:… uses it' }] }
const RIGHT = { component: 'speaker', scope: 'cluster', group: '', resource: 'services', subresource: '', name: '' }

/** A speaker that finds its port taken. */
const FALLEN: Partial<DoctorFacts> = {
  installation: { ...INSTALLATION, speakers: [CRASHED, podNamed('speaker-b', 'node-b')] },
  lastWords: new Map([['speaker-a', lastWordsOf(`starting\n${IN_USE}\n`)]]),
}

const WITHOUT_MEMBERSHIP: Partial<DoctorFacts> = {
  nodes: ['node-a', 'node-b'].map((name) => nodeNamed(name, { alive: [] })),
  installation: {
    ...INSTALLATION,
    speakers: INSTALLATION.speakers.map((pod) => ({ ...pod, spec: { ...pod.spec, containers: [] } })),
  },
}

type Fault = readonly [about: string, facts: Partial<DoctorFacts>, id: CheckId, severity: Severity, told: RegExp]

const FAULTS: readonly Fault[] = [
  [
    'a definition is missing',
    { definitions: known([]) },
    'crd-missing',
    'error',
    /bfdprofiles\.metallb\.io: is not there/,
  ],
  [
    'a field is missing',
    withoutField('BGPPeer', 'localASN'),
    'crd-outdated',
    'error',
    /does not know v1beta1\.spec\.localASN: the API server drops/,
  ],
  [
    'pod security',
    { namespaceLabels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
    'namespace-restricted',
    'error',
    /Namespace metallb-system: enforces .*"baseline"/,
  ],
  [
    'a right',
    {
      missingRights: known([
        { account: 'speaker', verb: 'watch', right: { ...RIGHT, verbs: ['list', 'watch'] } as never },
      ]),
    },
    'right-missing',
    'error',
    /ServiceAccount metallb-system\/speaker: may not watch services/,
  ],
  [
    'no controller',
    { installation: { ...INSTALLATION, controllers: [] } },
    'controller-down',
    'error',
    /no Pod of a controller/,
  ],
  [
    'no leader',
    { nowMs: Date.parse('2026-01-01T01:00:00Z') },
    'controller-down',
    'error',
    /no controller has renewed the Lease since 2026-01-01T00:00:00Z/,
  ],
  [
    'a speaker crashes',
    { installation: { ...INSTALLATION, speakers: [CRASHED, podNamed('speaker-b', 'node-b')] } },
    'speaker-down',
    'error',
    /Pod metallb-system\/speaker-a: is not ready: CrashLoopBackOff: back-off 40s \(restarted 3 times\).*\n .*--previous/,
  ],
  [
    'a speaker waits',
    withNode({ ready: false, waitsFor: 'waiting for the key' }),
    'speaker-down',
    'error',
    /Node node-a: its speaker waits: waiting for the key/,
  ],
  [
    'a speaker is silent',
    { nodes: [NODE_B], unanswered: [{ node: 'node-a', because: 'no answer' }] },
    'speaker-down',
    'warning',
    /Node node-a: its speaker cannot be asked: no answer/,
  ],
  ['no speakers', { installation: { ...INSTALLATION, speakers: [] } }, 'speaker-down', 'error', /no Pod of a speaker/],
  [
    'a node without',
    {
      rawNodes: [
        ...factsWith().rawNodes,
        { metadata: { name: 'node-c' }, spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } },
      ],
    },
    'speaker-missing',
    'warning',
    /Node node-c: runs no speaker; it is tainted with gpu/,
  ],
  [
    'an old speaker',
    withNode({ version: '0.0.1' }),
    'version-skew',
    'warning',
    /Pod metallb-system\/speaker-a: runs version 0\.0\.1, this invarctl is/,
  ],
  [
    'no key',
    { membershipSecret: known({ name: 'memberlist', isThere: false, hasKey: false }) },
    'membership-secret',
    'error',
    /Secret metallb-system\/memberlist: is not there/,
  ],
  [
    'an empty key',
    { membershipSecret: known({ name: 'memberlist', isThere: true, hasKey: false }) },
    'membership-secret',
    'error',
    /has no secretkey/,
  ],
  [
    'one deaf ear',
    withNode({ alive: [] }),
    'members-unheard',
    'error',
    /Node node-a: its speaker does not hear node-b/,
  ],
  [
    'a port',
    withNode({
      kernel: { ...WELL, ports: [{ purpose: 'heartbeats', protocol: 'udp', port: 7946, heldBy: 'others' }] },
    }),
    'port-taken',
    'error',
    /another program holds udp port 7946 \(heartbeats of the speaker\).*\n +find it with ss -lunp/,
  ],
  [
    'a port, as the speaker says that ends of it',
    FALLEN,
    'port-taken',
    'error',
    /Pod metallb-system\/speaker-a: could not start: another program holds port 9120/,
  ],
  [
    'last words',
    FALLEN,
    'speaker-down',
    'error',
    /restarted 3 times\); its last words: listen EADDRINUSE: address already in use :::9120 \[/,
  ],
  [
    "MetalLB's port",
    withNode({
      kernel: { ...WELL, ports: [{ purpose: "MetalLB's metrics", protocol: 'tcp', port: 7472, heldBy: 'others' }] },
    }),
    'port-taken',
    'warning',
    /holds tcp port 7472 .*a speaker of MetalLB may be left there/,
  ],
  [
    'a socket',
    withNode({ faults: [{ code: 'EPERM', message: 'arp on eth0: EPERM', at: 'now' }] }),
    'socket-fault',
    'warning',
    /arp on eth0: EPERM \(now\).*\n +the speaker needs the capability NET_RAW/,
  ],
  [
    'MetalLB',
    { workloads: known([workload('DaemonSet', 'speaker', 'quay.io/metallb/speaker:v0.16.1')]) },
    'rival-load-balancer',
    'error',
    /DaemonSet other\/speaker: MetalLB runs here/,
  ],
  [
    'kube-vip',
    {
      workloads: known([
        workload('DaemonSet', 'kube-vip', 'ghcr.io/kube-vip/kube-vip:v1.0.0', {
          env: [{ name: 'svc_enable', value: 'true' }],
        }),
      ]),
    },
    'rival-load-balancer',
    'error',
    /kube-vip runs here.*\n +set its svc_enable/,
  ],
  [
    'kube-vip as a static Pod',
    {
      systemPods: known([
        {
          ...podNamed('kube-vip-a', 'node-a'),
          spec: {
            containers: [
              { name: 'kube-vip', image: 'kube-vip/kube-vip:v1', env: [{ name: 'svc_enable', value: 'true' }] },
            ],
          },
        },
      ]),
    },
    'rival-load-balancer',
    'error',
    /Pod metallb-system\/kube-vip-a: kube-vip runs here/,
  ],
  [
    'ServiceLB',
    {
      workloads: known([
        {
          ...workload('DaemonSet', 'svclb-web', 'rancher/klipper-lb:v0.4'),
          metadata: {
            name: 'svclb-web',
            namespace: 'kube-system',
            labels: { 'svccontroller.k3s.cattle.io/svcname': 'web' },
          },
        },
      ]),
    },
    'rival-load-balancer',
    'error',
    /DaemonSet kube-system\/svclb-web: ServiceLB of K3s serves a Service/,
  ],
  [
    'Cilium',
    { ciliumPools: known(2) },
    'rival-load-balancer',
    'error',
    /Cilium gives addresses to Services too: it has 2 pools/,
  ],
  [
    'another writer',
    writtenBy('kube-vip', '2026-01-01T00:00:05Z'),
    'status-written-by-others',
    'error',
    /Service default\/web: "kube-vip" wrote the addresses of its status after/,
  ],
  [
    'no caBundle',
    {
      webhooks: known({
        metadata: { name: 'x' },
        webhooks: [{ name: 'pools', failurePolicy: 'Fail', clientConfig: {} }],
      }),
    },
    'webhook-untrusted',
    'error',
    /1 of 1 webhooks have no caBundle: the API server refuses changes/,
  ],
  [
    'nobody behind the webhook',
    { webhookEndpoints: known(0) },
    'webhook-unreachable',
    'error',
    /Service metallb-system\/metallb-webhook-service: has no endpoint/,
  ],
  [
    'IPVS',
    withNode({ kernel: { ...WELL, hasIpvs: true } }),
    'strict-arp',
    'error',
    /Node node-a: kube-proxy works with IPVS and arp_ignore is 0/,
  ],
  [
    'IPVS, as configured',
    {
      nodes: [],
      kubeProxy: known({
        metadata: { name: 'kube-proxy' },
        data: { 'config.conf': 'mode: ipvs\nipvs: { strictARP: false }\n' },
      }),
    },
    'strict-arp',
    'error',
    /ConfigMap kube-system\/kube-proxy: mode is ipvs and strictARP is false/,
  ],
  [
    'a strict filter',
    withNode({
      interfaces: ['eth0', 'eth1'].map((name) => ({ name, mac: '02:00:00:00:00:01', usable: true })),
      kernel: {
        ...WELL,
        links: [linkNamed('all'), linkNamed('eth0', { rpFilter: 1 }), linkNamed('eth1', { rpFilter: 2 })],
      },
    }),
    'rp-filter',
    'warning',
    /rp_filter is strict on eth0, and the node has 2 links/,
  ],
  [
    'no link',
    withNode({ interfaces: [{ name: 'eth0', mac: '', usable: false, because: 'down' }] }),
    'link-down',
    'error',
    /has no link that addresses can be announced on: eth0 \(down\)/,
  ],
  [
    'no carrier',
    withNode({
      interfaces: [...nodeNamed('x').interfaces, { name: 'eth1', mac: '', usable: false, because: 'no-carrier' }],
    }),
    'link-down',
    'notice',
    /link eth1 has no carrier/,
  ],
  [
    'no gateway',
    withNode({ uplinks: [{ interface: 'eth0', target: '192.0.2.1', reachable: false }] }),
    'uplink-lost',
    'error',
    /192\.0\.2\.1 does not answer by eth0/,
  ],
  [
    'a label',
    {
      rawNodes: [
        { metadata: { name: 'node-a', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } },
        { metadata: { name: 'node-b' } },
      ],
    },
    'node-excluded',
    'notice',
    /Node node-a: has the label/,
  ],
  [
    'the label on all',
    {
      rawNodes: ['node-a', 'node-b'].map((name) => ({
        metadata: { name, labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
      })),
    },
    'node-excluded',
    'error',
    /as all nodes have: no address is announced/,
  ],
  [
    'a session',
    withNode({ sessions: [{ peer: 'tor', state: 'Active', because: 'refused' }] }),
    'session-down',
    'error',
    /BGPPeer tor: node-a has no session with it \(Active\): refused/,
  ],
  [
    'a bad object',
    withCluster([pool('web', { addresses: ['10.0.0.1'] })]),
    'configuration-problem',
    'error',
    /IPAddressPool metallb-system\/web: .*bare address/,
  ],
  [
    'a reference',
    withCluster([peer('tor', { bfdProfile: 'absent' })]),
    'configuration-problem',
    'warning',
    /BGPPeer metallb-system\/tor: .*absent/,
  ],
  [
    'the address of a node',
    {
      ...withCluster([pool('web'), l2('all')]),
      rawNodes: [
        { metadata: { name: 'node-a' }, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.9' }] } },
        { metadata: { name: 'node-b' } },
      ],
    },
    'pool-overlaps',
    'error',
    /IPAddressPool metallb-system\/web: contains 192\.0\.2\.9, the InternalIP of node node-a/,
  ],
  [
    'addresses of Pods',
    {
      ...withCluster([pool('web', { addresses: ['10.1.2.0/24'] }), l2('all')]),
      rawNodes: [
        { metadata: { name: 'node-a' }, spec: { podCIDRs: ['10.1.0.0/16'] } },
        { metadata: { name: 'node-b' } },
      ],
    },
    'pool-overlaps',
    'error',
    /contains addresses of the Pods of node node-a \(10\.1\.0\.0\/16\)/,
  ],
  [
    'a cluster IP',
    withCluster([pool('web', { addresses: ['10.96.0.0/24'] }), l2('all')], { shop: {} }),
    'pool-overlaps',
    'error',
    /contains 10\.96\.0\.1, the cluster IP of Service default\/shop/,
  ],
  [
    'no advertisement',
    withCluster([pool('web')], { shop: { has: ['192.0.2.1'], pool: 'web' } }),
    'pool-not-announced',
    'error',
    /no L2Advertisement or BGPAdvertisement reaches it, and a Service holds an address of it/,
  ],
  [
    'no advertisement yet',
    withCluster([pool('web')]),
    'pool-not-announced',
    'notice',
    /no L2Advertisement or BGPAdvertisement reaches it \[/,
  ],
  [
    'a conflict',
    { cluster: { ...factsWith().cluster, conflicts: new Map(Object.entries(CONFLICT)) as never } },
    'address-conflict',
    'error',
    /Service default\/web: eth0: 02:… uses it/,
  ],
]

describe('doctor', () => {
  test('of an installation that is well has nothing to say', () => {
    const diagnosis = examine(factsWith())
    assert.deepEqual(diagnosis.findings, [])
    assert.ok(diagnosis.checks.every(({ outcome }) => outcome === 'well'))
    const report = doctorReport(diagnosis)
    assert.equal(report.exitCode, 0)
    assert.equal(rendered(report, 'text', UNPAINTED), `nothing wrong in ${CHECK_IDS.length} checks\n`)
  })

  for (const [about, facts, id, severity, told] of FAULTS) {
    test(`finds ${about}`, () => {
      const diagnosis = examine(factsWith(facts))
      const found = diagnosis.findings.filter((finding) => finding.id === id)
      assert.ok(
        found.some((finding) => finding.severity === severity),
        JSON.stringify(diagnosis.findings),
      )
      const report = doctorReport({ ...diagnosis, findings: found })
      assert.match(rendered(report, 'text', UNPAINTED), told)
      assert.equal(report.exitCode, severity === 'notice' && found.length === 1 ? 0 : 1)
      assert.ok(found.every(({ remedy }) => remedy.length > 10))
    })
  }

  test('every check has a fault here that it finds', () => {
    const found = new Set(FAULTS.map(([, , id]) => id))
    assert.deepEqual(
      CHECK_IDS.filter((id) => !found.has(id)),
      [],
    )
  })

  const SOUND: readonly [about: string, facts: Partial<DoctorFacts>, id: CheckId][] = [
    [
      'kube-vip for the control plane alone',
      { workloads: known([workload('DaemonSet', 'kube-vip', 'kube-vip/kube-vip:v1')]) },
      'rival-load-balancer',
    ],
    [
      "Invar's own programs",
      { workloads: known([workload('DaemonSet', 'speaker', 'invar.dev/invar:0.1.0')]) },
      'rival-load-balancer',
    ],
    ['what MetalLB wrote before', writtenBy('controller', '2025-12-31T00:00:00Z'), 'status-written-by-others'],
    ['what Invar wrote', writtenBy('invar-controller', '2026-01-01T00:00:05Z'), 'status-written-by-others'],
    [
      'IPVS with strict ARP',
      withNode({ kernel: { ...WELL, hasIpvs: true, links: [linkNamed('all', { arpIgnore: 1 })] } }),
      'strict-arp',
    ],
    [
      'a strict filter on the only link',
      withNode({ kernel: { ...WELL, links: [linkNamed('all', { rpFilter: 1 }), linkNamed('eth0')] } }),
      'rp-filter',
    ],
    ['no membership', WITHOUT_MEMBERSHIP, 'members-unheard'],
  ]
  for (const [about, facts, id] of SOUND) {
    test(`does not mind ${about}`, () => {
      assert.equal(examine(factsWith(facts)).checks.find((check) => check.id === id)?.outcome, 'well')
    })
  }

  test('says what it could not look at', () => {
    const diagnosis = examine(factsWith({ workloads: { kind: 'unknown', because: 'list daemonsets: forbidden' } }))
    const text = rendered(doctorReport(diagnosis), 'text', UNPAINTED)
    assert.equal(
      text,
      `skipped rival-load-balancer: list daemonsets: forbidden\nnothing wrong in ${CHECK_IDS.length - 1} checks\n`,
    )
  })

  test('the worst comes first; -o wide lists every check', () => {
    const diagnosis = examine(factsWith({ ...withNode({ version: '0.0.1' }), webhookEndpoints: known(0) }))
    assert.deepEqual(
      diagnosis.findings.map(({ severity }) => severity),
      ['error', 'warning'],
    )
    const text = rendered(doctorReport(diagnosis), 'wide', UNPAINTED)
    for (const id of CHECK_IDS) assert.ok(text.includes(`${id}: ${CHECKS[id]}`), id)
    assert.match(text, /\n1 error and 1 warning in \d+ checks\n$/)
    assert.ok(text.includes(`Service ${NAMESPACE}/metallb-webhook-service`))
  })
})
