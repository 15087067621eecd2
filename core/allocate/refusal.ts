import type { Family } from '../../net/ip/index.ts'
import type { JoinRefusal } from './holding.ts'
import type { RequestFault } from './request.ts'

/** Why one pool gives a Service nothing. */
export type PoolRefusal =
  | { readonly kind: 'unknown-pool' }
  | { readonly kind: 'suspended'; readonly because: string }
  | { readonly kind: 'auto-assign-off' }
  | { readonly kind: 'namespace-not-allowed'; readonly namespace: string }
  | { readonly kind: 'labels-not-selected' }
  | { readonly kind: 'lacks-family'; readonly family: Family }
  | {
      readonly kind: 'full'
      /** All that were wanted of it at once, of which it lacks one at least. */
      readonly families: readonly Family[]
      /** Whether its freed addresses rest before others may have them: time may help. */
      readonly rests: boolean
    }

/** One pool that was looked at, in the order in which it was. */
export interface PoolVerdict {
  readonly pool: string
  /** undefined = the address is from here. */
  readonly refusal: PoolRefusal | undefined
}

/** Why particular addresses cannot be a Service's. */
export type AddressRefusal =
  | { readonly kind: 'outside-pools'; readonly address: string }
  | { readonly kind: 'several-pools'; readonly pools: readonly string[] }
  | { readonly kind: 'not-in-requested-pool'; readonly pool: string; readonly requestedPool: string }
  | { readonly kind: 'pool-refuses'; readonly pool: string; readonly because: PoolRefusal }
  | { readonly kind: 'held'; readonly address: string; readonly because: JoinRefusal }
  | { readonly kind: 'resting'; readonly address: string; readonly untilMs: number }
  | { readonly kind: 'quarantined'; readonly address: string; readonly because: string }

/** Why a Service has no address. */
export type AllocationFailure =
  | { readonly kind: 'no-pools' }
  | { readonly kind: 'no-cluster-ip' }
  | { readonly kind: 'not-enough-cluster-ips' }
  | { readonly kind: 'cluster-families-unclear'; readonly clusterIPs: readonly string[] }
  | { readonly kind: 'request-malformed'; readonly because: RequestFault }
  | { readonly kind: 'addresses-refused'; readonly addresses: readonly string[]; readonly because: AddressRefusal }
  | { readonly kind: 'no-pool-has-room'; readonly pools: readonly PoolVerdict[] }

/** Why an address that a Service has is taken from it. */
export type ClearCause =
  | AllocationFailure
  | { readonly kind: 'not-allowed'; readonly because: AddressRefusal }
  | { readonly kind: 'other-pool-requested'; readonly pool: string }
  | { readonly kind: 'other-addresses-requested'; readonly addresses: readonly string[] }
  | { readonly kind: 'used-by-others'; readonly address: string; readonly because: string }
  | { readonly kind: 'other-families'; readonly families: readonly Family[] }
