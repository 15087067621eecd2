import type { AddressRefusal, AllocationFailure } from './refusal.ts'
import type { WaitingFor } from './waiting-room.ts'

export const NOTHING_WANTED: WaitingFor = { pools: [], addresses: [] }

/** What may end this failure, short of another configuration or a change of the Service itself. */
export function wantedBy(failure: AllocationFailure): WaitingFor {
  switch (failure.kind) {
    case 'no-pool-has-room': {
      const pools = failure.pools.flatMap(({ pool, refusal }) =>
        refusal?.kind === 'full' ? { pool, families: refusal.families } : [],
      )
      return { pools, addresses: [] }
    }
    case 'addresses-refused':
      return isAboutUse(failure.because) ? { pools: [], addresses: failure.addresses } : NOTHING_WANTED
    default:
      return NOTHING_WANTED
  }
}

function isAboutUse(refusal: AddressRefusal): boolean {
  return refusal.kind === 'held' || refusal.kind === 'resting' || refusal.kind === 'quarantined'
}
