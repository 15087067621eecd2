/** One Service as the page shows it: who announces it, and the reason for whatever is missing. Pure. */
import { ADDRESS_CONDITION, ALLOCATED_FROM_POOL } from '../../core/allocate/index.ts'
import {
  type AnnouncedService,
  announcedServiceOf,
  type ClusterView,
  explainSilence,
  type ServingEndpoints,
} from '../../core/announce/index.ts'
import type { Service } from '../../operator/index.ts'
import type { Announcer, Reason, ServiceRow } from '../../page/model.ts'
import type { SeenConflict } from '../announcements.ts'

/** What there is to know of a Service beside itself. */
export interface ServiceFacts {
  readonly answers: readonly Announcer[]
  readonly routes: readonly Announcer[]
  readonly conflicts: readonly SeenConflict[]
  /** undefined = not known. */
  readonly endpoints: ServingEndpoints | undefined
  readonly view: ClusterView
  /** `--lb-class`. */
  readonly loadBalancerClass: string
}

/** undefined = it is none of our load balancers. */
export function serviceRow(service: Service, facts: ServiceFacts): ServiceRow | undefined {
  const announced = announcedServiceOf(service, facts.loadBalancerClass)
  const { key, isLoadBalancer, classMatches, isBeingDeleted, ingress: addresses } = announced
  if (!isLoadBalancer || !classMatches) return undefined
  const { answers, routes, conflicts } = facts
  const pool = service.metadata.annotations?.[ALLOCATED_FROM_POOL]
  const row = {
    ...{ key, addresses },
    ...(pool !== undefined && { pool }),
    ...(answers.length > 0 && { answers }),
    ...(routes.length > 0 && { routes }),
    ...(conflicts.length > 0 && { conflicts: conflicts.map(({ node, because }) => ({ node, sentence: because })) }),
  }
  if (isBeingDeleted) return { ...row, standing: 'leaving', reason: DELETED }
  if (addresses.length === 0) return { ...row, standing: 'waiting', reason: reasonOfCondition(service) ?? UNDECIDED }
  const conflict = conflictReason(conflicts)
  if (answers.length === 0 && routes.length === 0) {
    return { ...row, standing: 'silent', reason: conflict ?? silence(announced, facts) }
  }
  const doubt = conflict ?? reasonOfCondition(service)
  return doubt === undefined ? { ...row, standing: 'served' } : { ...row, standing: 'doubtful', reason: doubt }
}

/** Codes of the page's own; the others are of allocation, announcement and conflicts. */
export type PageReason = 'undecided' | 'endpointsUnknown'

const UNDECIDED: Reason & { readonly code: PageReason } = {
  code: 'undecided',
  sentence: 'The controller has not looked at it yet',
}
const UNKNOWN: Reason & { readonly code: PageReason } = {
  code: 'endpointsUnknown',
  sentence: 'No speaker reports that it announces it; why cannot be said, as its endpoints are not known here',
}
const DELETED: Reason = {
  code: 'beingDeleted',
  sentence: 'The Service is deleted; its address is free when it is gone',
}

function silence(service: AnnouncedService, { endpoints, view }: ServiceFacts): Reason {
  if (endpoints === undefined) return UNKNOWN
  const { because, detail } = explainSilence(service, endpoints, view)
  return { code: because, sentence: detail }
}

/** What the controller said of its address, where that is not simply that it has one. */
function reasonOfCondition({ status }: Service): Reason | undefined {
  const condition = status?.conditions?.find(({ type }) => type === ADDRESS_CONDITION)
  if (condition === undefined || condition.reason === 'IPAllocated') return undefined
  return { code: condition.reason, sentence: condition.message }
}

function conflictReason(conflicts: readonly SeenConflict[]): Reason | undefined {
  const [first] = conflicts
  return first && { code: first.reason, sentence: first.because }
}
