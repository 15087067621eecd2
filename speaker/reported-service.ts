/** Which Service a report is on: ServiceL2Status and ServiceBGPStatus say it alike. */
import type { KubernetesObject } from '../operator/index.ts'

/** Name of the index of reports by `namespace/name` of their Service. */
export const BY_REPORTED_SERVICE = 'reported-service'

interface Report extends KubernetesObject {
  readonly status?: { readonly serviceNamespace?: string; readonly serviceName?: string }
}

/** From its status, or, until that is written, from its labels; [] = it does not say. */
export function reportedServiceKeys({ metadata, status }: Report): readonly string[] {
  const labels = metadata.labels ?? {}
  const namespace = status?.serviceNamespace ?? labels['metallb.io/service-namespace']
  const name = status?.serviceName ?? labels['metallb.io/service-name']
  return namespace === undefined || name === undefined ? [] : [`${namespace}/${name}`]
}
