import { Reader, Writer } from '../bytes/index.ts'

export type Family = 4 | 6

/** An IP address as a number: `bits` is below 2^32 for family 4, below 2^128 for family 6. */
export interface Address {
  readonly family: Family
  readonly bits: bigint
}

/** Bits in an address of the family: 32 or 128. */
export function widthOf(family: Family): number {
  return family === 4 ? 32 : 128
}

/**
 * Reads a dotted quad without leading zeros (RFC 6943 section 3.1.1: others read them as octal), or RFC 4291 section
 * 2.2 text, with embedded IPv4 too. No zones, no blanks. undefined = not an address.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) {
    const bits = parseV6(text)
    return bits === undefined ? undefined : { family: 6, bits }
  }
  const quad = parseDottedQuad(text)
  return quad === undefined ? undefined : { family: 4, bits: BigInt(quad) }
}

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/
const OCTETS = 4

function parseDottedQuad(text: string): number | undefined {
  const parts = text.split('.', OCTETS + 1)
  if (parts.length !== OCTETS) return undefined
  let value = 0
  for (const part of parts) {
    if (!OCTET.test(part)) return undefined
    const octet = Number(part)
    if (octet > 255) return undefined
    value = value * 256 + octet
  }
  return value
}

const GROUP = /^[0-9a-fA-F]{1,4}$/
const GROUPS = 8
const LONGEST_V6_TEXT = 45

function parseV6(text: string): bigint | undefined {
  if (text.length > LONGEST_V6_TEXT) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0]!, halves.length === 1)
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === GROUPS ? joinGroups(head) : undefined
  const tail = parseGroups(halves[1]!, true)
  // `::` stands for one group of zeros at least (RFC 4291 section 2.2, form 2).
  if (tail === undefined || head.length + tail.length >= GROUPS) return undefined
  const zeros = new Array<number>(GROUPS - head.length - tail.length).fill(0)
  return joinGroups([...head, ...zeros, ...tail])
}

/** 16-bit groups between colons; a dotted quad may stand last where `mayEndInQuad` (RFC 4291 section 2.2, form 3). */
function parseGroups(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const quad = mayEndInQuad && index === parts.length - 1 ? parseDottedQuad(part) : undefined
    if (quad === undefined) return undefined
    groups.push(quad >>> 16, quad & 0xffff)
  }
  return groups
}

function joinGroups(groups: readonly number[]): bigint {
  let bits = 0n
  for (const group of groups) bits = (bits << 16n) | BigInt(group)
  return bits
}

/** Canonical text: dotted quad, or RFC 5952 (lower case, longest run of zeros as `::`, mapped addresses as a quad). */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatQuad(Number(address.bits)) : formatV6(address.bits)
}

function formatQuad(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

function formatV6(bits: bigint): string {
  // RFC 5952 section 5: a well-known prefix that embeds IPv4 shows the quad; ::ffff:0:0/96 is the one we can know.
  if (bits >> 32n === 0xffffn) return `::ffff:${formatQuad(Number(bits & 0xffff_ffffn))}`
  const groups: number[] = []
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((bits >> shift) & 0xffffn))
  const { start, length } = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  // RFC 5952 section 4.2.2: a single zero group is not shortened.
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** The first of the longest runs (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}

/** IPv4 before IPv6, then by number: negative, zero or positive, as a sort function wants it. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family
  if (a.bits === b.bits) return 0
  return a.bits < b.bits ? -1 : 1
}

/** From network byte order: 4 or 16 bytes. Another length is a mistake of the caller (RangeError). */
export function addressFromBytes(bytes: Uint8Array): Address {
  const reader = new Reader(bytes)
  if (bytes.length === 4) return { family: 4, bits: BigInt(reader.u32()) }
  if (bytes.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`)
  const high = reader.u64()
  return { family: 6, bits: (high << 64n) | reader.u64() }
}

/** Network byte order: 4 or 16 bytes. */
export function addressToBytes(address: Address): Uint8Array {
  if (address.family === 4) return new Writer(new Uint8Array(4)).u32(Number(address.bits)).finish()
  const writer = new Writer(new Uint8Array(16))
  return writer
    .u64(address.bits >> 64n)
    .u64(address.bits & 0xffff_ffff_ffff_ffffn)
    .finish()
}
