/** A pool as the page shows it. Pure. */
import type { Problem, Snapshot } from '../../core/config/index.ts'
import type { IPAddressPool } from '../../crds/index.ts'
import type { PoolRow } from '../../page/model.ts'

/** Nobody has counted yet. */
const NO_COUNTERS: Partial<NonNullable<IPAddressPool['status']>> = {}

/** The counters are those that the leader keeps in the status: every replica shows the same. */
export function poolRow(
  { metadata, spec, status }: IPAddressPool,
  snapshot: Snapshot,
  problems: readonly Problem[],
): PoolRow {
  const name = metadata.name ?? ''
  const { assignedIPv4 = 0, assignedIPv6 = 0, availableIPv4 = 0, availableIPv6 = 0 } = status ?? NO_COUNTERS
  return {
    name,
    addresses: spec.addresses,
    autoAssign: spec.autoAssign ?? true,
    ipv4: { inUse: assignedIPv4, total: assignedIPv4 + availableIPv4 },
    ipv6: { inUse: assignedIPv6, total: assignedIPv6 + availableIPv6 },
    notes: [...faultsOf(name, problems), ...announcementNotes(name, snapshot)],
  }
}

function faultsOf(name: string, problems: readonly Problem[]): readonly string[] {
  const own = problems.filter(({ object }) => object.kind === 'IPAddressPool' && object.name === name)
  return own.map(({ message }) => message)
}

function announcementNotes(name: string, snapshot: Snapshot): readonly string[] {
  const pool = snapshot.pools.get(name)
  if (pool === undefined || pool.suspended !== undefined) return ['It is not in force: it gives out nothing.']
  const advertisements = [...snapshot.l2Advertisements.values(), ...snapshot.bgpAdvertisements.values()]
  if (advertisements.some(({ pools }) => pools.has(name))) return []
  return ['Nobody announces it: no L2Advertisement or BGPAdvertisement reaches it.']
}
