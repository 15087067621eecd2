import { DecodeError, Reader, Writer } from '../bytes/index.ts'

/** What a speaker says of itself, several times a second. */
export interface Heartbeat {
  /** Kubernetes node name. */
  readonly node: string
  /** When the speaker started, in microseconds since 1970: a restart is told from a replay by a greater one. */
  readonly bootId: bigint
  /** Grows with every heartbeat; the copies sent on several interfaces at once share it. */
  readonly sequence: bigint
  /** Gap to the next heartbeat: the sender's promise, by which it is judged. */
  readonly intervalMs: number
  readonly isLeaving: boolean
  /** Only in unicast: the sender does not hear the receiver's multicast, so it should be answered by unicast. */
  readonly cannotHearYou: boolean
  /** Only in unicast: the receiver has been silent and is about to be taken for dead; it should answer at once. */
  readonly isUrgent: boolean
  /** Only in unicast: the last that was heard of the receiver, which proves that this heartbeat is no recording. */
  readonly echo: Echo | undefined
  /** Segments on which the sender can announce. */
  readonly segments: readonly Segment[]
}

export interface Echo {
  readonly bootId: bigint
  readonly sequence: bigint
}

export interface Segment {
  /** Name of the sender's interface. */
  readonly interface: string
  /** Its MAC address in canonical text. */
  readonly mac: string
  /** How many members the sender hears there, 255 = that or more. */
  readonly hears: number
}

export const HEARTBEAT_VERSION = 1
/** A Kubernetes node name is a DNS subdomain (RFC 1123): 253 characters. */
export const MAX_NODE_NAME_BYTES = 253
/** IFNAMSIZ less its terminator. */
export const MAX_INTERFACE_NAME_BYTES = 15
/** Further ones are not published, and so not announced on. */
export const MAX_SEGMENTS = 32

const MAC_BYTES = 6
const Flag = { Leaving: 1, CannotHearYou: 2, Echo: 4, Urgent: 8 } as const
const KNOWN_FLAGS = Flag.Leaving | Flag.CannotHearYou | Flag.Echo | Flag.Urgent

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The signed part of a datagram:
 *
 *      0           1       2              4             12             20
 *     | version 1 | flags | interval ms  | boot id (8) | sequence (8) | [echo: boot id (8), sequence (8)]
 *     | length (1), node name | count (1), for each segment: length (1), interface, MAC (6), hears (1) |
 */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const { echo, segments } = heartbeat
  const writer = new Writer().u8(HEARTBEAT_VERSION).u8(flagsOf(heartbeat)).u16(heartbeat.intervalMs)
  writer.u64(heartbeat.bootId).u64(heartbeat.sequence)
  if (echo !== undefined) writer.u64(echo.bootId).u64(echo.sequence)
  writeText(writer, heartbeat.node)
  writer.u8(segments.length)
  for (const segment of segments) {
    writeText(writer, segment.interface)
    for (const octet of segment.mac.split(':')) writer.u8(Number.parseInt(octet, 16))
    writer.u8(segment.hears)
  }
  return writer.finish()
}

function flagsOf({ isLeaving, cannotHearYou, isUrgent, echo }: Heartbeat): number {
  const addressed = (cannotHearYou ? Flag.CannotHearYou : 0) | (isUrgent ? Flag.Urgent : 0) | (echo ? Flag.Echo : 0)
  return addressed | (isLeaving ? Flag.Leaving : 0)
}

function writeText(writer: Writer, text: string): void {
  const bytes = utf8.encode(text)
  writer.u8(bytes.length).bytes(bytes)
}

/** Throws DecodeError. The caller has verified who sent it. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  const reader = new Reader(bytes)
  const version = reader.u8()
  if (version !== HEARTBEAT_VERSION) throw new DecodeError('unsupported', 0, `version ${version}`)
  const flags = reader.u8()
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new DecodeError('unsupported', 1, `unknown flags ${flags.toString(16)}`)
  const intervalMs = reader.u16()
  const bootId = reader.u64()
  const sequence = reader.u64()
  const echo = (flags & Flag.Echo) === 0 ? undefined : { bootId: reader.u64(), sequence: reader.u64() }
  const node = readText(reader, MAX_NODE_NAME_BYTES)
  const segments = readSegments(reader)
  reader.expectEnd('heartbeat')
  const isLeaving = (flags & Flag.Leaving) !== 0
  const cannotHearYou = (flags & Flag.CannotHearYou) !== 0
  const isUrgent = (flags & Flag.Urgent) !== 0
  return { node, bootId, sequence, intervalMs, isLeaving, cannotHearYou, isUrgent, echo, segments }
}

function readSegments(reader: Reader): readonly Segment[] {
  const offset = reader.offset
  const count = reader.u8()
  if (count > MAX_SEGMENTS) throw new DecodeError('too-long', offset, `${count} segments, at most ${MAX_SEGMENTS}`)
  return Array.from({ length: count }, () => ({
    interface: readText(reader, MAX_INTERFACE_NAME_BYTES),
    mac: Array.from(reader.take(MAC_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    hears: reader.u8(),
  }))
}

function readText(reader: Reader, maxBytes: number): string {
  const offset = reader.offset
  const length = reader.u8()
  if (length === 0) throw new DecodeError('malformed', offset, 'empty name')
  if (length > maxBytes) throw new DecodeError('too-long', offset, `name of ${length} bytes, at most ${maxBytes}`)
  const bytes = reader.take(length)
  try {
    return fromUtf8.decode(bytes)
  } catch (error) {
    // The decoder of the language says "not UTF-8" by throwing a TypeError of its own.
    if (error instanceof TypeError) throw new DecodeError('malformed', offset, 'name is not UTF-8')
    throw error
  }
}
