/** A cluster in few words, for the tests of what the commands make of one. */
import { DEFAULT_REQUEST_OPTIONS } from '../core/allocate/index.ts'
import { nodeViewOf } from '../core/announce/index.ts'
import { type ConfigResource, gather } from '../core/config/index.ts'
import type { Service } from '../operator/index.ts'
import { type ClusterState, DEFAULT_INSTALL_NAMESPACE } from './cluster-state.ts'

/** What is said of a Service of namespace `default`; the rest is ordinary. */
export interface ServiceWords {
  readonly has?: readonly string[]
  readonly pool?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly type?: string
  readonly loadBalancerClass?: string
  readonly clusterIPs?: readonly string[]
  readonly policy?: 'Cluster' | 'Local'
  readonly dualStack?: 'PreferDualStack' | 'RequireDualStack'
  readonly port?: number
}

export function serviceNamed(name: string, words: ServiceWords = {}): Service {
  const { has = [], pool, annotations = {}, type = 'LoadBalancer', clusterIPs = ['10.96.0.1'], port = 80 } = words
  const allocated = pool === undefined ? {} : { 'metallb.io/ip-allocated-from-pool': pool }
  return {
    metadata: { name, namespace: 'default', annotations: { ...annotations, ...allocated } },
    spec: {
      type,
      clusterIPs,
      ports: [{ port, protocol: 'TCP' }],
      externalTrafficPolicy: words.policy ?? 'Cluster',
      ...(words.loadBalancerClass === undefined ? {} : { loadBalancerClass: words.loadBalancerClass }),
      ...(words.dualStack === undefined ? {} : { ipFamilyPolicy: words.dualStack }),
    },
    status: { loadBalancer: { ingress: has.map((ip) => ({ ip })) } },
  }
}

export function clusterWith(
  configuration: readonly ConfigResource[],
  services: Readonly<Record<string, ServiceWords>> = {},
  nodes: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): ClusterState {
  const named = Object.entries(nodes).map(([name, labels]) => ({ name, labels }))
  return {
    resources: {
      ...gather(configuration),
      namespace: DEFAULT_INSTALL_NAMESPACE,
      namespaces: [{ name: 'default', labels: {} }],
      nodes: named,
    },
    nodes: named.map(({ name, labels }) => nodeViewOf({ metadata: { name, labels } })),
    services: Object.entries(services).map(([name, words]) => serviceNamed(name, words)),
    conflicts: [],
    request: DEFAULT_REQUEST_OPTIONS,
  }
}
