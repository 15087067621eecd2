import type { Service } from '../operator/index.ts'

/** Annotations that decide over an address, or show what was decided. */
const ANNOTATION = /^metallb\.(io|universe\.tf)\/(address-pool|loadBalancerIPs|allow-shared-ip|ip-allocated-from-pool)$/

/** What the controller keeps in memory of a Service: what it decides by, and what it compares its writes with. */
export function keepService({ metadata, spec = {}, status }: Service): Service {
  const { name, namespace, uid, resourceVersion, labels, annotations = {}, creationTimestamp } = metadata
  const { deletionTimestamp, finalizers } = metadata
  const { type, loadBalancerIP, loadBalancerClass, ipFamilyPolicy, ipFamilies, clusterIP, clusterIPs } = spec
  const { externalTrafficPolicy, selector, ports } = spec
  const relevant = Object.entries(annotations).filter(([key]) => ANNOTATION.test(key))
  const isOfInterest =
    type === 'LoadBalancer' || relevant.length > 0 || (status?.loadBalancer?.ingress ?? []).length > 0
  const identity = defined({ name, namespace, uid, resourceVersion, creationTimestamp }) as Service['metadata']
  // Most Services of a cluster are not load balancers: of those it is enough to know that.
  if (!isOfInterest) return { metadata: identity, spec: defined({ type }) }
  return {
    metadata: {
      ...identity,
      ...defined({ labels, deletionTimestamp, finalizers }),
      annotations: Object.fromEntries(relevant),
    },
    spec: defined({
      ...{ type, loadBalancerIP, loadBalancerClass, ipFamilyPolicy, ipFamilies, clusterIP, clusterIPs },
      ...{ externalTrafficPolicy, selector },
      ports: ports?.map(({ protocol, port }) => defined({ protocol, port }) as { protocol?: string; port: number }),
    }),
    ...(status === undefined ? {} : { status }),
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
}
