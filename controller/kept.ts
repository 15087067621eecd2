import { ADDRESS_CONDITION } from '../core/allocate/index.ts'
import type { Service } from '../operator/index.ts'

/** Annotations that decide over an address, or show what was decided. */
const ANNOTATIONS = ['address-pool', 'loadBalancerIPs', 'allow-shared-ip', 'ip-allocated-from-pool'].flatMap((name) => [
  `metallb.io/${name}`,
  `metallb.universe.tf/${name}`,
])

/** What JSON brings anew with each Service, and is the same in nearly all of them: kept once. */
const TEXTS: ReadonlyMap<string, string> = new Map(
  [
    ...['LoadBalancer', 'SingleStack', 'PreferDualStack', 'RequireDualStack'],
    ...['IPAllocated', 'AllocationFailed', 'AdditionalAssignFailed'],
  ].map((text) => [text, text]),
)
const FAMILIES: Readonly<Record<string, readonly string[]>> = { IPv4: ['IPv4'], IPv6: ['IPv6'] }

type Metadata = Service['metadata']
type Spec = NonNullable<Service['spec']>
type Status = NonNullable<Service['status']>

/**
 * What the controller keeps in memory of a Service: what it decides by, and what it compares its writes with.
 *
 * Written out field by field, absent ones as undefined: objects of one shape that never grew are the smallest there
 * are, and the fastest made. Ten thousand Services are made within one list.
 */
export function keepService({ metadata, spec = {}, status }: Service): Service {
  const annotations = metadata.annotations && keepAnnotations(metadata.annotations)
  const isOfInterest =
    spec.type === 'LoadBalancer' || annotations !== undefined || (status?.loadBalancer?.ingress ?? []).length > 0
  // Most Services of a cluster are not load balancers: of those it is enough to know that.
  if (!isOfInterest) return { metadata: keepIdentity(metadata), spec: { type: textOf(spec.type) } as Spec }
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels, deletionTimestamp, finalizers } = metadata
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      labels,
      annotations,
      deletionTimestamp,
      finalizers,
    } as Metadata,
    spec: keepSpec(spec),
    status: status && keepStatus(status),
  } as Service
}

function keepIdentity({ name, namespace, uid, resourceVersion, creationTimestamp }: Metadata): Metadata {
  return { name, namespace, uid, resourceVersion, creationTimestamp } as Metadata
}

function keepAnnotations(annotations: NonNullable<Metadata['annotations']>): Metadata['annotations'] {
  let kept: Record<string, string> | undefined
  for (const name of ANNOTATIONS) {
    const value = annotations[name]
    if (value === undefined) continue
    kept ??= {}
    kept[name] = value
  }
  return kept
}

/** Of the selector only where it decides whether two Services may share: see `backendKey` of a request. */
function keepSpec(spec: Spec): Spec {
  const { loadBalancerIP, loadBalancerClass, ipFamilies, clusterIPs, clusterIP, externalTrafficPolicy, ports } = spec
  const hasList = clusterIPs !== undefined && clusterIPs.length > 0
  return {
    type: textOf(spec.type),
    loadBalancerIP,
    loadBalancerClass,
    ipFamilyPolicy: textOf(spec.ipFamilyPolicy),
    ipFamilies: ipFamilies?.length === 1 ? (FAMILIES[ipFamilies[0]!] ?? ipFamilies) : ipFamilies,
    clusterIPs: hasList ? clusterIPs : undefined,
    clusterIP: hasList ? undefined : clusterIP,
    externalTrafficPolicy,
    selector: externalTrafficPolicy === 'Local' ? spec.selector : undefined,
    ports: ports?.map(({ protocol, port }) => ({ protocol, port })),
  } as Spec
}

/** All of it, for others' conditions go back into a patch; only the texts of ours are shared. */
function keepStatus({ loadBalancer, conditions }: Status): Status {
  return { loadBalancer, conditions: conditions?.map(keepCondition) } as Status
}

function keepCondition(condition: NonNullable<Status['conditions']>[number]) {
  const { type, status, reason, message, lastTransitionTime } = condition
  if (type !== ADDRESS_CONDITION) return condition
  return {
    type: ADDRESS_CONDITION,
    status,
    reason: textOf(reason),
    message,
    lastTransitionTime,
  }
}

function textOf<T extends string | undefined>(text: T): T {
  return text === undefined ? text : ((TEXTS.get(text) as T) ?? text)
}
