/** Router advertisements, as far as neighbours on an unnumbered link find each other by them. */
import { DecodeError, Reader, Writer } from '../bytes/index.ts'
import { EtherType, encodeFrame, type Mac, macToBytes, multicastMac } from '../ethernet/index.ts'
import { type Address, parseAddress } from '../ip/index.ts'
import { decodeIcmpPacket, decodeInside, encodeIcmpPacket } from './packet.ts'
import { isLinkLocal } from './responder.ts'

const ROUTER_ADVERTISEMENT = 134
const ALL_NODES = parseAddress('ff02::1')!
/** Behind hop limit, flags and lifetime: reachable time and retransmission timer. */
const TIMERS_BYTES = 8
const OPTION_UNIT_BYTES = 8
const SOURCE_LINK_LAYER = 1
/** What hosts are told to send with; 0 would mean that we do not care. */
const HOP_LIMIT = 64

export interface RouterAdvertisement {
  /** Link-local. */
  readonly source: Address
  /** 0 = no default router, only a neighbour. */
  readonly lifetimeSeconds: number
}

/**
 * Reads an IPv6 packet, the payload of a frame (RFC 4861 section 4.2), with all checks of section 6.1.2:
 *
 *      0        1        2          4           5       6                 8                16
 *     | type 134 | code 0 | checksum | hop limit | flags | router lifetime | timers (8)     | options ...
 *
 * Options are passed over. Throws DecodeError.
 */
export function decodeRouterAdvertisement(bytes: Uint8Array): RouterAdvertisement {
  const { source, payload } = decodeIcmpPacket(bytes)
  if (!isLinkLocal(source)) throw new DecodeError('malformed', 8, 'the source is not link-local')
  return { source, lifetimeSeconds: decodeInside(payload, readLifetime) }
}

function readLifetime(payload: Uint8Array): number {
  const reader = new Reader(payload)
  const type = reader.u8()
  if (type !== ROUTER_ADVERTISEMENT) throw new DecodeError('unsupported', 0, `ICMPv6 type ${type} is no advertisement`)
  const code = reader.u8()
  if (code !== 0) throw new DecodeError('malformed', 1, `code is ${code}, not 0`)
  reader.u16()
  reader.u16()
  const lifetime = reader.u16()
  reader.take(TIMERS_BYTES)
  while (reader.remaining > 0) {
    const offset = reader.offset
    reader.u8()
    const units = reader.u8()
    if (units === 0) throw new DecodeError('malformed', offset, 'an option has length 0')
    reader.take(units * OPTION_UNIT_BYTES - 2)
  }
  return lifetime
}

/** A frame that tells all on the link that we are here; with lifetime 0, so that nobody takes us for a way out. */
export function announceRouter(mac: Mac, linkLocal: Address): Uint8Array {
  const payload = new Writer()
    .u8(ROUTER_ADVERTISEMENT)
    .u8(0)
    .u16(0)
    .u8(HOP_LIMIT)
    .u8(0)
    .u16(0)
    .bytes(new Uint8Array(TIMERS_BYTES))
    .u8(SOURCE_LINK_LAYER)
    .u8(1)
    .bytes(macToBytes(mac))
    .finish()
  const packet = encodeIcmpPacket({ source: linkLocal, destination: ALL_NODES }, payload)
  return encodeFrame({ destination: multicastMac(ALL_NODES), source: mac, etherType: EtherType.Ipv6, payload: packet })
}
