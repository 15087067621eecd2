import { type Address, type Family, formatAddress } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'
import { automaticPools, incompatibility } from './eligibility.ts'
import type { Place } from './holding.ts'
import type { Ledger } from './ledger.ts'
import type { Found } from './pool-occupancy.ts'
import type { AllocationFailure, PoolRefusal, PoolVerdict } from './refusal.ts'
import type { ServiceRequest } from './request.ts'
import { validateHeld, validateNew } from './validate.ts'

export type Choice =
  | {
      readonly kind: 'chosen'
      /** Canonical text, IPv4 first. */
      readonly addresses: readonly string[]
      /** Of the addresses, in the same order. */
      readonly places: readonly Place[]
      readonly pool: string
      readonly verdicts: readonly PoolVerdict[]
    }
  | { readonly kind: 'failed'; readonly failure: AllocationFailure }

/** One choice under way. */
interface Search {
  readonly ledger: Ledger
  readonly request: ServiceRequest
  readonly nowMs: number
  /** What the Service had and may have again, all from one pool: it is preferred to any other address. */
  readonly offer: Offer | undefined
  /** Pools that were considered and gave nothing, in that order; made when there is one. */
  refusals: Map<string, PoolRefusal> | undefined
}

interface Offer {
  readonly pool: Pool
  readonly addresses: ReadonlyMap<Family, Found>
}

/**
 * Chooses addresses for a Service that has none: what it asks for, else from the pool it asks for, else from the best
 * pool. Takes nothing: see `Ledger.assign`. `families` are those of its cluster IPs; `had` are addresses that it had
 * and that are free now: those that are still allowed stay.
 */
export function choose(
  ledger: Ledger,
  request: ServiceRequest,
  families: readonly Family[],
  had: readonly Address[],
  nowMs: number,
): Choice {
  const requested = request.requestedAddresses
  if (requested.kind === 'malformed') return failed({ kind: 'request-malformed', because: requested.because })
  if (requested.kind === 'addresses') return chooseRequested(ledger, request, requested.addresses, families, nowMs)
  const offer = offerOf(ledger, request, had)
  const search: Search = { ledger, request, nowMs, offer, refusals: undefined }
  const lists = request.requestedPool === undefined ? automaticLists(search) : requestedList(search)
  for (const { pools, families: wanted } of attempts(search, lists, alternatives(request, families))) {
    for (const pool of pools) {
      const choice = tryPool(search, pool, wanted)
      if (choice !== undefined) return choice
    }
  }
  return failed({ kind: 'no-pool-has-room', pools: verdictsOf(search) })
}

/** Says what is wrong with a request for these addresses by a Service of these families; undefined = nothing. */
export function requestFault(request: ServiceRequest, families: readonly Family[]): AllocationFailure | undefined {
  const requested = request.requestedAddresses
  if (requested.kind === 'none') return undefined
  if (requested.kind === 'malformed') return { kind: 'request-malformed', because: requested.because }
  const asked = requested.addresses.map((address) => address.family)
  // Two cluster IPs demand both addresses, also with PreferDualStack.
  if (asked.join() === families.join()) return undefined
  const addresses = requested.addresses.map(formatAddress)
  return { kind: 'request-malformed', because: { kind: 'families-differ', addresses, families } }
}

function chooseRequested(
  ledger: Ledger,
  request: ServiceRequest,
  addresses: readonly Address[],
  families: readonly Family[],
  nowMs: number,
): Choice {
  const fault = requestFault(request, families)
  if (fault !== undefined) return failed(fault)
  const texts = addresses.map(formatAddress)
  const { requestedPool } = request
  const located = ledger.locate(addresses[0]!)?.pool.pool.name
  // First, because who holds the address may change without this Service being asked again; its pool may not.
  if (requestedPool !== undefined && located !== undefined && requestedPool !== located) {
    const because = { kind: 'not-in-requested-pool', pool: located, requestedPool } as const
    return failed({ kind: 'addresses-refused', addresses: texts, because })
  }
  const validation = validateNew(ledger, request, addresses, nowMs)
  if (validation.kind === 'refused') {
    return failed({ kind: 'addresses-refused', addresses: texts, because: validation.because })
  }
  const pool = validation.pool.pool.name
  return { kind: 'chosen', addresses: texts, places: validation.places, pool, verdicts: [{ pool, refusal: undefined }] }
}

function offerOf(ledger: Ledger, request: ServiceRequest, had: readonly Address[]): Offer | undefined {
  let pool: Pool | undefined
  const addresses = new Map<Family, Found>()
  for (const address of had) {
    const validation = validateHeld(ledger, request, [address])
    if (validation.kind === 'refused') continue
    const [place] = validation.places
    if (place === undefined) continue
    pool ??= validation.pool.pool
    if (validation.pool.pool !== pool) continue
    addresses.set(address.family, { text: formatAddress(address), place })
  }
  return pool && { pool, addresses }
}

