/** All resources at once → one frozen Snapshot, and everything that is wrong with them. */
import { draftBfdProfiles } from './bfd-profiles.ts'
import { draftBgpAdvertisements } from './bgp-advertisements.ts'
import { aliasesOf, draftCommunities } from './communities.ts'
import { type Draft, settle } from './draft.ts'
import { draftL2Advertisements } from './l2-advertisements.ts'
import { refuseLocalPreferenceConflicts } from './local-preference.ts'
import { NodeSharing } from './node-sharing.ts'
import { noticeRouterIds, refuseEchoWithIpv6, refuseRepeatedPeers } from './peer-pairs.ts'
import { draftPeers } from './peers.ts'
import { draftPools, settlePools } from './pools.ts'
import type { Problem } from './problem.ts'
import type { Resources } from './resources.ts'
import { share } from './share.ts'
import type { Snapshot } from './snapshot.ts'

export interface Compiled {
  readonly snapshot: Snapshot
  /** All of them, a kind after the other, by name and path. */
  readonly problems: readonly Problem[]
}

/**
 * Compiles the configuration. The result depends neither on the order of the resources nor on the clock.
 *
 * An object with a problem of severity `error` or `waiting` is not applied, in no part: its form in `previous` (the
 * Snapshot in force until now) stays instead, and all other objects take effect. For pools see `settlePools`.
 * What did not change is the same object as in `previous`; if nothing did, the Snapshot is.
 */
export function compile(resources: Resources, previous?: Snapshot): Compiled {
  const nodes = new NodeSharing(resources.nodes)
  const bfdDrafts = draftBfdProfiles(resources)
  const bfdProfiles = settle(bfdDrafts, previous?.bfdProfiles)
  const communityDrafts = draftCommunities(resources)
  const communities = settle(communityDrafts, previous?.communities)
  const poolDrafts = draftPools(resources)
  const pools = settlePools(poolDrafts, previous?.pools, resources.nodes ?? [])
  const l2Drafts = draftL2Advertisements(resources, pools)
  const bgpDrafts = draftBgpAdvertisements(resources, { pools, aliases: aliasesOf(communities) })
  const peerDrafts = draftPeers(resources, bfdProfiles)
  refuseEchoWithIpv6(peerDrafts, bgpDrafts, pools, nodes)
  refuseLocalPreferenceConflicts(bgpDrafts, previous?.bgpAdvertisements, pools, nodes)
  refuseRepeatedPeers(peerDrafts, previous?.peers, nodes)
  noticeRouterIds(peerDrafts, resources.nodes)
  const snapshot: Snapshot = {
    pools,
    l2Advertisements: settle(l2Drafts, previous?.l2Advertisements),
    bgpAdvertisements: settle(bgpDrafts, previous?.bgpAdvertisements),
    peers: settle(peerDrafts, previous?.peers),
    bfdProfiles,
    communities,
  }
  const drafts = [poolDrafts, l2Drafts, bgpDrafts, peerDrafts, bfdDrafts, communityDrafts]
  return { snapshot: freeze(share(snapshot, previous)), problems: drafts.flatMap(problemsOf) }
}

function problemsOf(drafts: readonly Draft<unknown>[]): Problem[] {
  return drafts
    .flatMap(({ findings }) => findings.problems)
    .sort((a, b) => compare(a.object.name, b.object.name) || compare(a.path, b.path) || compare(a.message, b.message))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Deep; what is frozen already (forms of the previous Snapshot) is passed over. Maps and Sets hold by their type. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  const parts = value instanceof Map || value instanceof Set ? value.values() : Object.values(value)
  for (const part of parts) freeze(part)
  return value
}
