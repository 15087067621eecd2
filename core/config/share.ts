/**
 * Structural sharing between one Snapshot and the next: what says the same stays the same object, so that whoever
 * follows the configuration sees by `===` what changed.
 */
import type { Snapshot } from './snapshot.ts'

/** The next Snapshot with all parts taken from the previous one that are equal there; the previous itself if all are. */
export function share(next: Snapshot, previous: Snapshot | undefined): Snapshot {
  if (previous === undefined) return next
  const shared: Snapshot = {
    pools: shareMap(next.pools, previous.pools),
    l2Advertisements: shareMap(next.l2Advertisements, previous.l2Advertisements),
    bgpAdvertisements: shareMap(next.bgpAdvertisements, previous.bgpAdvertisements),
    peers: shareMap(next.peers, previous.peers),
    bfdProfiles: shareMap(next.bfdProfiles, previous.bfdProfiles),
    communities: shareMap(next.communities, previous.communities),
  }
  const keys = Object.keys(shared) as (keyof Snapshot)[]
  return keys.every((key) => shared[key] === previous[key]) ? previous : shared
}

function shareMap<Form>(
  next: ReadonlyMap<string, Form>,
  previous: ReadonlyMap<string, Form>,
): ReadonlyMap<string, Form> {
  let isSame = next.size === previous.size
  const shared = new Map<string, Form>()
  for (const [name, form] of next) {
    const before = previous.get(name)
    const isKept = before !== undefined && isEqual(form, before)
    shared.set(name, isKept ? before : form)
    isSame &&= isKept
  }
  return isSame ? previous : shared
}

/** By content, through everything that a Snapshot is made of. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Set) return b instanceof Set && a.size === b.size && isEqual([...a], [...b])
  if (a instanceof Map) return b instanceof Map && a.size === b.size && isEqual([...a], [...b])
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => isEqual(a[key as keyof typeof a], b[key as keyof typeof b]))
}
