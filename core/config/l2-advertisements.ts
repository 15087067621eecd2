/** L2Advertisement: which pools, nodes and interfaces. */
import type { L2Advertisement as L2AdvertisementResource } from '../../crds/index.ts'
import { type Draft, draft, type Findings } from './draft.ts'
import { compileOne, compileSelectors, judgeNames } from './lists.ts'
import type { Resources } from './resources.ts'
import { matches, type Selector } from './selector.ts'
import type { L2Advertisement, Pool } from './snapshot.ts'

export function draftL2Advertisements(
  resources: Resources,
  pools: ReadonlyMap<string, Pool>,
): readonly Draft<L2Advertisement>[] {
  return draft('L2Advertisement', resources.l2Advertisements, resources, (resource, findings) =>
    readL2Advertisement(resource, pools, findings),
  )
}

function readL2Advertisement(
  { metadata, spec = {} }: L2AdvertisementResource,
  pools: ReadonlyMap<string, Pool>,
  findings: Findings,
): L2Advertisement {
  const path = 'spec.preferredNodeSelectors'
  return {
    name: metadata.name ?? '',
    pools: reachedPools(spec, pools, findings),
    nodeSelectors: compileSelectors(spec.nodeSelectors, 'spec.nodeSelectors', findings),
    serviceSelectors: compileSelectors(spec.serviceSelectors, 'spec.serviceSelectors', findings),
    interfaces: judgeNames(spec.interfaces, 'spec.interfaces', findings),
    // Equal preferences may stand twice: their weights add up.
    preferences: (spec.preferredNodeSelectors ?? []).map(({ weight, preference }, index) => ({
      weight,
      preference: compileOne(preference, `${path}[${index}].preference`, findings),
    })),
  }
}

/**
 * Pools that an advertisement names or selects, each once; all where it does neither. Names of pools that do not exist
 * are ignored.
 */
export function reachedPools(
  spec: NonNullable<Pick<NonNullable<L2AdvertisementResource['spec']>, 'ipAddressPools' | 'ipAddressPoolSelectors'>>,
  pools: ReadonlyMap<string, Pool>,
  findings: Findings,
): ReadonlySet<string> {
  const names = new Set(judgeNames(spec.ipAddressPools, 'spec.ipAddressPools', findings))
  const selectors = compileSelectors(spec.ipAddressPoolSelectors, 'spec.ipAddressPoolSelectors', findings)
  const all = names.size === 0 && selectors.length === 0
  const reached = [...pools.values()].filter((pool) => all || names.has(pool.name) || isSelected(pool, selectors))
  return new Set(reached.map((pool) => pool.name))
}

function isSelected(pool: Pool, selectors: readonly Selector[]): boolean {
  return selectors.some((selector) => matches(selector, pool.labels))
}
