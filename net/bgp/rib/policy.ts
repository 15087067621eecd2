/** What is to be said of a prefix, before it is known to whom. */
import { compareAddresses, type Prefix } from '../../ip/index.ts'
import { compareLargeCommunities, type LargeCommunity } from '../message/index.ts'

/** One advertisement's wish for one prefix. */
export interface Contribution {
  readonly prefix: Prefix
  /** Name of the BGPAdvertisement, for whoever asks where a route comes from. */
  readonly advertisement: string
  /** undefined = unset. */
  readonly localPreference: number | undefined
  readonly communities: readonly number[]
  readonly largeCommunities: readonly LargeCommunity[]
  /** Names of the peers that get it; undefined = all. */
  readonly peers: readonly string[] | undefined
}

/** What is said of a prefix to one peer: all contributions that reach this peer, merged. */
export interface RoutePolicy {
  readonly localPreference: number
  /** Ascending, unique. */
  readonly communities: readonly number[]
  readonly largeCommunities: readonly LargeCommunity[]
  /** The contributions wished for different local preferences: the highest was taken. */
  readonly hasConflict: boolean
  /** Policies with equal texts say the same to an external peer, which is not told the local preference. */
  readonly externalKey: string
  /** As above, to an internal peer. */
  readonly internalKey: string
}

/** What FRR says where nothing is set; MetalLB's native 0 would make the route the last choice. */
export const DEFAULT_LOCAL_PREFERENCE = 100

/** Of one contribution at least; their order does not matter. */
export function mergeContributions(contributions: readonly Contribution[]): RoutePolicy {
  const preferences = new Set(contributions.map((each) => each.localPreference ?? DEFAULT_LOCAL_PREFERENCE))
  const communities = sortedUnique(contributions)
  const largeCommunities = sortedUniqueLarge(contributions)
  const localPreference = Math.max(...preferences)
  const externalKey = `${communities.join()};${largeCommunities.map((each) => each.join(':')).join()}`
  return {
    localPreference,
    communities,
    largeCommunities,
    hasConflict: preferences.size > 1,
    externalKey,
    internalKey: `${localPreference};${externalKey}`,
  }
}

function sortedUnique(contributions: readonly Contribution[]): number[] {
  return [...new Set(contributions.flatMap((each) => each.communities))].sort((a, b) => a - b)
}

function sortedUniqueLarge(contributions: readonly Contribution[]): LargeCommunity[] {
  const all = new Map<string, LargeCommunity>()
  for (const { largeCommunities } of contributions) {
    for (const community of largeCommunities) all.set(community.join(':'), community)
  }
  return [...all.values()].sort(compareLargeCommunities)
}

/** Contributions with equal texts are the same but for who made them. */
export function variantKey(contribution: Contribution): string {
  const large = contribution.largeCommunities.map((each) => each.join(':')).join()
  const peers = contribution.peers?.join() ?? '*'
  const { advertisement, localPreference, communities } = contribution
  return `${advertisement}|${localPreference ?? ''}|${communities.join()}|${large}|${peers}`
}

export function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(a, b) || a.length - b.length
}
