/** An installation of two nodes that is well, and words for what is not, for tests. */
import { DEFINITIONS, KINDS } from '../../crds/index.ts'
import { VERSION } from '../../runtime/version.ts'
import { announcedCluster } from '../announced-cluster.ts'
import { clusterWith } from '../described-cluster.ts'
import type { PodShape } from '../installation.ts'
import { type NodeRow, nodeRow } from '../nodes.ts'
import type { DefinitionShape, DoctorFacts, SchemaShape } from './facts.ts'

export const NAMESPACE = 'metallb-system'
const NOW = '2026-01-01T00:00:00Z'

export function podNamed(name: string, node: string, more: Partial<PodShape['status']> = {}): PodShape {
  const component = name.split('-')[0]!
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName: node,
      serviceAccountName: component,
      containers: [
        { name: component, image: `invar.dev/invar:${VERSION}`, args: [component, '--ml-secret-name=memberlist'] },
      ],
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [], ...more },
  }
}

/** A node that is well, but for these. */
export function nodeNamed(node: string, more: Partial<NodeRow> = {}): NodeRow {
  const well = nodeRow(
    {
      ...{
        node,
        ready: true,
        alive: ['node-a', 'node-b'].filter((other) => other !== node),
        uplinks: [],
        faults: [],
        sessions: [],
      },
      interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', usable: true }],
      kernel: { links: [linkNamed('all'), linkNamed('eth0')], forwards: true, hasIpvs: false, ports: [] },
    },
    VERSION,
  )
  return { ...well, ...more }
}

export function linkNamed(name: string, more: Partial<NodeRow['kernel']['links'][number]> = {}) {
  return { name, rpFilter: 0, arpIgnore: 0, arpAnnounce: 0, ...more }
}

export function known<T>(value: T) {
  return { kind: 'known', value } as const
}

function definitions(): readonly DefinitionShape[] {
  return KINDS.map((kind) => ({
    metadata: { name: `${DEFINITIONS[kind].plural}.metallb.io` },
    spec: {
      names: { kind },
      versions: [{ name: 'v1beta1', schema: { openAPIV3Schema: DEFINITIONS[kind].schema as SchemaShape } }],
    },
  }))
}

/** Nothing is wrong but what `more` says. */
export function factsWith(more: Partial<DoctorFacts> = {}): DoctorFacts {
  return {
    cluster: announcedCluster(clusterWith([], {}, { 'node-a': {}, 'node-b': {} }), [], []),
    installation: {
      namespace: NAMESPACE,
      controllers: [podNamed('controller-1', 'node-a')],
      speakers: [podNamed('speaker-a', 'node-a'), podNamed('speaker-b', 'node-b')],
      lease: { holder: 'controller-1_x', acquiredAt: NOW, renewedAt: NOW, durationSeconds: 15 },
    },
    states: [],
    nodes: [nodeNamed('node-a'), nodeNamed('node-b')],
    unanswered: [],
    nowMs: Date.parse(NOW) + 1_000,
    version: VERSION,
    rawNodes: ['node-a', 'node-b'].map((name) => ({ metadata: { name } })),
    namespaceLabels: { 'pod-security.kubernetes.io/enforce': 'privileged' },
    workloads: known([]),
    systemPods: known([]),
    ciliumPools: known(0),
    kubeProxy: known(undefined),
    definitions: known(definitions()),
    webhooks: known({
      metadata: { name: 'metallb-webhook-configuration' },
      webhooks: [{ name: 'pools', failurePolicy: 'Ignore', clientConfig: { caBundle: 'Q0E=' } }],
    }),
    webhookEndpoints: known(1),
    membershipSecret: known({ name: 'memberlist', isThere: true, hasKey: true }),
    missingRights: known([]),
    lastWords: new Map(),
    ...more,
  }
}
