import { type Address, formatAddress } from '../../net/ip/index.ts'
import { incompatibility } from './eligibility.ts'
import type { Place } from './holding.ts'
import type { Ledger } from './ledger.ts'
import type { PoolOccupancy } from './pool-occupancy.ts'
import type { AddressRefusal } from './refusal.ts'
import type { ServiceRequest } from './request.ts'

export type Validation =
  | {
      readonly kind: 'valid'
      readonly pool: PoolOccupancy
      /** Of the addresses, in the same order; [] where they are in what cannot be read of the pool. */
      readonly places: readonly Place[]
    }
  | { readonly kind: 'refused'; readonly because: AddressRefusal }

/** May the Service go on holding these addresses, which its status shows? Others' claims are those in the ledger. */
export function validateHeld(ledger: Ledger, request: ServiceRequest, addresses: readonly Address[]): Validation {
  const located = locateInOnePool(ledger, request, addresses)
  if (located.kind === 'refused') return located
  const { pool } = located
  const incompatible = incompatibility(pool.pool, request)
  if (incompatible !== undefined) {
    return refused({ kind: 'pool-refuses', pool: pool.pool.name, because: incompatible })
  }
  for (const address of addresses) {
    const text = formatAddress(address)
    const because = ledger.holding(text)?.refusalFor(request)
    if (because !== undefined) return refused({ kind: 'held', address: text, because })
  }
  return located
}

/**
 * May the Service be given these addresses, which it asked for or had before? Stricter than keeping: nothing new
 * comes from a suspended pool, nor an address that rests or is used by somebody outside.
 */
export function validateNew(
  ledger: Ledger,
  request: ServiceRequest,
  addresses: readonly Address[],
  nowMs: number,
): Validation {
  const held = validateHeld(ledger, request, addresses)
  if (held.kind === 'refused') return held
  const { name, suspended } = held.pool.pool
  if (suspended !== undefined) {
    return refused({ kind: 'pool-refuses', pool: name, because: { kind: 'suspended', because: suspended.message } })
  }
  for (const address of addresses) {
    const text = formatAddress(address)
    const quarantine = ledger.quarantineOf(text)
    if (quarantine !== undefined) return refused({ kind: 'quarantined', address: text, because: quarantine.because })
    const rest = held.pool.restsOf(address.family).get(text)
    if (rest === undefined || rest.lastKey === request.key) continue
    const untilMs = held.pool.endOf(rest)
    if (untilMs > nowMs) return refused({ kind: 'resting', address: text, untilMs })
  }
  return held
}

function locateInOnePool(ledger: Ledger, request: ServiceRequest, addresses: readonly Address[]): Validation {
  const places: Place[] = []
  for (const address of addresses) {
    const place = ledger.locate(address)
    if (place === undefined) return locateInBrokenPool(ledger, request, addresses, address)
    places.push(place)
  }
  const pool = places[0]!.pool
  if (places.every((place) => place.pool === pool)) return { kind: 'valid', pool, places }
  return refused({ kind: 'several-pools', pools: places.map((place) => place.pool.pool.name) })
}

/**
 * After a restart nobody knows what a pool had where it cannot be read: who has an address that is in no pool now, and
 * has it from a broken pool by the annotation, keeps it until that is repaired.
 */
function locateInBrokenPool(
  ledger: Ledger,
  request: ServiceRequest,
  addresses: readonly Address[],
  lost: Address,
): Validation {
  const pool = ledger.pools.get(request.allocatedFromPool ?? '')
  const isItsOwn = addresses.every((address) => (ledger.locate(address)?.pool ?? pool) === pool)
  if (pool?.pool.suspended !== undefined && isItsOwn) return { kind: 'valid', pool, places: [] }
  return refused({ kind: 'outside-pools', address: formatAddress(lost) })
}

function refused(because: AddressRefusal): Validation {
  return { kind: 'refused', because }
}
