import { DecodeError, Reader, Writer } from '../bytes/index.ts'
import { type Mac, macAt, macToBytes } from '../ethernet/index.ts'
import { type Address, addressFromBytes, addressToBytes } from '../ip/index.ts'

/** RFC 826, "Definitions": the operations that Ethernet/IPv4 uses. */
export const ArpOperation = { Request: 1, Reply: 2 } as const

/**
 * ARP for IPv4 over Ethernet (RFC 826), 28 bytes:
 *
 *      0               2               4       5       6               8
 *     | hardware = 1  | proto = 0800  | 6     | 4     | operation     |
 *     | sender MAC (6)                | sender IPv4 (4)               |
 *     | target MAC (6)                | target IPv4 (4)               |
 */
export interface ArpPacket {
  /** Kept as it came: an operation we do not know is legal. */
  readonly operation: number
  readonly senderMac: Mac
  readonly senderIp: Address
  readonly targetMac: Mac
  readonly targetIp: Address
}

export const ARP_PACKET_BYTES = 28

const HARDWARE_ETHERNET = 1
const PROTOCOL_IPV4 = 0x0800
const MAC_BYTES = 6
const IPV4_BYTES = 4

/** Throws DecodeError; bytes behind the packet are padding of the frame and are ignored. */
export function decodeArp(bytes: Uint8Array): ArpPacket {
  const reader = new Reader(bytes)
  expectField('hardware type', reader.u16(), HARDWARE_ETHERNET, 0)
  expectField('protocol type', reader.u16(), PROTOCOL_IPV4, 2)
  expectField('hardware length', reader.u8(), MAC_BYTES, 4)
  expectField('protocol length', reader.u8(), IPV4_BYTES, 5)
  return {
    operation: reader.u16(),
    senderMac: macAt(reader.take(MAC_BYTES), 0),
    senderIp: addressFromBytes(reader.take(IPV4_BYTES)),
    targetMac: macAt(reader.take(MAC_BYTES), 0),
    targetIp: addressFromBytes(reader.take(IPV4_BYTES)),
  }
}

function expectField(name: string, value: number, expected: number, offset: number): void {
  if (value !== expected) throw new DecodeError('unsupported', offset, `${name} is ${value}, not ${expected}`)
}

export function encodeArp(packet: ArpPacket): Uint8Array {
  return new Writer(new Uint8Array(ARP_PACKET_BYTES))
    .u16(HARDWARE_ETHERNET)
    .u16(PROTOCOL_IPV4)
    .u8(MAC_BYTES)
    .u8(IPV4_BYTES)
    .u16(packet.operation)
    .bytes(macToBytes(packet.senderMac))
    .bytes(addressToBytes(packet.senderIp))
    .bytes(macToBytes(packet.targetMac))
    .bytes(addressToBytes(packet.targetIp))
    .finish()
}
