/** Two advertisements must not give the same routes to the same peer from the same node with two local preferences. */
import { type Draft, inForce } from './draft.ts'
import type { NodeSharing } from './node-sharing.ts'
import type { BgpAdvertisement, Pool } from './snapshot.ts'

/**
 * Refuses every advertisement that conflicts with an older one in force. Advertisements with service selectors are
 * judged a Service at a time, by `localPreferencesConflict`, where a Service matches both.
 */
export function refuseLocalPreferenceConflicts(
  drafts: readonly Draft<BgpAdvertisement>[],
  lastGood: ReadonlyMap<string, BgpAdvertisement> | undefined,
  pools: ReadonlyMap<string, Pool>,
  nodes: NodeSharing,
): void {
  const older: { draft: Draft<BgpAdvertisement>; form: BgpAdvertisement }[] = []
  for (const one of drafts) {
    const form = one.form
    if (form !== undefined && one.findings.blocking === undefined && form.serviceSelectors.length === 0) {
      for (const other of older) refuseConflict({ draft: one, form }, other, pools, nodes)
    }
    const settled = inForce(one, lastGood)
    if (settled !== undefined && settled.serviceSelectors.length === 0) older.push({ draft: one, form: settled })
  }
}

interface Party {
  readonly draft: Draft<BgpAdvertisement>
  readonly form: BgpAdvertisement
}

function refuseConflict(younger: Party, older: Party, pools: ReadonlyMap<string, Pool>, nodes: NodeSharing): void {
  if (!couldConflict(younger.form, older.form)) return
  for (const name of younger.form.pools) {
    const pool = pools.get(name)
    if (pool === undefined || !older.form.pools.has(name)) continue
    if (!localPreferencesConflict(younger.form, older.form, pool)) continue
    if (!nodes.share(younger.form.nodeSelectors, older.form.nodeSelectors)) return
    const { localPreference: ours = 0 } = younger.form
    const { localPreference: theirs = 0 } = older.form
    const { object } = older.draft
    const text = `${ours} differs from ${theirs} in the older BGPAdvertisement ${object.name}, which announces pool ${name} to the same peers; make them equal`
    younger.draft.findings.error('spec.localPref', 'local-preference-conflict', text, [object])
    return
  }
}

/**
 * Whether two advertisements that reach the same pool (and, where they select Services, the same Service) send the same
 * routes with different local preferences to a common peer. Whether they share a node is the caller's to know.
 */
export function localPreferencesConflict(a: BgpAdvertisement, b: BgpAdvertisement, pool: Pool): boolean {
  return couldConflict(a, b) && !aggregatesDiffer(a, b, pool)
}

function couldConflict(a: BgpAdvertisement, b: BgpAdvertisement): boolean {
  if (a.localPreference === b.localPreference) return false
  return a.peers.length === 0 || b.peers.length === 0 || a.peers.some((peer) => b.peers.includes(peer))
}

/** Routes of different length are different routes; of a pool of both families both must differ. */
function aggregatesDiffer(a: BgpAdvertisement, b: BgpAdvertisement, pool: Pool): boolean {
  const differ4 = a.aggregationLength !== b.aggregationLength
  const differ6 = a.aggregationLengthV6 !== b.aggregationLengthV6
  return (!pool.families.has(4) || differ4) && (!pool.families.has(6) || differ6)
}
