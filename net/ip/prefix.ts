import { type Address, type Family, formatAddress, parseAddress, widthOf } from './address.ts'

/** A CIDR block; the bits behind `length` are zero. */
export interface Prefix {
  readonly family: Family
  readonly bits: bigint
  readonly length: number
}

const LENGTH = /^(?:0|[1-9][0-9]{0,2})$/

/** Reads `address/length`; host bits are masked silently. undefined = not a prefix. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  if (slash === -1) return undefined
  const address = parseAddress(text.slice(0, slash))
  const lengthText = text.slice(slash + 1)
  if (address === undefined || !LENGTH.test(lengthText)) return undefined
  const length = Number(lengthText)
  return length <= widthOf(address.family) ? prefixOf(address, length) : undefined
}

/** `192.0.2.0/24`, `2001:db8::/64`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`
}

/** The block of the given length that holds the address. */
export function prefixOf(address: Address, length: number): Prefix {
  const width = widthOf(address.family)
  if (!(Number.isInteger(length) && length >= 0 && length <= width)) {
    throw new RangeError(`an IPv${address.family} prefix has a length of 0 to ${width}, not ${length}`)
  }
  const hostBits = BigInt(width - length)
  return { family: address.family, bits: (address.bits >> hostBits) << hostBits, length }
}

export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false
  const hostBits = BigInt(widthOf(prefix.family) - prefix.length)
  return address.bits >> hostBits === prefix.bits >> hostBits
}
