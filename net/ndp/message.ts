import { DecodeError, Reader, Writer } from '../bytes/index.ts'
import { type Mac, macAt, macToBytes } from '../ethernet/index.ts'
import { type Address, addressFromBytes, addressToBytes } from '../ip/index.ts'

/** ICMPv6 types of RFC 4861 that we read and write. */
export const NdpType = { Solicitation: 135, Advertisement: 136 } as const

/** RFC 4861 section 4.3: "who has the target address?" */
export interface NeighborSolicitation {
  readonly kind: 'solicitation'
  readonly target: Address
  /** Source Link-Layer Address option; absent in duplicate address detection and in many reachability probes. */
  readonly sourceMac: Mac | undefined
}

/** RFC 4861 section 4.4: "I have the target address." */
export interface NeighborAdvertisement {
  readonly kind: 'advertisement'
  readonly isRouter: boolean
  readonly isSolicited: boolean
  readonly isOverride: boolean
  readonly target: Address
  /** Target Link-Layer Address option. */
  readonly targetMac: Mac | undefined
}

export type NdpMessage = NeighborSolicitation | NeighborAdvertisement

const ROUTER = 0x8000_0000
const SOLICITED = 0x4000_0000
const OVERRIDE = 0x2000_0000

const OptionType = { SourceLinkLayer: 1, TargetLinkLayer: 2 } as const
/** Option lengths count units of 8 bytes (RFC 4861 section 4.6). */
const OPTION_UNIT_BYTES = 8
const ADDRESS_BYTES = 16
const MAC_BYTES = 6

/**
 * Reads the ICMPv6 part. Structure only: the checksum is the packet's business (it covers the IPv6 header too).
 *
 *      0        1        2                 4                          8                 24
 *     | type   | code 0 | checksum        | R S O, reserved (zero)   | target address  | options ...
 *
 * Unknown options are skipped (RFC 4861 section 4.6), reserved bits are ignored.
 */
export function decodeNdp(bytes: Uint8Array): NdpMessage {
  const reader = new Reader(bytes)
  const type = reader.u8()
  if (type !== NdpType.Solicitation && type !== NdpType.Advertisement) {
    throw new DecodeError('unsupported', 0, `ICMPv6 type ${type} is neither solicitation nor advertisement`)
  }
  const code = reader.u8()
  if (code !== 0) throw new DecodeError('malformed', 1, `code is ${code}, not 0`)
  reader.u16()
  const flags = reader.u32()
  const target = addressFromBytes(reader.take(ADDRESS_BYTES))
  if (type === NdpType.Solicitation) {
    return { kind: 'solicitation', target, sourceMac: findMac(reader, OptionType.SourceLinkLayer) }
  }
  return {
    kind: 'advertisement',
    isRouter: (flags & ROUTER) !== 0,
    isSolicited: (flags & SOLICITED) !== 0,
    isOverride: (flags & OVERRIDE) !== 0,
    target,
    targetMac: findMac(reader, OptionType.TargetLinkLayer),
  }
}

/** Walks all options, so that a broken one is found wherever it stands; the first of the wanted type counts. */
function findMac(reader: Reader, wanted: number): Mac | undefined {
  let mac: Mac | undefined
  while (reader.remaining > 0) {
    const offset = reader.offset
    const type = reader.u8()
    const units = reader.u8()
    // RFC 4861 section 4.6: a length of zero must be discarded; it would also make this loop endless.
    if (units === 0) throw new DecodeError('malformed', offset, `option ${type} has length 0`)
    const value = reader.take(units * OPTION_UNIT_BYTES - 2)
    // Ethernet's option has one unit (RFC 2464 section 6); another length is another kind of link, not ours to read.
    if (type === wanted && value.length === MAC_BYTES) mac ??= macAt(value, 0)
  }
  return mac
}

/** The ICMPv6 part with a checksum of zero: `encodeNdpPacket` fills it in. */
export function encodeNdp(message: NdpMessage): Uint8Array {
  const writer = new Writer()
  const isSolicitation = message.kind === 'solicitation'
  writer.u8(isSolicitation ? NdpType.Solicitation : NdpType.Advertisement).u8(0)
  writer.u16(0).u32(isSolicitation ? 0 : flagsOf(message))
  writer.bytes(addressToBytes(message.target))
  if (isSolicitation) writeMac(writer, OptionType.SourceLinkLayer, message.sourceMac)
  else writeMac(writer, OptionType.TargetLinkLayer, message.targetMac)
  return writer.finish()
}

function flagsOf(message: NeighborAdvertisement): number {
  const { isRouter, isSolicited, isOverride } = message
  return (isRouter ? ROUTER : 0) + (isSolicited ? SOLICITED : 0) + (isOverride ? OVERRIDE : 0)
}

function writeMac(writer: Writer, type: number, mac: Mac | undefined): void {
  if (mac !== undefined) writer.u8(type).u8(1).bytes(macToBytes(mac))
}
