import type { Ledger } from './ledger.ts'
import type { AddressRefusal, AllocationFailure, PoolRefusal } from './refusal.ts'
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

/** When time alone may end this failure, because an address will have rested. */
export function nextRestAtMs(ledger: Ledger, failure: AllocationFailure, nowMs: number): number | undefined {
  if (failure.kind === 'addresses-refused') {
    return failure.because.kind === 'resting' ? failure.because.untilMs : undefined
  }
  if (failure.kind !== 'no-pool-has-room') return undefined
  const times = failure.pools.flatMap(({ pool, refusal }) => restEndOf(ledger, pool, refusal, nowMs) ?? [])
  return times.length === 0 ? undefined : Math.min(...times)
}

/** When the next address of a pool that is full now will have rested; what has rested already did not help. */
export function restEndOf(
  ledger: Ledger,
  pool: string,
  refusal: PoolRefusal | undefined,
  nowMs: number,
): number | undefined {
  const occupancy = ledger.pools.get(pool)
  if (occupancy === undefined || refusal?.kind !== 'full') return undefined
  const rests = refusal.families.map((family) => occupancy.restsOf(family).longest(ledger.isQuarantined))
  const times = rests.flatMap((rest) => (rest === undefined ? [] : occupancy.endOf(rest))).filter((at) => at > nowMs)
  return times.length === 0 ? undefined : Math.min(...times)
}
