import { ADDRESS_CONDITION, ALLOCATED_FROM_POOL, type Decision, type Shortcoming } from '../allocate/index.ts'
import { type Condition, type ConditionSaying, says, withCondition } from './condition.ts'

/** The finalizer that Kubernetes itself names for load balancers; a Service with it goes only when it is taken away. */
export const CLEANUP_FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'

/** What this file reads of a Service. */
export interface ServiceStatusShape {
  readonly metadata?: {
    readonly resourceVersion?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly Ingress[] }
    readonly conditions?: readonly Condition[]
  }
}

interface Ingress {
  readonly ip?: string
  readonly hostname?: string
  readonly ipMode?: string
  readonly ports?: readonly unknown[]
}

/**
 * JSON merge patch (RFC 7386) for the subresource `status` of a Service; annotation and finalizer travel with it, so
 * neither needs a write or a right of its own.
 */
export interface ServiceStatusPatch {
  readonly metadata?: {
    readonly resourceVersion?: string
    readonly annotations?: Readonly<Record<string, string | null>>
    readonly finalizers?: readonly string[]
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress: readonly { readonly ip: string }[] | null }
    readonly conditions?: readonly Condition[]
  }
}

/**
 * What is to be written so that a Service shows the decision; undefined = it does already. `nowMs` is the time of day.
 *
 * A Service that simply has its address, and never was without, is not written to for the condition's sake: adopting
 * 10,000 Services of another controller writes nothing.
 *
 * `holdsDeletion`: the Service shall carry the {@link CLEANUP_FINALIZER} while it has an address. The name is not ours
 * alone, so it is taken only from Services that carry our annotation: it comes and goes with that.
 */
export function serviceStatusPatch(
  service: ServiceStatusShape,
  decision: Decision,
  nowMs: number,
  holdsDeletion = false,
): ServiceStatusPatch | undefined {
  if (decision.outcome.kind === 'not-ours' && !decision.changed) return undefined
  const ingress = ingressPatch(service.status?.loadBalancer?.ingress ?? [], decision.addresses)
  const annotations = annotationPatch(service.metadata?.annotations ?? {}, decision.pool)
  const finalizers = finalizerPatch(service, holdsDeletion && decision.pool !== undefined)
  const isWritten = ingress !== undefined || annotations !== undefined
  const conditions = conditionsPatch(service.status?.conditions ?? [], decision, isWritten, nowMs)
  if (!isWritten && conditions === undefined && finalizers === undefined) return undefined
  return {
    metadata: {
      ...versionFor(service, conditions, finalizers),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
    },
    status: { ...(ingress && { loadBalancer: ingress }), ...(conditions && { conditions }) },
  }
}

/** The API server fills in `ipMode: VIP`, so that is what a plain entry looks like afterwards. */
function isPlain(entry: Ingress, address: string): boolean {
  const { ip, hostname, ipMode = 'VIP', ports = [] } = entry
  return ip === address && !hostname && ipMode === 'VIP' && ports.length === 0
}

function ingressPatch(shown: readonly Ingress[], addresses: readonly string[]) {
  if (shown.length === addresses.length && shown.every((entry, index) => isPlain(entry, addresses[index]!))) {
    return undefined
  }
  return { ingress: addresses.length === 0 ? null : addresses.map((ip) => ({ ip })) }
}

function annotationPatch(shown: Readonly<Record<string, string>>, pool: string | undefined) {
  return shown[ALLOCATED_FROM_POOL] === pool ? undefined : { [ALLOCATED_FROM_POOL]: pool ?? null }
}

/** Others may have finalizers of theirs in the list. */
function finalizerPatch({ metadata = {} }: ServiceStatusShape, isWanted: boolean): readonly string[] | undefined {
  const { finalizers: shown = [], annotations = {} } = metadata
  if (shown.includes(CLEANUP_FINALIZER) === isWanted) return undefined
  if (isWanted) return [...shown, CLEANUP_FINALIZER]
  return annotations[ALLOCATED_FROM_POOL] === undefined ? undefined : shown.filter((name) => name !== CLEANUP_FINALIZER)
}

function conditionsPatch(
  shown: readonly Condition[],
  decision: Decision,
  isWritten: boolean,
  nowMs: number,
): readonly Condition[] | undefined {
  if (decision.outcome.kind === 'being-deleted') return undefined
  const isThere = shown.some(({ type }) => type === ADDRESS_CONDITION)
  const wanted = conditionFor(decision)
  if (wanted === undefined) return isThere ? shown.filter(({ type }) => type !== ADDRESS_CONDITION) : undefined
  const isNews = isThere || isWritten || !isSimplyAssigned(decision)
  return isNews && !says(shown, wanted) ? withCondition(shown, wanted, nowMs) : undefined
}

function isSimplyAssigned({ outcome }: Decision): boolean {
  return outcome.kind === 'assigned' && outcome.shortcoming === undefined
}

const REASONS = {
  'missing-family': 'AdditionalAssignFailed',
  contested: 'AddressConflict',
  'request-ignored': 'RequestIgnored',
} as const satisfies Record<Shortcoming['kind'], string>

/** Reasons of the condition {@link ADDRESS_CONDITION} of a Service. */
export type AddressConditionReason = 'IPAllocated' | 'AllocationFailed' | (typeof REASONS)[Shortcoming['kind']]

/** undefined = the condition has no place on this Service. */
function conditionFor({
  outcome,
  message,
}: Decision): (ConditionSaying & { readonly reason: AddressConditionReason }) | undefined {
  const type = ADDRESS_CONDITION
  switch (outcome.kind) {
    case 'assigned': {
      const { shortcoming } = outcome
      return { type, status: 'True', reason: shortcoming ? REASONS[shortcoming.kind] : 'IPAllocated', message }
    }
    case 'waiting':
      return { type, status: 'False', reason: 'AllocationFailed', message }
    default:
      return undefined
  }
}

/**
 * A merge patch replaces lists as a whole: where others have theirs in one, the patch must fail (409) if the Service
 * has changed meanwhile.
 */
function versionFor(
  service: ServiceStatusShape,
  conditions: readonly Condition[] | undefined,
  finalizers: readonly string[] | undefined,
) {
  const shown = service.status?.conditions ?? []
  const hasForeign = shown.some(({ type }) => type !== ADDRESS_CONDITION)
  const version = service.metadata?.resourceVersion
  const isList = finalizers !== undefined || (conditions !== undefined && hasForeign)
  return isList && version !== undefined ? { resourceVersion: version } : {}
}
