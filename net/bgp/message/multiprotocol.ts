/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 sections 3 and 4): routes of other families than IPv4 unicast, and IPv4
 * routes whose next hop is IPv6 (RFC 8950).
 *
 *    MP_REACH_NLRI                                   MP_UNREACH_NLRI
 *    +------------------------------------------+    +------------------------------------------+
 *    | AFI (2 octets)                           |    | AFI (2 octets)                           |
 *    | SAFI (1 octet)                           |    | SAFI (1 octet)                           |
 *    | Length of next hop (1 octet)             |    | Withdrawn routes (variable)              |
 *    | Next hop (variable)                      |    +------------------------------------------+
 *    | Reserved (1 octet)                       |
 *    | NLRI (variable)                          |
 *    +------------------------------------------+
 */
import { Reader, Writer } from '../../bytes/index.ts'
import type { FamilyCode } from './family.ts'

export interface MpReach extends FamilyCode {
  /** 4 octets; 16; or 32: a global IPv6 address and a link-local one (RFC 2545 section 3). */
  readonly nextHop: Uint8Array
  /** Unread: its form depends on the family. */
  readonly nlri: Uint8Array
}

export interface MpUnreach extends FamilyCode {
  readonly withdrawn: Uint8Array
}

export function decodeMpReach(value: Uint8Array): MpReach {
  const reader = new Reader(value)
  const code = { afi: reader.u16(), safi: reader.u8() }
  const nextHop = reader.take(reader.u8())
  // Reserved, "MUST be ignored upon receipt" (RFC 4760 section 3).
  reader.u8()
  return { ...code, nextHop, nlri: reader.rest() }
}

export function encodeMpReach(reach: MpReach): Uint8Array {
  const writer = new Writer().u16(reach.afi).u8(reach.safi).u8(reach.nextHop.length)
  return writer.bytes(reach.nextHop).u8(0).bytes(reach.nlri).finish()
}

export function decodeMpUnreach(value: Uint8Array): MpUnreach {
  const reader = new Reader(value)
  return { afi: reader.u16(), safi: reader.u8(), withdrawn: reader.rest() }
}

export function encodeMpUnreach(unreach: MpUnreach): Uint8Array {
  return new Writer().u16(unreach.afi).u8(unreach.safi).bytes(unreach.withdrawn).finish()
}
