/** What the speaker keeps in memory of the objects that it follows: ten thousand of each must not weigh much. */
import type { EndpointSlice, Service } from '../operator/index.ts'

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const SHARING = /^metallb\.(io|universe\.tf)\/allow-shared-ip$/

export function keepService({ metadata, spec, status }: Service): Service {
  const { name, namespace, uid, deletionTimestamp, labels, annotations = {} } = metadata
  const sharing = Object.entries(annotations).filter(([key]) => SHARING.test(key))
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(labels === undefined ? {} : { labels }),
      ...(sharing.length === 0 ? {} : { annotations: Object.fromEntries(sharing) }),
    },
    spec: {
      ...(spec?.type === undefined ? {} : { type: spec.type }),
      ...(spec?.loadBalancerClass === undefined ? {} : { loadBalancerClass: spec.loadBalancerClass }),
      ...(spec?.externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy: spec.externalTrafficPolicy }),
    },
    status: { loadBalancer: { ingress: status?.loadBalancer?.ingress ?? [] } },
  }
}

export function keepEndpointSlice({ metadata, endpoints }: EndpointSlice): EndpointSlice {
  const { name, namespace } = metadata
  const service = metadata.labels?.[SERVICE_NAME_LABEL]
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: service === undefined ? {} : { [SERVICE_NAME_LABEL]: service },
    },
    // A slice without endpoints has `endpoints: null`: the API server writes an empty Go slice so.
    endpoints: (endpoints ?? []).map(keepEndpoint),
  }
}

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number]

/** That it has an address is enough to know. */
function keepEndpoint({ addresses, nodeName, conditions }: Endpoint): Endpoint {
  const { ready, serving } = conditions ?? {}
  return {
    addresses: (addresses ?? []).slice(0, 1),
    ...(nodeName === undefined ? {} : { nodeName }),
    conditions: { ...(ready === undefined ? {} : { ready }), ...(serving === undefined ? {} : { serving }) },
  }
}

/** `namespace/name` of the Service that a slice belongs to; [] where it belongs to none. */
export function serviceKeysOf(slice: EndpointSlice): readonly string[] {
  const service = slice.metadata.labels?.[SERVICE_NAME_LABEL]
  return service === undefined ? [] : [`${slice.metadata.namespace}/${service}`]
}
