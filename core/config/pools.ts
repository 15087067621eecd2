/** IPAddressPool: entries, service allocation, and that no two pools overlap. */
import type { IPAddressPool } from '../../crds/index.ts'
import { formatAddress, parseAddress, parsePrefix, parseRange, type Range, rangeOfPrefix } from '../../net/ip/index.ts'
import { type Draft, draft, type Findings, inNameOrder } from './draft.ts'
import { parseDurationMs } from './duration.ts'
import { compileSelectors, judgeNames } from './lists.ts'
import type { Problem } from './problem.ts'
import { RangeSet } from './range-set.ts'
import type { NodeFacts, Resources } from './resources.ts'
import type { Rule } from './rules.ts'
import { matches } from './selector.ts'
import type { Pool, PoolAllocation, PoolEntry } from './snapshot.ts'

/** How long a freed address rests before another Service may have it; a Go duration. Absent = not at all. */
export const REUSE_AFTER_ANNOTATION = 'invar.dev/reuse-after'

export function draftPools(resources: Resources): readonly Draft<Pool>[] {
  return draft('IPAddressPool', resources.pools, resources, (resource, findings) =>
    readPool(resource, resources, findings),
  )
}

/**
 * The pools in force, in name order; those in force without restriction overlap nowhere.
 *
 * Of pools that overlap the younger is refused. A pool that is refused stays, suspended, in its last good form, or,
 * where there is none (after a restart), with the entries that could be read, be it none: what is held is kept, nothing
 * is given.
 * Its claim to these addresses stays too, or else a slip in one pool would let another take its addresses over.
 */
export function settlePools(
  drafts: readonly Draft<Pool>[],
  lastGood: ReadonlyMap<string, Pool> | undefined,
  nodes: readonly NodeFacts[],
): ReadonlyMap<string, Pool> {
  const claims = new RangeSet<Claimant>()
  const settled: [string, Pool][] = []
  for (const one of drafts.filter(({ isKnown }) => isKnown)) {
    if (one.findings.blocking === undefined) refuseOverlap(one, claims)
    const blocking = one.findings.blocking
    const pool = blocking === undefined ? one.form : suspended(lastGood?.get(one.object.name) ?? one.form, blocking)
    if (pool === undefined) continue
    for (const [index, entry] of pool.entries.entries()) claims.add(entry.range, { draft: one, entry, index })
    settled.push([pool.name, pool])
  }
  noticeNodeAddresses(nodes, claims)
  return inNameOrder(settled)
}

interface Claimant {
  readonly draft: Draft<Pool>
  readonly entry: PoolEntry
  readonly index: number
}

function refuseOverlap(one: Draft<Pool>, claims: RangeSet<Claimant>): void {
  for (const [index, entry] of one.form!.entries.entries()) {
    const claim = claims.overlapping(entry.range)?.owner
    if (claim === undefined) continue
    const theirs = claim.draft.object
    const text = `"${entry.text}" overlaps with "${claim.entry.text}" of the older pool ${theirs.name}; change one of them`
    one.findings.error(`spec.addresses[${index}]`, 'pools-overlap', text, [theirs])
  }
}

/** To announce a node's own address would cut the node off. */
function noticeNodeAddresses(nodes: readonly NodeFacts[], claims: RangeSet<Claimant>): void {
  for (const node of nodes) {
    for (const text of node.addresses ?? []) {
      const address = parseAddress(text)
      if (address === undefined) continue
      const alone = { family: address.family, first: address.bits, last: address.bits }
      const claim = claims.overlapping(alone)?.owner
      if (claim === undefined) continue
      const said = `"${claim.entry.text}" holds ${text}, the address of node ${node.name}; leave it out`
      claim.draft.findings.notice(`spec.addresses[${claim.index}]`, 'pool-overlaps-node', said)
    }
  }
}

function suspended(pool: Pool | undefined, because: Problem): Pool | undefined {
  return pool && { ...pool, suspended: because }
}

