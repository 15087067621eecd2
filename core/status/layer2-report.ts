import type { ServiceL2Status } from '../../crds/index.ts'
import {
  ADDRESS_CONFLICT,
  type AddressConflict,
  CONFLICT_ANNOTATION,
  conflictAnnotation,
  conflictCondition,
} from './address-conflict.ts'
import { type Condition, says, withCondition } from './condition.ts'
import {
  namesOf,
  type ReportChanges,
  type ReportedService,
  type Reporter,
  reportHead,
  writerOf,
} from './report-shape.ts'

/** How this node stands to a Service on layer 2. */
export type Layer2Standing =
  /** It answers, on these interfaces ([] = all). */
  | {
      readonly kind: 'answers'
      readonly interfaces: readonly string[]
      readonly conflicts: readonly AddressConflict[]
    }
  /** It would answer, but every address was found in use. */
  | { readonly kind: 'prevented'; readonly conflicts: readonly AddressConflict[] }
  /** Another node is to answer. `isOverdue`: that node has had time to report, and has not. */
  | { readonly kind: 'yields'; readonly isOverdue: boolean }
  /** The Service is not announced. */
  | { readonly kind: 'withdrawn' }

/**
 * ServiceL2Status: exactly one a Service, by the node that answers. `observed` are all reports on the Service, `nowMs`
 * is milliseconds since 1970. The new announcer removes what others have left. Who yields leaves its report for the
 * successor to replace: the reports say who is to keep the address (see core/announce), so there must be one always.
 */
export function layer2Report(
  reporter: Reporter,
  service: ReportedService,
  standing: Layer2Standing,
  observed: readonly ServiceL2Status[],
  nowMs: number,
): ReportChanges<ServiceL2Status> {
  const own = observed.filter((report) => writerOf(report) === reporter.node)
  const others = observed.filter((report) => !own.includes(report))
  if (standing.kind === 'withdrawn') return { create: [], update: [], remove: namesOf(own) }
  if (standing.kind === 'yields') {
    const isSucceeded = others.length > 0 || standing.isOverdue
    return { create: [], update: [], remove: isSucceeded ? namesOf(own) : [] }
  }
  const [kept, ...duplicates] = own
  const remove = namesOf([...others, ...duplicates])
  const status = statusOf(reporter, service, standing, kept?.status?.conditions ?? [], nowMs)
  if (kept === undefined) return { create: [created(reporter, service, standing, status)], update: [], remove }
  return { create: [], update: isRight(kept, reporter, standing) ? [] : [updateOf(kept, standing, status)], remove }
}

type Telling = Extract<Layer2Standing, { readonly conflicts: unknown }>

function interfacesOf(standing: Telling): readonly string[] {
  return standing.kind === 'answers' ? standing.interfaces : []
}

function statusOf(
  { node }: Reporter,
  service: ReportedService,
  standing: Telling,
  before: readonly Condition[],
  nowMs: number,
): NonNullable<ServiceL2Status['status']> {
  const condition = conflictCondition(node, standing.conflicts)
  const others = before.filter(({ type }) => type !== ADDRESS_CONFLICT)
  const conditions = condition === undefined ? others : withCondition(before, condition, nowMs)
  const isTold = before.length > 0 || conditions.length > 0
  return {
    ...(standing.kind === 'answers' ? { node } : {}),
    serviceName: service.name,
    serviceNamespace: service.namespace,
    interfaces: interfacesOf(standing).map((name) => ({ name })),
    ...(isTold ? { conditions: [...conditions] } : {}),
  }
}

function created(
  reporter: Reporter,
  service: ReportedService,
  { conflicts }: Telling,
  status: ServiceL2Status['status'] & object,
): ServiceL2Status {
  const head = reportHead('ServiceL2Status', 'l2-', reporter, service)
  const annotation = conflictAnnotation(conflicts)
  const annotations = annotation === undefined ? {} : { annotations: { [CONFLICT_ANNOTATION]: annotation } }
  return { ...head, metadata: { ...head.metadata, ...annotations }, status }
}

function updateOf(kept: ServiceL2Status, standing: Telling, status: object) {
  const name = kept.metadata.name!
  const whole = standing.kind === 'answers' ? status : { node: null, ...status }
  const annotation = conflictAnnotation(standing.conflicts)
  if (kept.metadata.annotations?.[CONFLICT_ANNOTATION] === annotation) return { name, status: whole }
  return { name, status: whole, annotations: { [CONFLICT_ANNOTATION]: annotation ?? null } }
}

function isRight({ metadata, status }: ServiceL2Status, { node }: Reporter, standing: Telling): boolean {
  const shown = status?.interfaces?.map(({ name = '' }) => name) ?? []
  const condition = conflictCondition(node, standing.conflicts)
  const conditions = status?.conditions ?? []
  const saysIt =
    condition === undefined ? conditions.every(({ type }) => type !== ADDRESS_CONFLICT) : says(conditions, condition)
  return (
    status?.serviceName !== undefined &&
    status.node === (standing.kind === 'answers' ? node : undefined) &&
    shown.join() === interfacesOf(standing).join() &&
    metadata.annotations?.[CONFLICT_ANNOTATION] === conflictAnnotation(standing.conflicts) &&
    saysIt
  )
}
