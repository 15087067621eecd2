import { Reader, Writer } from '../bytes/index.ts'
import { type Mac, macAt, macToBytes } from './mac.ts'

/** The protocols we speak (IEEE EtherType registry). */
export const EtherType = { Ipv4: 0x0800, Arp: 0x0806, Ipv6: 0x86dd } as const

/** Destination, source, type. */
export const ETHERNET_HEADER_BYTES = 14

/**
 * Ethernet II frame, without preamble and checksum, as a packet socket gives and takes it:
 *
 *      0                   6                   12        14
 *     | destination (6)   | source (6)        | type (2) | payload, padded to 46 bytes on the wire ...
 */
export interface Frame {
  readonly destination: Mac
  readonly source: Mac
  readonly etherType: number
  /** May end in padding: only the protocol inside knows its own length. */
  readonly payload: Uint8Array
}

/** Throws DecodeError when shorter than the header. The payload is a view, not a copy. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new Reader(bytes)
  const destination = macAt(reader.take(6), 0)
  const source = macAt(reader.take(6), 0)
  return { destination, source, etherType: reader.u16(), payload: reader.rest() }
}

/** Without padding: the network card or its driver pads. */
export function encodeFrame(frame: Frame): Uint8Array {
  const writer = new Writer(new Uint8Array(ETHERNET_HEADER_BYTES + frame.payload.length))
  writer.bytes(macToBytes(frame.destination)).bytes(macToBytes(frame.source))
  return writer.u16(frame.etherType).bytes(frame.payload).finish()
}