/** Sets of families that would do, best first. */
function alternatives(request: ServiceRequest, families: readonly Family[]): readonly (readonly Family[])[] {
  if (families.length < 2 || !request.prefersDualStack) return [families]
  const other: Family = request.primaryFamily === 4 ? 6 : 4
  return [families, [request.primaryFamily], [other]]
}

interface Attempt {
  readonly pools: readonly Pool[]
  readonly families: readonly Family[]
}

/**
 * Each list of pools is tried with every alternative before the next list is. A Service that had addresses stays with
 * them if it can have all its families there; and rather falls back to what it had than to any other single address.
 */
function attempts(
  search: Search,
  lists: readonly (readonly Pool[])[],
  choices: readonly (readonly Family[])[],
): readonly Attempt[] {
  const ordinary = lists.flatMap((pools) => choices.map((families) => ({ pools, families })))
  const { offer } = search
  if (offer === undefined || !isAllowedSource(search.request, offer.pool)) return ordinary
  const [best, ...lesser] = choices
  const fromOffer = (families: readonly Family[]) => ({ pools: [offer.pool], families })
  const fallbacks = lesser.filter(([family]) => offer.addresses.has(family!)).map(fromOffer)
  const others = fallbacks.length === 0 ? [] : lists.map((pools) => ({ pools, families: best! }))
  return [fromOffer(best!), ...others, ...fallbacks, ...ordinary]
}

function isAllowedSource(request: ServiceRequest, pool: Pool): boolean {
  return request.requestedPool === undefined || request.requestedPool === pool.name
}

function requestedList(search: Search): readonly (readonly Pool[])[] {
  const name = search.request.requestedPool!
  const pool = search.ledger.snapshot.pools.get(name)
  const refusal = pool === undefined ? ({ kind: 'unknown-pool' } as const) : closedTo(search.request, pool)
  if (refusal !== undefined) note(search, name, refusal)
  return pool === undefined || refusal !== undefined ? [] : [[pool]]
}

function automaticLists(search: Search): readonly (readonly Pool[])[] {
  const { pinned, general } = automaticPools(search.ledger.snapshot)
  const isOpen = (pool: Pool) => {
    const refusal = pool.autoAssign ? closedTo(search.request, pool) : ({ kind: 'auto-assign-off' } as const)
    if (refusal !== undefined) note(search, pool.name, refusal)
    return refusal === undefined
  }
  return [pinned.filter(isOpen), general.filter(isOpen)]
}

/** Whether the pool gives nothing new to this Service at all. */
export function closedTo(request: ServiceRequest, pool: Pool): PoolRefusal | undefined {
  if (pool.suspended !== undefined) return { kind: 'suspended', because: pool.suspended.message }
  return incompatibility(pool, request)
}

function tryPool(search: Search, pool: Pool, families: readonly Family[]): Choice | undefined {
  const answers = families.map((family) => offeredOrLowest(search, pool, family))
  const refusals = answers.filter((answer) => 'kind' in answer)
  if (refusals.length > 0) {
    const lasting = refusals.find(({ kind }) => kind !== 'full')
    note(search, pool.name, lasting ?? { kind: 'full', families, rests: pool.reuseAfterMs > 0 })
    return undefined
  }
  const found = answers.filter((answer) => 'text' in answer)
  search.refusals?.delete(pool.name)
  const verdicts = [...verdictsOf(search), { pool: pool.name, refusal: undefined }]
  const [addresses, places] = [found.map(({ text }) => text), found.map(({ place }) => place)]
  return { kind: 'chosen', addresses, places, pool: pool.name, verdicts }
}

function offeredOrLowest(search: Search, pool: Pool, family: Family): Found | PoolRefusal {
  const offered = search.offer?.pool === pool ? search.offer.addresses.get(family) : undefined
  return offered ?? lowestAddress(search.ledger, search.request, pool, family, search.nowMs)
}

/** The address of the family that the Service would get from the pool; compatibility is not looked at. */
export function lowestAddress(
  ledger: Ledger,
  request: ServiceRequest,
  pool: Pool,
  family: Family,
  nowMs: number,
): Found | PoolRefusal {
  if (pool.suspended !== undefined) return { kind: 'suspended', because: pool.suspended.message }
  if (!pool.families.has(family)) return { kind: 'lacks-family', family }
  const occupancy = ledger.pools.get(pool.name)!
  const found = occupancy.lowest(family, request, nowMs, ledger.isQuarantined)
  return found ?? { kind: 'full', families: [family], rests: pool.reuseAfterMs > 0 }
}

function note(search: Search, pool: string, refusal: PoolRefusal): void {
  search.refusals ??= new Map()
  // That it is full says more than that it lacks the other family.
  if (search.refusals.get(pool)?.kind !== 'full') search.refusals.set(pool, refusal)
}

function verdictsOf(search: Search): readonly PoolVerdict[] {
  if (search.refusals === undefined) return []
  return Array.from(search.refusals, ([pool, refusal]) => ({ pool, refusal }))
}

function failed(failure: AllocationFailure): Choice {
  return { kind: 'failed', failure }
}
