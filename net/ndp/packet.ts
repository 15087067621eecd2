import { DecodeError, internetChecksum, Reader, Writer } from '../bytes/index.ts'
import { type Address, addressFromBytes, addressToBytes } from '../ip/index.ts'
import { decodeNdp, encodeNdp, type NdpMessage } from './message.ts'

/** An IPv6 packet that carries a neighbour discovery message. */
export interface NdpPacket {
  readonly source: Address
  readonly destination: Address
  readonly message: NdpMessage
}

const ICMPV6 = 58
/** RFC 4861 section 7.1: whatever has another hop limit came through a router and is no neighbour's. */
const NDP_HOP_LIMIT = 255
const VERSION_6 = 6 * 0x1000_0000
const IPV6_HEADER_BYTES = 40
const ADDRESS_BYTES = 16
const CHECKSUM_AT = 2

/**
 * Reads an IPv6 packet (RFC 8200 section 3), the payload of a frame:
 *
 *      0                                 4                 6             7           8              24
 *     | version 6, class, flow label    | payload length  | next header | hop limit | source (16)  | destination (16)
 *
 * Throws DecodeError unless it is unfragmented ICMPv6 (RFC 6980 forbids fragments), its hop limit is 255 and its
 * checksum right. Bytes behind the payload length are padding of the frame.
 */
export function decodeNdpPacket(bytes: Uint8Array): NdpPacket {
  const { payload, ...addresses } = decodeIcmpPacket(bytes)
  return { ...addresses, message: decodeInside(payload, decodeNdp) }
}

/** As above, with the ICMPv6 part unread. */
export function decodeIcmpPacket(bytes: Uint8Array): Omit<NdpPacket, 'message'> & { readonly payload: Uint8Array } {
  const reader = new Reader(bytes)
  if (reader.u32() >>> 28 !== 6) throw new DecodeError('malformed', 0, 'IP version is not 6')
  const length = reader.u16()
  const next = reader.u8()
  if (next !== ICMPV6) throw new DecodeError('unsupported', 6, `next header is ${next}, not ICMPv6`)
  const hopLimit = reader.u8()
  if (hopLimit !== NDP_HOP_LIMIT) throw new DecodeError('malformed', 7, `hop limit is ${hopLimit}, not 255`)
  const sourceBytes = reader.take(ADDRESS_BYTES)
  const destinationBytes = reader.take(ADDRESS_BYTES)
  const payload = reader.take(length)
  if (internetChecksum(pseudoHeader(sourceBytes, destinationBytes, length), payload) !== 0) {
    throw new DecodeError('malformed', IPV6_HEADER_BYTES + CHECKSUM_AT, 'checksum is wrong')
  }
  return {
    source: addressFromBytes(sourceBytes),
    destination: addressFromBytes(destinationBytes),
    payload,
  }
}

/** Offsets in errors count from the start of the packet. */
export function decodeInside<Message>(payload: Uint8Array, decode: (payload: Uint8Array) => Message): Message {
  try {
    return decode(payload)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new DecodeError(error.kind, IPV6_HEADER_BYTES + error.offset, error.message)
  }
}

/** The whole IPv6 packet, checksum included. */
export function encodeNdpPacket(packet: NdpPacket): Uint8Array {
  return encodeIcmpPacket(packet, encodeNdp(packet.message))
}

/** Around an ICMPv6 part with a checksum of zero. */
export function encodeIcmpPacket(addresses: Omit<NdpPacket, 'message'>, payload: Uint8Array): Uint8Array {
  const source = addressToBytes(addresses.source)
  const destination = addressToBytes(addresses.destination)
  const checksum = internetChecksum(pseudoHeader(source, destination, payload.length), payload)
  return new Writer(new Uint8Array(IPV6_HEADER_BYTES + payload.length))
    .u32(VERSION_6)
    .u16(payload.length)
    .u8(ICMPV6)
    .u8(NDP_HOP_LIMIT)
    .bytes(source)
    .bytes(destination)
    .bytes(payload)
    .patchU16(IPV6_HEADER_BYTES + CHECKSUM_AT, checksum)
    .finish()
}

/** RFC 8200 section 8.1: what the checksum covers besides the message. */
function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  return new Writer(new Uint8Array(IPV6_HEADER_BYTES)).bytes(source).bytes(destination).u32(length).u32(ICMPV6).finish()
}
