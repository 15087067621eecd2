/** The kinds by which speakers report what they announce. */
import type { ServiceBGPStatus, ServiceL2Status } from '../crds/index.ts'
import type { KubernetesObject, Resource } from './resource.ts'
import { metallbResource } from './resources.ts'

export const SERVICE_L2_STATUSES: Resource<ServiceL2Status & KubernetesObject> = metallbResource(
  'ServiceL2Status',
  'servicel2statuses',
  'v1beta1',
)

export const SERVICE_BGP_STATUSES: Resource<ServiceBGPStatus & KubernetesObject> = metallbResource(
  'ServiceBGPStatus',
  'servicebgpstatuses',
  'v1beta1',
)
