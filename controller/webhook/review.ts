/** admission.k8s.io/v1 AdmissionReview, in and out. Pure. */
import {
  type ConfigKind,
  type ConfigResource,
  isConfigKind,
  type Judgement,
  type Submission,
} from '../../core/config/index.ts'

/** MetalLB's paths (one a kind), so that its ValidatingWebhookConfiguration reaches this server too. */
export const KIND_OF_PATH: Readonly<Record<string, ConfigKind>> = {
  '/validate-metallb-io-v1beta1-ipaddresspool': 'IPAddressPool',
  '/validate-metallb-io-v1beta1-l2advertisement': 'L2Advertisement',
  '/validate-metallb-io-v1beta1-bgpadvertisement': 'BGPAdvertisement',
  '/validate-metallb-io-v1beta1-community': 'Community',
  '/validate-metallb-io-v1beta1-bfdprofile': 'BFDProfile',
  '/validate-metallb-io-v1beta2-bgppeer': 'BGPPeer',
}

export type Review =
  | { readonly kind: 'review'; readonly uid: string; readonly submission: Submission }
  /** Not from an API server, or from one of another version: no answer would be understood. */
  | { readonly kind: 'malformed'; readonly because: string }

/** @param body parsed JSON, whatever it is */
export function reviewOf(kind: ConfigKind, body: unknown): Review {
  if (!isRecord(body) || body.apiVersion !== 'admission.k8s.io/v1' || body.kind !== 'AdmissionReview') {
    return malformed('the body must be an AdmissionReview of admission.k8s.io/v1')
  }
  const { request } = body
  if (!isRecord(request) || typeof request.uid !== 'string' || request.uid === '') {
    return malformed('the AdmissionReview has no request with a uid')
  }
  const object = resourceOf(kind, request.object)
  const oldObject = resourceOf(kind, request.oldObject)
  const submission = submissionOf(request.operation, object, oldObject)
  if (submission === undefined) return malformed(`the request does not submit a ${kind} for CREATE, UPDATE or DELETE`)
  return { kind: 'review', uid: request.uid, submission }
}

function submissionOf(
  operation: unknown,
  object: ConfigResource | undefined,
  oldObject: ConfigResource | undefined,
): Submission | undefined {
  if (operation === 'CREATE' && object !== undefined) return { operation, object }
  if (operation === 'UPDATE' && object !== undefined && oldObject !== undefined) return { operation, object, oldObject }
  if (operation === 'DELETE' && oldObject !== undefined) return { operation, oldObject }
  return undefined
}

/** The API server has judged the object by its schema; whoever else calls shall not get past the metadata with nonsense. */
function resourceOf(kind: ConfigKind, value: unknown): ConfigResource | undefined {
  if (!isRecord(value) || value.kind !== kind || !isConfigKind(value.kind) || !isRecord(value.metadata))
    return undefined
  const { name, namespace, labels, annotations } = value.metadata
  const isNamed = typeof name === 'string' && (namespace === undefined || typeof namespace === 'string')
  const isMarked = [labels, annotations].every((map) => map === undefined || isTextMap(map))
  return isNamed && isMarked ? (value as unknown as ConfigResource) : undefined
}

export interface AdmissionReview {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly warnings?: readonly string[]
    readonly status?: {
      readonly code: number
      readonly reason: string
      readonly message: string
      readonly details: { readonly causes: readonly { reason: string; field: string; message: string }[] }
    }
  }
}

/** What the API server tells the user: every problem, and for programs the rule and field of each. */
export function answerOf(uid: string, { allowed, problems, warnings }: Judgement): AdmissionReview {
  const message = problems.map((problem) => problem.message).join('; ')
  const causes = problems.map(({ rule, path, message }) => ({ reason: rule, field: path, message }))
  // Forbidden, as MetalLB answers: for `Invalid` older versions of kubectl swallow the message.
  const status = { code: 403, reason: 'Forbidden', message, details: { causes } }
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      ...{ uid, allowed },
      ...(warnings.length > 0 && { warnings }),
      ...(!allowed && { status }),
    },
  }
}

/** Before the configuration is read nothing can be judged, and the user does not wait for us. */
export const NOT_JUDGED: Judgement = {
  allowed: true,
  problems: [],
  warnings: [
    'not checked against other objects, for the controller is still starting; its ConfigurationState will tell of problems',
  ],
}

function malformed(because: string): Review {
  return { kind: 'malformed', because }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTextMap(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((text) => typeof text === 'string')
}
