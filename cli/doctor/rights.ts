/** Which rights the service accounts of Invar lack: the API server is asked for each that the programs need. */
import type { KubernetesObject, Resource } from '../../operator/index.ts'
import type { Connection } from '../connection.ts'
import { RIGHTS } from '../generated/rights.ts'
import type { Installation, PodShape } from '../installation.ts'
import { type MissingRight, type Right, settingOf } from './facts.ts'

interface AccessReview extends KubernetesObject {
  readonly spec: object
  readonly status?: { readonly allowed?: boolean }
}

const ACCESS_REVIEWS: Resource<AccessReview> = {
  ...{ group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview' },
  namespaced: false,
}

/** Of programs that run: whose account is not known has no rights to be asked for. @throws ApiError */
export async function missingRights(
  { client }: Connection,
  { namespace, controllers, speakers }: Installation,
): Promise<readonly MissingRight[]> {
  const asked = [
    { component: 'controller', pods: controllers },
    { component: 'speaker', pods: speakers },
  ].flatMap(({ component, pods }) => {
    const account = pods[0]?.spec?.serviceAccountName
    if (account === undefined) return []
    return RIGHTS.filter((right) => right.component === component && isNeeded(right, pods)).flatMap((right) =>
      right.verbs.map((verb): MissingRight => ({ account, verb, right })),
    )
  })
  const answers = await Promise.all(asked.map((one) => client.create(ACCESS_REVIEWS, reviewOf(one, namespace))))
  return asked.filter((_, index) => answers[index]!.status?.allowed !== true)
}

/** What a flag turns off needs no right. */
function isNeeded({ group, name, resource }: Right, pods: readonly PodShape[]): boolean {
  const isOfWebhook = group === 'admissionregistration.k8s.io' || name === 'metallb-webhook-cert'
  if (isOfWebhook) return settingOf(pods, 'webhook-mode') !== 'disabled'
  const isOfMetrics = resource === 'tokenreviews' || resource === 'subjectaccessreviews'
  return !isOfMetrics || settingOf(pods, 'port') !== '0'
}

function reviewOf({ account, verb, right }: MissingRight, namespace: string): AccessReview {
  const { group, resource, subresource, name, scope } = right
  const where = scope === 'namespace' ? { namespace } : {}
  // The name of a list is a field selector's, which authorization does not see before Kubernetes 1.34.
  const resourceAttributes = { verb, group, resource, subresource, name, ...where }
  const spec = { user: `system:serviceaccount:${namespace}:${account}`, resourceAttributes }
  return { metadata: {} as KubernetesObject['metadata'], spec }
}
