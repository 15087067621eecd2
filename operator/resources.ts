/** The resources of Kubernetes itself that Invar talks to, with the fields that it reads. */
import type { Condition } from '../core/status/index.ts'
import type { KubernetesObject, Resource } from './resource.ts'

export interface ServicePort {
  readonly name?: string
  /** Defaulted to `TCP` by the API server. */
  readonly protocol?: string
  readonly port: number
  readonly nodePort?: number
}

export interface LoadBalancerIngress {
  readonly ip?: string
  readonly hostname?: string
  /** Defaulted to `VIP` by the API server where `ip` is set. */
  readonly ipMode?: string
  readonly ports?: readonly unknown[]
}

/** core/v1 Service. */
export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string
    readonly clusterIP?: string
    readonly clusterIPs?: readonly string[]
    readonly ipFamilies?: readonly string[]
    readonly ipFamilyPolicy?: string
    readonly loadBalancerIP?: string
    readonly loadBalancerClass?: string
    readonly externalTrafficPolicy?: string
    readonly healthCheckNodePort?: number
    readonly ports?: readonly ServicePort[]
    readonly selector?: Readonly<Record<string, string>>
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] }
    readonly conditions?: readonly Condition[]
  }
}

/** core/v1 Node. */
export interface Node extends KubernetesObject {
  readonly spec?: {
    readonly unschedulable?: boolean
    readonly podCIDRs?: readonly string[]
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect?: string }[]
  }
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[]
  }
}

/** core/v1 Namespace. */
export interface Namespace extends KubernetesObject {
  readonly status?: { readonly phase?: string }
}

/** core/v1 Pod. */
export interface Pod extends KubernetesObject {
  readonly spec?: { readonly nodeName?: string }
  readonly status?: { readonly podIP?: string; readonly phase?: string }
}

/** core/v1 Secret; values are base64. */
export interface Secret extends KubernetesObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

/** core/v1 ConfigMap. */
export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>
}

/** discovery.k8s.io/v1 EndpointSlice. Its Service is named by the label `kubernetes.io/service-name`. */
export interface EndpointSlice extends KubernetesObject {
  readonly addressType?: string
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[]
    readonly nodeName?: string
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
  }[]
}

/** coordination.k8s.io/v1 Lease. Times are RFC 3339 with microseconds. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** core/v1 Event. */
export interface EventObject extends KubernetesObject {
  readonly involvedObject: ObjectReference
  readonly reason?: string
  readonly message?: string
  readonly type?: string
  readonly count?: number
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly source?: { readonly component?: string; readonly host?: string }
  readonly reportingComponent?: string
  readonly reportingInstance?: string
}

/** core/v1 ObjectReference, as events use it. */
export interface ObjectReference {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
  readonly resourceVersion?: string
}

function core<T extends KubernetesObject>(kind: string, plural: string, namespaced: boolean): Resource<T> {
  return { group: '', version: 'v1', plural, kind, namespaced }
}

export const SERVICES = core<Service>('Service', 'services', true)
export const NODES = core<Node>('Node', 'nodes', false)
export const NAMESPACES = core<Namespace>('Namespace', 'namespaces', false)
export const PODS = core<Pod>('Pod', 'pods', true)
export const SECRETS = core<Secret>('Secret', 'secrets', true)
export const CONFIG_MAPS = core<ConfigMap>('ConfigMap', 'configmaps', true)
export const EVENTS = core<EventObject>('Event', 'events', true)

/** Of which only the metadata is looked at. */
export const DAEMON_SETS: Resource = {
  group: 'apps',
  version: 'v1',
  plural: 'daemonsets',
  kind: 'DaemonSet',
  namespaced: true,
}

export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
}

export const LEASES: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}
