import { ADDRESS_CONDITION, ALLOCATED_FROM_POOL, type Decision } from '../allocate/index.ts'
import { type Condition, type ConditionSaying, says, withCondition } from './condition.ts'

/** What this file reads of a Service. */
export interface ServiceStatusShape {
  readonly metadata?: {
    readonly resourceVersion?: string
    readonly annotations?: Readonly<Record<string, string>>
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

/** JSON merge patch (RFC 7386) for the subresource `status` of a Service; it carries the annotation too. */
export interface ServiceStatusPatch {
  readonly metadata?: {
    readonly resourceVersion?: string
    readonly annotations?: Readonly<Record<string, string | null>>
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
 */
export function serviceStatusPatch(
  service: ServiceStatusShape,
  decision: Decision,
  nowMs: number,
): ServiceStatusPatch | undefined {
  if (decision.outcome.kind === 'not-ours' && !decision.changed) return undefined
  const ingress = ingressPatch(service.status?.loadBalancer?.ingress ?? [], decision.addresses)
  const annotations = annotationPatch(service.metadata?.annotations ?? {}, decision.pool)
  const isWritten = ingress !== undefined || annotations !== undefined
  const conditions = conditionsPatch(service.status?.conditions ?? [], decision, isWritten, nowMs)
  if (!isWritten && conditions === undefined) return undefined
  return {
    metadata: { ...versionFor(service, conditions), ...(annotations && { annotations }) },
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

function conditionsPatch(
  shown: readonly Condition[],
  decision: Decision,
  isWritten: boolean,
  nowMs: number,
): readonly Condition[] | undefined {
  const isThere = shown.some(({ type }) => type === ADDRESS_CONDITION)
  const wanted = conditionFor(decision)
  if (wanted === undefined) return isThere ? shown.filter(({ type }) => type !== ADDRESS_CONDITION) : undefined
  const isNews = isThere || isWritten || !isSimplyAssigned(decision)
  return isNews && !says(shown, wanted) ? withCondition(shown, wanted, nowMs) : undefined
}

function isSimplyAssigned({ outcome }: Decision): boolean {
  return outcome.kind === 'assigned' && outcome.shortcoming === undefined
}

/** undefined = the condition has no place on this Service. */
function conditionFor({ outcome, message }: Decision): ConditionSaying | undefined {
  const type = ADDRESS_CONDITION
  switch (outcome.kind) {
    case 'assigned': {
      const reason = { 'missing-family': 'AdditionalAssignFailed', 'request-ignored': 'RequestIgnored' } as const
      const { shortcoming } = outcome
      return { type, status: 'True', reason: shortcoming ? reason[shortcoming.kind] : 'IPAllocated', message }
    }
    case 'waiting':
      return { type, status: 'False', reason: 'AllocationFailed', message }
    default:
      return undefined
  }
}

/**
 * A merge patch replaces the list of conditions as a whole: where others have theirs in it, the patch must fail (409)
 * if the Service has changed meanwhile.
 */
function versionFor(service: ServiceStatusShape, conditions: readonly Condition[] | undefined) {
  const shown = service.status?.conditions ?? []
  const hasForeign = shown.some(({ type }) => type !== ADDRESS_CONDITION)
  const version = service.metadata?.resourceVersion
  return conditions !== undefined && hasForeign && version !== undefined ? { resourceVersion: version } : {}
}
