/**
 * What the speaker keeps in memory of the objects that it follows: ten thousand of each must not weigh much. Objects are
 * written out field by field, absent ones as undefined: those of one shape that never grew are the smallest there are.
 */
import { joinServing, type ServingEndpoints, servingEndpoints } from '../core/announce/index.ts'
import type { EndpointSlice, ReadonlyStore, Service } from '../operator/index.ts'
import { Shared } from './shared.ts'

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const SHARING = /^metallb\.(io|universe\.tf)\/allow-shared-ip$/

type Metadata = Service['metadata']
type Spec = NonNullable<Service['spec']>

const specs = new Shared<Spec>()

export function keepService({ metadata, spec, status }: Service): Service {
  const { name, namespace, uid, deletionTimestamp, labels, annotations = {} } = metadata
  const sharing = Object.entries(annotations).filter(([key]) => SHARING.test(key))
  const kept = {
    name,
    namespace,
    uid,
    deletionTimestamp,
    labels,
    annotations: sharing.length === 0 ? undefined : Object.fromEntries(sharing),
  }
  const { type, loadBalancerClass, externalTrafficPolicy } = spec ?? {}
  return {
    metadata: kept as Metadata,
    spec: specs.of(`${type} ${loadBalancerClass} ${externalTrafficPolicy}`, {
      type,
      loadBalancerClass,
      externalTrafficPolicy,
    } as Spec),
    status: { loadBalancer: { ingress: status?.loadBalancer?.ingress ?? [] } },
  }
}

/** An EndpointSlice by where its Service can be served: what else it says changes nothing here. */
export interface KeptSlice {
  /** `namespace/name` of the Service; '' = it belongs to none. */
  readonly service: string
  readonly serving: ServingEndpoints
}

const servings = new Shared<ServingEndpoints>()

export function keepEndpointSlice(slice: EndpointSlice): KeptSlice {
  const { namespace, labels } = slice.metadata
  const service = labels?.[SERVICE_NAME_LABEL]
  const serving = servingEndpoints([slice])
  const text = `${serving.anywhere} ${[...serving.nodes].sort().join()}`
  return { service: service === undefined ? '' : `${namespace}/${service}`, serving: servings.of(text, serving) }
}

/** Name of the index of slices by `namespace/name` of their Service. */
export const BY_SERVICE = 'service'

/** [] where the slice belongs to no Service. */
export function serviceKeysOf({ service }: KeptSlice): readonly string[] {
  return service === '' ? [] : [service]
}

/** Where the Service with this key can be served. */
export function servingOf(key: string, slices: ReadonlyStore<KeptSlice>): ServingEndpoints {
  return joinServing(slices.by(BY_SERVICE, key).map(({ serving }) => serving))
}
