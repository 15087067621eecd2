/** BGP communities: values, names that Community objects give them, and names that the standards give them. */
import type { Community as CommunityResource } from '../../crds/index.ts'
import { type Draft, draft, type Findings } from './draft.ts'
import type { Resources } from './resources.ts'
import type { Community, CommunityValue } from './snapshot.ts'

/** Registered names (IANA, "BGP Well-known Communities"). MetalLB knows none; an alias of the same name goes first. */
const WELL_KNOWN: Readonly<Record<string, number>> = {
  'graceful-shutdown': 0xffff_0000, // RFC 8326
  blackhole: 0xffff_029a, // RFC 7999
  'no-export': 0xffff_ff01, // RFC 1997
  'no-advertise': 0xffff_ff02, // RFC 1997
  'no-export-subconfed': 0xffff_ff03, // RFC 1997
  'no-peer': 0xffff_ff04, // RFC 3765
}

/** `not-a-value`: may be a name that is not defined yet. */
export type CommunityParse = CommunityValue | { readonly kind: 'invalid' } | { readonly kind: 'not-a-value' }

/** Reads `64500:100` or `large:64500:1:2`. */
export function parseCommunity(text: string): CommunityParse {
  const parts = text.split(':')
  if (parts.length === 2) {
    const numbers = parts.map((part) => parseNumber(part, 0xffff))
    const [asn, local] = numbers
    if (asn === undefined || local === undefined) return { kind: 'invalid' }
    return { kind: 'standard', value: asn * 0x1_0000 + local }
  }
  if (parts.length !== 4) return { kind: 'not-a-value' }
  const [global, local1, local2] = parts.slice(1).map((part) => parseNumber(part, 0xffff_ffff))
  if (parts[0] !== 'large' || global === undefined || local1 === undefined || local2 === undefined) {
    return { kind: 'invalid' }
  }
  return { kind: 'large', value: [global, local1, local2] }
}

/** As `parseCommunity` reads it, or by its registered name. */
export function formatCommunity(value: number): string {
  const known = Object.entries(WELL_KNOWN).find(([, registered]) => registered === value)
  return known?.[0] ?? `${value >>> 16}:${value & 0xffff}`
}

function parseNumber(text: string, highest: number): number | undefined {
  return /^[0-9]+$/.test(text) && Number(text) <= highest ? Number(text) : undefined
}

export const COMMUNITY_REMEDY = 'write it as "64500:100" or "large:64500:1:2", numbers in range'

export function draftCommunities(resources: Resources): readonly Draft<Community>[] {
  const drafts = draft('Community', resources.communities, resources, readCommunity)
  refuseRepeatedAliases(drafts)
  return drafts
}

function readCommunity({ metadata, spec }: CommunityResource, findings: Findings): Community {
  const aliases = new Map<string, CommunityValue>()
  for (const [index, { name = '', value = '' }] of (spec?.communities ?? []).entries()) {
    const path = `spec.communities[${index}]`
    const parsed = parseCommunity(value)
    if (parsed.kind === 'invalid' || parsed.kind === 'not-a-value') {
      findings.error(`${path}.value`, 'community-invalid', `"${value}" is not a community; ${COMMUNITY_REMEDY}`)
      continue
    }
    if (aliases.has(name)) findings.error(`${path}.name`, 'community-repeated', `"${name}" is given twice; rename one`)
    aliases.set(name, parsed)
  }
  return { name: metadata.name ?? '', aliases }
}

/** Aliases are one namespace over all objects: of two objects that define the same one, the younger is refused. */
function refuseRepeatedAliases(drafts: readonly Draft<Community>[]): void {
  const definedBy = new Map<string, Draft<Community>>()
  for (const one of drafts) {
    if (one.form === undefined || one.findings.blocking !== undefined) continue
    for (const alias of one.form.aliases.keys()) {
      const older = definedBy.get(alias)?.object
      if (older === undefined) continue
      const text = `"${alias}" is already defined by the older Community ${older.name}; rename one`
      one.findings.error('spec.communities', 'community-repeated', text, [older])
    }
    if (one.findings.blocking !== undefined) continue
    for (const alias of one.form.aliases.keys()) definedBy.set(alias, one)
  }
}

/** Names in force → values. Of objects in their last good form an alias may be in force twice: the first name wins. */
export function aliasesOf(communities: ReadonlyMap<string, Community>): ReadonlyMap<string, CommunityValue> {
  const aliases = new Map<string, CommunityValue>()
  for (const community of communities.values()) {
    for (const [alias, value] of community.aliases) if (!aliases.has(alias)) aliases.set(alias, value)
  }
  return aliases
}

export interface ResolvedCommunities {
  readonly communities: readonly number[]
  readonly largeCommunities: readonly (readonly [number, number, number])[]
}

/** Resolves `spec.communities` of an advertisement: an alias first, then a value, then a registered name. */
export function resolveCommunities(
  texts: readonly string[],
  aliases: ReadonlyMap<string, CommunityValue>,
  findings: Findings,
): ResolvedCommunities {
  const standard = new Set<number>()
  const large = new Map<string, readonly [number, number, number]>()
  for (const [index, text] of texts.entries()) {
    const resolved = resolveCommunity(text, aliases)
    const path = `spec.communities[${index}]`
    switch (resolved.kind) {
      case 'standard':
        standard.add(resolved.value)
        break
      case 'large':
        large.set(resolved.value.join(':'), resolved.value)
        break
      case 'invalid':
        findings.error(path, 'community-invalid', `"${text}" is not a community; ${COMMUNITY_REMEDY}`)
        break
      case 'not-a-value':
        findings.waiting(path, 'community-unknown', `no Community object defines "${text}" yet; create it`)
    }
  }
  return {
    communities: [...standard].sort((a, b) => a - b),
    largeCommunities: [...large.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]),
  }
}

function resolveCommunity(text: string, aliases: ReadonlyMap<string, CommunityValue>): CommunityParse {
  const alias = aliases.get(text)
  if (alias !== undefined) return alias
  const wellKnown = Object.hasOwn(WELL_KNOWN, text) ? WELL_KNOWN[text] : undefined
  return wellKnown === undefined ? parseCommunity(text) : { kind: 'standard', value: wellKnown }
}
