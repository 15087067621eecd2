import type { Family } from '../../net/ip/index.ts'
import type { AllocationFailure, PoolRefusal, PoolVerdict } from './refusal.ts'

/** Reasons of the Events that the controller raises on Services; the blanks in one are MetalLB's. */
export type EventReason =
  | 'IPAllocated'
  | 'ClearAssignment'
  | 'AdditionalAssignFailed'
  | 'AllocationFailed'
  | 'LoadBalancerFailed'
  | 'not enough clusterips'
  | 'nolbIPsIPFamily'
  | 'noclusterIPsIPFamily'
  | 'deprecatedAnnotation'
  /** Not MetalLB's: somebody outside uses the address. */
  | 'AddressConflict'
  /** Not MetalLB's: the Service was let go although speakers still report that they announce it. */
  | 'CleanupOverdue'

export interface ServiceEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: EventReason
  readonly message: string
}

/** What a Service with an address still lacks. */
export type Shortcoming =
  | { readonly kind: 'missing-family'; readonly family: Family; readonly pool: string; readonly because: PoolRefusal }
  /** Somebody outside uses one of its addresses. */
  | { readonly kind: 'contested'; readonly address: string; readonly because: string }
  /** It keeps what it has because what it asks for, or is, cannot be understood. */
  | { readonly kind: 'request-ignored'; readonly because: AllocationFailure }

export type Outcome =
  | { readonly kind: 'assigned'; readonly shortcoming: Shortcoming | undefined }
  | { readonly kind: 'waiting'; readonly because: AllocationFailure }
  | { readonly kind: 'not-load-balancer' }
  /** Deleted and not gone yet: it keeps what it has until it is, and gets nothing more. */
  | { readonly kind: 'being-deleted' }
  /** Of another load balancer class: nothing of it is to be touched. */
  | { readonly kind: 'not-ours' }

/** What is to become of one Service. */
export interface Decision {
  readonly key: string
  readonly outcome: Outcome
  /** What `status.loadBalancer.ingress` shall show: canonical text, IPv4 first; [] = nothing. */
  readonly addresses: readonly string[]
  /** What the annotation `metallb.io/ip-allocated-from-pool` shall say; undefined = it shall not be there. */
  readonly pool: string | undefined
  /** Whether addresses or annotation are other than the Service shows now: they are to be written. */
  readonly changed: boolean
  /** To be raised on the Service, in this order; each cause once, however often the Service is decided. */
  readonly events: readonly ServiceEvent[]
  /** One sentence for the Service's condition: where the address is from, or why there is none. */
  readonly message: string
  /** The pools that were considered, in that order, where an address was sought in this pass. */
  readonly verdicts: readonly PoolVerdict[]
}
