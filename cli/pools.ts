/** `invarctl pools`: what every pool has, and what of it is in use. Pure. */
import { type Ledger, requestOf } from '../core/allocate/index.ts'
import { type Compiled, compile, type Problem, type Snapshot } from '../core/config/index.ts'
import { poolCounters } from '../core/status/index.ts'
import type { IPAddressPool } from '../crds/index.ts'
import type { ClusterState } from './cluster-state.ts'
import { type Report, type TextStyle, table } from './report.ts'
import { adoptedLedger } from './settle.ts'

export interface PoolRow {
  readonly name: string
  readonly addresses: readonly string[]
  readonly autoAssign: boolean
  readonly avoidBuggyIPs: boolean
  /** Present where the pool has `serviceAllocation`; 0 = last. */
  readonly priority?: number
  readonly ipv4: Fill
  readonly ipv6: Fill
  /** Services that hold an address of the pool. */
  readonly services: number
  /** false: the pool is not in force, and gives out nothing. */
  readonly isInForce: boolean
  /** Addresses that somebody outside uses: no further Service gets them. */
  readonly quarantined: readonly string[]
  /** What there is to know: why it is not in force, who does not announce it. */
  readonly notes: readonly string[]
}

/** Distinct addresses held, and addresses that can be held at all; both end at 2^63 - 1. */
export interface Fill {
  readonly inUse: bigint
  readonly total: bigint
}

/** In name order. What is held is counted from the statuses of the Services, whether or not a controller runs. */
export function poolRows({ resources, services, request, conflicts }: ClusterState): readonly PoolRow[] {
  const compiled = compile(resources)
  const ledger = adoptedLedger(
    compiled.snapshot,
    services.map((service) => requestOf(service, request)),
    conflicts,
  )
  return resources.pools.map((resource) => rowOf(resource, ledger, compiled)).sort((a, b) => (a.name < b.name ? -1 : 1))
}

const NONE: Fill = { inUse: 0n, total: 0n }

function rowOf({ metadata, spec }: IPAddressPool, ledger: Ledger, compiled: Compiled): PoolRow {
  const name = metadata.name ?? ''
  const occupancy = ledger.pools.get(name)
  const quarantined = [...ledger.quarantines()].filter(({ address }) => ledger.poolOf(address)?.pool.name === name)
  const counters = occupancy && poolCounters(occupancy)
  const isInForce = occupancy !== undefined && occupancy.pool.suspended === undefined
  const priority = occupancy?.pool.allocation?.priority
  return {
    name,
    addresses: spec.addresses,
    autoAssign: spec.autoAssign ?? true,
    avoidBuggyIPs: spec.avoidBuggyIPs ?? false,
    ...(priority === undefined ? {} : { priority }),
    ipv4: counters === undefined ? NONE : { inUse: counters.inUseIPv4, total: counters.totalIPv4 },
    ipv6: counters === undefined ? NONE : { inUse: counters.inUseIPv6, total: counters.totalIPv6 },
    services: Number(counters?.services ?? 0n),
    isInForce,
    quarantined: quarantined.map(({ address }) => address),
    notes: [
      ...problemsOf(name, compiled.problems),
      ...(isInForce ? announcementNotes(name, compiled.snapshot) : []),
      ...quarantined.map(({ address, because }) => `${address} is given to nobody: ${because}.`),
    ],
  }
}

function problemsOf(name: string, problems: readonly Problem[]): readonly string[] {
  return problems
    .filter(({ object }) => object.kind === 'IPAddressPool' && object.name === name)
    .map(({ message }) => message)
}

function announcementNotes(name: string, { l2Advertisements, bgpAdvertisements }: Snapshot): readonly string[] {
  const advertisements = [...l2Advertisements.values(), ...bgpAdvertisements.values()]
  if (advertisements.some(({ pools }) => pools.has(name))) return []
  return ['Not announced: no L2Advertisement or BGPAdvertisement reaches it.']
}

export function poolsReport(pools: readonly PoolRow[]): Report {
  return { value: { pools }, text: (style) => textOf(pools, style), exitCode: 0 }
}

const NARROW = ['NAME', 'ADDRESSES', 'AUTO', 'IPV4', 'IPV6', 'SERVICES', 'NOTE']
const WIDE = [...NARROW.slice(0, -1), 'PRIORITY', 'AVOID-BUGGY', 'NOTE']

function textOf(pools: readonly PoolRow[], { isWide }: TextStyle): string {
  return poolTable(pools, isWide)
}

/** For people. */
export function poolTable(pools: readonly PoolRow[], isWide: boolean): string {
  if (pools.length === 0) return 'There is no IPAddressPool: no Service gets an address.\n'
  return table(
    isWide ? WIDE : NARROW,
    pools.map((pool) => cellsOf(pool, isWide)),
  )
}

function cellsOf(pool: PoolRow, isWide: boolean): readonly string[] {
  const { name, addresses, autoAssign, ipv4, ipv6, services, avoidBuggyIPs, notes } = pool
  const left = [name, addressList(addresses, isWide), String(autoAssign), fill(ipv4), fill(ipv6), String(services)]
  const wide = isWide ? [String(pool.priority ?? '-'), String(avoidBuggyIPs)] : []
  return [...left, ...wide, notes.join(' ')]
}

/** Entries that are shown unless all are asked for. */
const SHOWN = 2

function addressList(addresses: readonly string[], isWide: boolean): string {
  const shown = isWide ? addresses : addresses.slice(0, SHOWN)
  const more = addresses.length - shown.length
  return `${shown.join(',')}${more > 0 ? ` +${more}` : ''}`
}

function fill({ inUse, total }: Fill): string {
  return total === 0n && inUse === 0n ? '-' : `${inUse}/${total}`
}
