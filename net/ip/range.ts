import { type Address, type Family, parseAddress, widthOf } from './address.ts'
import type { Prefix } from './prefix.ts'

/** Consecutive addresses of one family, both ends inclusive, `first <= last`. */
export interface Range {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

/** Why a text is not a range. */
export interface RangeError {
  readonly kind: 'unparsable' | 'mixed-families' | 'reversed'
}

/** Reads `first-last`, blanks around either end allowed. Tell the results apart by `'kind' in result`. */
export function parseRange(text: string): Range | RangeError {
  const dash = text.indexOf('-')
  if (dash === -1) return { kind: 'unparsable' }
  const first = parseAddress(text.slice(0, dash).trim())
  const last = parseAddress(text.slice(dash + 1).trim())
  if (first === undefined || last === undefined) return { kind: 'unparsable' }
  if (first.family !== last.family) return { kind: 'mixed-families' }
  if (first.bits > last.bits) return { kind: 'reversed' }
  return { family: first.family, first: first.bits, last: last.bits }
}

export function rangeOfPrefix(prefix: Prefix): Range {
  const size = 1n << BigInt(widthOf(prefix.family) - prefix.length)
  return { family: prefix.family, first: prefix.bits, last: prefix.bits + size - 1n }
}

/** The shortest ascending list of prefixes that covers exactly the range: at most 62 for IPv4, 254 for IPv6. */
export function rangeToPrefixes(range: Range): readonly Prefix[] {
  const width = widthOf(range.family)
  const prefixes: Prefix[] = []
  let at = range.first
  while (at <= range.last) {
    let hostBits = 0
    // The largest block that starts here (is aligned) and does not reach past the end.
    while (hostBits < width && fits(at, BigInt(hostBits + 1), range.last)) hostBits++
    prefixes.push({ family: range.family, bits: at, length: width - hostBits })
    at += 1n << BigInt(hostBits)
  }
  return prefixes
}

function fits(first: bigint, hostBits: bigint, last: bigint): boolean {
  const size = 1n << hostBits
  return (first & (size - 1n)) === 0n && first + size - 1n <= last
}

export function rangeContains(range: Range, address: Address): boolean {
  return range.family === address.family && range.first <= address.bits && address.bits <= range.last
}

export function rangesOverlap(a: Range, b: Range): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last
}

/** Number of addresses, both ends counted. */
export function rangeSize(range: Range): bigint {
  return range.last - range.first + 1n
}