function readPool(resource: IPAddressPool, resources: Resources, findings: Findings): Pool {
  const { metadata, spec } = resource
  const entries = readEntries(spec.addresses, findings)
  return {
    name: metadata.name ?? '',
    // A copy: the Snapshot is frozen, the resource must not be.
    labels: { ...metadata.labels },
    entries,
    families: new Set(entries.map(({ range }) => range.family).sort()),
    autoAssign: spec.autoAssign ?? true,
    avoidBuggyIPs: spec.avoidBuggyIPs ?? false,
    allocation: readAllocation(spec.serviceAllocation, resources, findings),
    suspended: undefined,
    reuseAfterMs: readReuseAfter(metadata.annotations?.[REUSE_AFTER_ANNOTATION], findings),
  }
}

/** The entries that can be read and do not overlap with an earlier one. */
function readEntries(texts: readonly string[], findings: Findings): PoolEntry[] {
  if (texts.length === 0) findings.error('spec.addresses', 'addresses-missing', 'a pool needs at least one range')
  const claims = new RangeSet<string>()
  const entries: PoolEntry[] = []
  for (const [index, text] of texts.entries()) {
    const path = `spec.addresses[${index}]`
    const range = parseEntry(text)
    if ('rule' in range) {
      findings.error(path, range.rule, range.text)
      continue
    }
    const claim = claims.overlapping(range)
    if (claim !== undefined) {
      findings.error(path, 'addresses-overlap', `"${text}" overlaps with "${claim.owner}" of the same pool; merge them`)
      continue
    }
    claims.add(range, text)
    entries.push({ text, range })
  }
  return entries
}

/**
 * One entry of `spec.addresses`: a CIDR, of which host bits are masked, or `first-last`. MetalLB takes a range with
 * ends of two families for an empty one; here it is refused.
 */
export function parseEntry(text: string): Range | { readonly rule: Rule; readonly text: string } {
  if (!text.includes('-')) {
    const prefix = parsePrefix(text)
    if (prefix !== undefined) return rangeOfPrefix(prefix)
    const address = parseAddress(text)
    if (address === undefined) return { rule: 'address-unparsable', text: `"${text}" ${NEITHER}` }
    const whole = `${formatAddress(address)}/${address.family === 4 ? 32 : 128}`
    return { rule: 'address-without-mask', text: `"${text}" is a bare address; write "${whole}"` }
  }
  const range = parseRange(text)
  if (!('kind' in range)) return range
  switch (range.kind) {
    case 'mixed-families':
      return { rule: 'range-mixed-families', text: `"${text}" begins in one IP family and ends in another` }
    case 'reversed':
      return { rule: 'range-reversed', text: `"${text}" begins above its end; exchange the two addresses` }
    case 'unparsable':
      return { rule: 'address-unparsable', text: `"${text}" ${NEITHER}` }
  }
}

const NEITHER = 'is neither a CIDR like "192.0.2.0/24" nor a range like "192.0.2.10-192.0.2.20"'

function readAllocation(
  allocation: IPAddressPool['spec']['serviceAllocation'],
  resources: Resources,
  findings: Findings,
): PoolAllocation | undefined {
  if (allocation === undefined) return undefined
  const path = 'spec.serviceAllocation'
  const names = judgeNames(allocation.namespaces, `${path}.namespaces`, findings)
  const selectors = compileSelectors(allocation.namespaceSelectors, `${path}.namespaceSelectors`, findings)
  const selected = (resources.namespaces ?? []).filter(({ labels }) => selectors.some((one) => matches(one, labels)))
  const restricted = names.length > 0 || selectors.length > 0
  return {
    priority: allocation.priority ?? 0,
    // A restriction that matches no namespace is an empty set, which admits no one (MetalLB: everyone who asks).
    namespaces: restricted ? new Set([...names, ...selected.map(({ name }) => name)].sort()) : undefined,
    serviceSelectors: compileSelectors(allocation.serviceSelectors, `${path}.serviceSelectors`, findings),
  }
}

function readReuseAfter(text: string | undefined, findings: Findings): number {
  if (text === undefined) return 0
  const ms = parseDurationMs(text)
  if (ms !== undefined && ms >= 0) return ms
  const path = `metadata.annotations[${REUSE_AFTER_ANNOTATION}]`
  findings.error(path, 'reuse-after-unparsable', `"${text}" is not a duration; write it as "10m" or "1h30m"`)
  return 0
}
