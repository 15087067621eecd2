/** BGPAdvertisement: which pools, how aggregated, with which attributes, to whom. */
import type { BGPAdvertisement as BgpAdvertisementResource } from '../../crds/index.ts'
import { type Family, type Range, rangeToPrefixes } from '../../net/ip/index.ts'
import { resolveCommunities } from './communities.ts'
import { type Draft, draft, type Findings } from './draft.ts'
import { reachedPools } from './l2-advertisements.ts'
import { compileSelectors, judgeNames } from './lists.ts'
import type { Resources } from './resources.ts'
import type { BgpAdvertisement, CommunityValue, Pool } from './snapshot.ts'

export interface AdvertisementContext {
  readonly pools: ReadonlyMap<string, Pool>
  readonly aliases: ReadonlyMap<string, CommunityValue>
}

export function draftBgpAdvertisements(
  resources: Resources,
  context: AdvertisementContext,
): readonly Draft<BgpAdvertisement>[] {
  const floors = new AggregationFloors()
  return draft('BGPAdvertisement', resources.bgpAdvertisements, resources, (resource, findings) => {
    const form = readBgpAdvertisement(resource, context, findings)
    judgeAggregation(form, context.pools, floors, findings)
    return form
  })
}

function readBgpAdvertisement(
  { metadata, spec = {} }: BgpAdvertisementResource,
  context: AdvertisementContext,
  findings: Findings,
): BgpAdvertisement {
  const communities = judgeNames(spec.communities, 'spec.communities', findings)
  return {
    name: metadata.name ?? '',
    pools: reachedPools(spec, context.pools, findings),
    nodeSelectors: compileSelectors(spec.nodeSelectors, 'spec.nodeSelectors', findings),
    serviceSelectors: compileSelectors(spec.serviceSelectors, 'spec.serviceSelectors', findings),
    aggregationLength: spec.aggregationLength ?? WHOLE[4],
    aggregationLengthV6: spec.aggregationLengthV6 ?? WHOLE[6],
    // In the resource 0 and absent are the same.
    localPreference: spec.localPref || undefined,
    ...resolveCommunities(communities, context.aliases, findings),
    peers: judgeNames(spec.peers, 'spec.peers', findings),
  }
}

/** Prefix length of a single address. */
const WHOLE = { 4: 32, 6: 128 } as const
const FIELD = { 4: 'aggregationLength', 6: 'aggregationLengthV6' } as const

function judgeAggregation(
  form: BgpAdvertisement,
  pools: ReadonlyMap<string, Pool>,
  floors: AggregationFloors,
  findings: Findings,
): void {
  for (const family of [4, 6] as const) {
    const length = form[FIELD[family]]
    if (length === WHOLE[family]) continue
    const path = `spec.${FIELD[family]}`
    if (form.serviceSelectors.length > 0) {
      const text = `${length} aggregates routes, but serviceSelectors choose single addresses; drop one of them`
      findings.error(path, 'aggregation-with-service-selectors', text)
    }
    for (const name of form.pools) {
      const floor = floors.of(pools.get(name)!, family)
      if (floor === undefined || length >= floor.length) continue
      const text = `${length} is coarser than "${floor.text}" of pool ${name}; use ${floor.length} or more`
      const { namespace } = findings.object
      findings.error(path, 'aggregation-exceeds-pool', text, [{ kind: 'IPAddressPool', namespace, name }])
    }
  }
}

interface Floor {
  readonly length: number
  readonly text: string
}

/**
 * The shortest aggregation length that each pool bears. An entry bears the length of its largest block: a range is
 * refused only where none of its blocks is coarse enough, so an aggregate may reach beyond a range, as in MetalLB.
 */
class AggregationFloors {
  readonly #known = new Map<Pool, Partial<Record<Family, Floor>>>()

  of(pool: Pool, family: Family): Floor | undefined {
    let floors = this.#known.get(pool)
    if (floors === undefined) {
      floors = floorsOf(pool)
      this.#known.set(pool, floors)
    }
    return floors[family]
  }
}

function floorsOf(pool: Pool): Partial<Record<Family, Floor>> {
  const floors: Partial<Record<Family, Floor>> = {}
  for (const { range, text } of pool.entries) {
    const length = largestBlock(range)
    const floor = floors[range.family]
    if (floor === undefined || length > floor.length) floors[range.family] = { length, text }
  }
  return floors
}

function largestBlock(range: Range): number {
  return Math.min(...rangeToPrefixes(range).map((prefix) => prefix.length))
}
