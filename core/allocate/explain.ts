import type { Family } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'
import { closedTo, lowestAddress } from './choose.ts'
import { automaticPools } from './eligibility.ts'
import type { Ledger } from './ledger.ts'
import type { PoolRefusal } from './refusal.ts'
import type { ServiceRequest } from './request.ts'
import { poolSentence } from './sentence.ts'

/** What one pool has for a Service. */
export type PoolStanding =
  /** The Service's addresses are from here. */
  | { readonly kind: 'in-use'; readonly addresses: readonly string[] }
  /** What it would be given if it were to get addresses from here now. */
  | { readonly kind: 'available'; readonly addresses: readonly string[] }
  | { readonly kind: 'refuses'; readonly because: PoolRefusal }
  /** The Service asks for another pool. */
  | { readonly kind: 'not-asked' }

export interface PoolExplanation {
  readonly pool: string
  readonly standing: PoolStanding
  /** To stand behind the pool's name. */
  readonly sentence: string
}

/**
 * What every pool has for a Service, in the order in which they are considered, for people who ask why. Changes
 * nothing, and looks at more than `decide` does, which stops at the first pool that serves.
 */
export function explainPools(ledger: Ledger, request: ServiceRequest, nowMs: number): readonly PoolExplanation[] {
  const { pinned, general } = automaticPools(ledger.snapshot)
  return [...pinned, ...general].map((pool) => {
    const standing = standingOf(ledger, request, pool, nowMs)
    return { pool: pool.name, standing, sentence: standingSentence(standing) }
  })
}

function standingOf(ledger: Ledger, request: ServiceRequest, pool: Pool, nowMs: number): PoolStanding {
  const held = ledger.assignmentOf(request.key)?.addresses ?? []
  const here = held.filter((text) => ledger.holding(text)?.place?.pool.pool === pool)
  if (here.length > 0) return { kind: 'in-use', addresses: here }
  const isAsked = request.requestedPool === pool.name
  if (request.requestedPool !== undefined && !isAsked) return { kind: 'not-asked' }
  const closed = closedTo(request, pool)
  if (closed !== undefined) return { kind: 'refuses', because: closed }
  const isRequested = isAsked || request.requestedAddresses.kind === 'addresses'
  if (!pool.autoAssign && !isRequested) return { kind: 'refuses', because: { kind: 'auto-assign-off' } }
  return availableFrom(ledger, request, pool, nowMs)
}

function availableFrom(ledger: Ledger, request: ServiceRequest, pool: Pool, nowMs: number): PoolStanding {
  const { clusterFamilies, prefersDualStack } = request
  const families: readonly Family[] = clusterFamilies.kind === 'families' ? clusterFamilies.families : [4]
  const answers = families.map((family) => lowestAddress(ledger, request, pool, family, nowMs))
  const addresses = answers.flatMap((answer) => ('text' in answer ? answer.text : []))
  const refusal = answers.find((answer) => 'kind' in answer)
  const isEnough = refusal === undefined || (prefersDualStack && addresses.length > 0)
  return isEnough ? { kind: 'available', addresses } : { kind: 'refuses', because: refusal }
}

function standingSentence(standing: PoolStanding): string {
  switch (standing.kind) {
    case 'in-use':
      return `holds ${standing.addresses.join(' and ')}`
    case 'available':
      return `would give ${standing.addresses.join(' and ')}`
    case 'refuses':
      return poolSentence(standing.because)
    case 'not-asked':
      return 'is not the pool that the Service asks for'
  }
}
