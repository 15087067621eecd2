import { matchesAny } from '../config/selector.ts'
import type { Pool, Snapshot } from '../config/snapshot.ts'
import type { PoolRefusal } from './refusal.ts'
import type { ServiceRequest } from './request.ts'

/** Whether `serviceAllocation` lets this Service hold an address of the pool; undefined = it does. */
export function incompatibility(pool: Pool, request: ServiceRequest): PoolRefusal | undefined {
  const { allocation } = pool
  if (allocation === undefined) return undefined
  // A restriction that resolves to no namespace admits no one (MetalLB: everyone who asks for an address of it).
  if (allocation.namespaces !== undefined && !allocation.namespaces.has(request.namespace)) {
    return { kind: 'namespace-not-allowed', namespace: request.namespace }
  }
  const { serviceSelectors } = allocation
  if (serviceSelectors.length > 0 && !matchesAny(serviceSelectors, request.labels)) {
    return { kind: 'labels-not-selected' }
  }
  return undefined
}

/** Pools for a Service that asks for none, best first: those with `serviceAllocation`, then the others. */
export interface AutomaticPools {
  readonly pinned: readonly Pool[]
  readonly general: readonly Pool[]
}

const automatic = new WeakMap<Snapshot, AutomaticPools>()

/** Pinned pools by priority ascending with 0 last, then by name; general ones by name. Worked out once a Snapshot. */
export function automaticPools(snapshot: Snapshot): AutomaticPools {
  const known = automatic.get(snapshot)
  if (known !== undefined) return known
  const pools = [...snapshot.pools.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const sorted = {
    pinned: pools.filter((pool) => pool.allocation !== undefined).sort((a, b) => rank(a) - rank(b)),
    general: pools.filter((pool) => pool.allocation === undefined),
  }
  automatic.set(snapshot, sorted)
  return sorted
}

function rank(pool: Pool): number {
  return pool.allocation?.priority || Number.MAX_SAFE_INTEGER
}
