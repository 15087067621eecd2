/** COMMUNITIES (RFC 1997): 32 bits each, written `high:low`. LARGE_COMMUNITY (RFC 8092): three times 32 bits. */
import { Reader, Writer } from '../../bytes/index.ts'

export type LargeCommunity = readonly [global: number, local1: number, local2: number]

/** Communities that all routers know (RFC 1997, RFC 3765, RFC 7999, RFC 8326). */
export const WELL_KNOWN_COMMUNITIES = {
  GRACEFUL_SHUTDOWN: 0xffff_0000,
  BLACKHOLE: 0xffff_029a,
  NO_EXPORT: 0xffff_ff01,
  NO_ADVERTISE: 0xffff_ff02,
  NO_EXPORT_SUBCONFED: 0xffff_ff03,
  NOPEER: 0xffff_ff04,
} as const

export function decodeCommunities(value: Uint8Array): number[] {
  const reader = new Reader(value)
  const communities: number[] = []
  while (reader.remaining > 0) communities.push(reader.u32())
  return communities
}

export function encodeCommunities(communities: readonly number[]): Uint8Array {
  const writer = new Writer(new Uint8Array(communities.length * 4))
  for (const community of communities) writer.u32(community)
  return writer.finish()
}

export function decodeLargeCommunities(value: Uint8Array): LargeCommunity[] {
  const reader = new Reader(value)
  const communities: LargeCommunity[] = []
  while (reader.remaining > 0) communities.push([reader.u32(), reader.u32(), reader.u32()])
  return communities
}

export function encodeLargeCommunities(communities: readonly LargeCommunity[]): Uint8Array {
  const writer = new Writer(new Uint8Array(communities.length * 12))
  for (const parts of communities) for (const part of parts) writer.u32(part)
  return writer.finish()
}

/** `64512:100`, or the well-known name. */
export function formatCommunity(community: number): string {
  const known = Object.entries(WELL_KNOWN_COMMUNITIES).find(([, value]) => value === community)
  return known?.[0] ?? `${community >>> 16}:${community & 0xffff}`
}

/** `64512:1:2` (RFC 8092 section 5). */
export function formatLargeCommunity(community: LargeCommunity): string {
  return community.join(':')
}

export function compareLargeCommunities(a: LargeCommunity, b: LargeCommunity): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}
