import { type Address, addressToBytes } from '../ip/index.ts'

/** A 48-bit Ethernet address as a whole number: compares with `===`, serves as a key, cannot be changed by others. */
export type Mac = number

export const BROADCAST_MAC: Mac = 0xffff_ffff_ffff

const TEXT = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i

/** Reads `02:00:00:00:00:01`, either case; undefined = not a MAC address. */
export function parseMac(text: string): Mac | undefined {
  return TEXT.test(text) ? Number.parseInt(text.replaceAll(':', ''), 16) : undefined
}

/** Lower case with colons: `02:00:00:00:00:01`. */
export function formatMac(mac: Mac): string {
  return mac.toString(16).padStart(12, '0').match(/../g)!.join(':')
}

/** From the 6 bytes at `offset`. The caller has checked that they are there. */
export function macAt(bytes: Uint8Array, offset: number): Mac {
  const high = (bytes[offset]! << 8) | bytes[offset + 1]!
  const low = (bytes[offset + 2]! << 24) | (bytes[offset + 3]! << 16) | (bytes[offset + 4]! << 8) | bytes[offset + 5]!
  return high * 0x1_0000_0000 + (low >>> 0)
}

/** Network byte order, 6 bytes. */
export function macToBytes(mac: Mac): Uint8Array {
  const high = Math.floor(mac / 0x1_0000_0000)
  const low = mac % 0x1_0000_0000
  return Uint8Array.of(high >>> 8, high, low >>> 24, low >>> 16, low >>> 8, low)
}

/** Group addresses, broadcast among them, have the lowest bit of the first byte set (IEEE 802 section 8.2.2). */
export function isGroupMac(mac: Mac): boolean {
  return Math.floor(mac / 0x100_0000_0000) % 2 === 1
}

/** Where a multicast packet goes on Ethernet: RFC 1112 section 6.4 for IPv4, RFC 2464 section 7 for IPv6. */
export function multicastMac(group: Address): Mac {
  const bytes = addressToBytes(group)
  if (group.family === 4) return 0x0100_5e00_0000 + (bytes[1]! & 0x7f) * 0x1_0000 + bytes[2]! * 0x100 + bytes[3]!
  return 0x3333_0000_0000 + Number(group.bits & 0xffff_ffffn)
}
