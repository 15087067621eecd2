import type { Ledger } from './ledger.ts'
import type { AddressRefusal, AllocationFailure } from './refusal.ts'
import type { WaitingFor } from './waiting-room.ts'

const NOTHING: WaitingFor = { pools: [], addresses: [] }

/** What may end this failure, short of another configuration or a change of the Service itself. */
export function wantedBy(failure: AllocationFailure): WaitingFor {
  switch (failure.kind) {
    case 'no-pool-has-room': {
      const full = failure.pools.filter(({ refusal }) => refusal?.kind === 'full')
      return { pools: full.map(({ pool }) => pool), addresses: [] }
    }
    case 'addresses-refused':
      return isAboutUse(failure.because) ? { pools: [], addresses: failure.addresses } : NOTHING
    default:
      return NOTHING
  }
}

function isAboutUse(refusal: AddressRefusal): boolean {
  return refusal.kind === 'held' || refusal.kind === 'resting' || refusal.kind === 'quarantined'
}

/** When time alone will end this failure, because an address that rests may then be given out. */
export function nextRestAtMs(ledger: Ledger, failure: AllocationFailure): number | undefined {
  if (failure.kind === 'addresses-refused') {
    return failure.because.kind === 'resting' ? failure.because.untilMs : undefined
  }
  if (failure.kind !== 'no-pool-has-room') return undefined
  const times = failure.pools.flatMap(({ pool, refusal }) => {
    const families = refusal?.kind === 'full' ? refusal.families : []
    return families.flatMap((family) => ledger.pools.get(pool)?.nextRestedAtMs(family) ?? [])
  })
  return times.length === 0 ? undefined : Math.min(...times)
}
