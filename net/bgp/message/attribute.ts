/**
 * Path attributes as they stand in an UPDATE (RFC 4271 section 4.3), values unread:
 *
 *    +---------------+---------------+
 *    |O T P E 0 0 0 0|   Type code   |   O optional, T transitive, P partial, E length has two octets
 *    +---------------+---------------+
 *    |  Length (1 or 2 octets)  |  Value
 *    +--------------------------+-----
 */
import { Reader, Writer } from '../../bytes/index.ts'

export const ATTRIBUTES = {
  ORIGIN: 1,
  AS_PATH: 2,
  NEXT_HOP: 3,
  MULTI_EXIT_DISC: 4,
  LOCAL_PREF: 5,
  ATOMIC_AGGREGATE: 6,
  AGGREGATOR: 7,
  COMMUNITIES: 8,
  ORIGINATOR_ID: 9,
  CLUSTER_LIST: 10,
  MP_REACH_NLRI: 14,
  MP_UNREACH_NLRI: 15,
  EXTENDED_COMMUNITIES: 16,
  AS4_PATH: 17,
  AS4_AGGREGATOR: 18,
  TRAFFIC_ENGINEERING: 24,
  IPV6_EXTENDED_COMMUNITIES: 25,
  AIGP: 26,
  LARGE_COMMUNITY: 32,
  ONLY_TO_CUSTOMER: 35,
  ATTR_SET: 128,
} as const
export type AttributeName = keyof typeof ATTRIBUTES

export const OPTIONAL = 0x80
export const TRANSITIVE = 0x40
export const PARTIAL = 0x20
export const EXTENDED_LENGTH = 0x10

/** Flags of the three classes of attributes (RFC 4271 section 5). */
export const FLAGS = {
  wellKnown: TRANSITIVE,
  optionalTransitive: OPTIONAL | TRANSITIVE,
  optionalNonTransitive: OPTIONAL,
} as const

export interface PathAttribute {
  readonly flags: number
  readonly type: number
  readonly value: Uint8Array
}

/** As much of the list as can be read. */
export interface AttributeList {
  readonly attributes: readonly PathAttribute[]
  /** The octets of a last attribute that would reach beyond the end of the list (RFC 7606 section 4); else empty. */
  readonly overrun: Uint8Array
}

const SHORTEST_ATTRIBUTE = 3

export function decodeAttributes(bytes: Uint8Array): AttributeList {
  const reader = new Reader(bytes)
  const attributes: PathAttribute[] = []
  while (reader.remaining > 0) {
    const start = bytes.length - reader.remaining
    const attribute = decodeAttribute(reader)
    if (attribute === undefined) return { attributes, overrun: bytes.subarray(start) }
    attributes.push(attribute)
  }
  return { attributes, overrun: bytes.subarray(bytes.length) }
}

/** undefined = it does not fit into what is left. */
function decodeAttribute(reader: Reader): PathAttribute | undefined {
  if (reader.remaining < SHORTEST_ATTRIBUTE) return undefined
  const flags = reader.u8()
  const type = reader.u8()
  const hasLongLength = (flags & EXTENDED_LENGTH) !== 0
  if (hasLongLength && reader.remaining < 2) return undefined
  const length = hasLongLength ? reader.u16() : reader.u8()
  return length > reader.remaining ? undefined : { flags, type, value: reader.take(length) }
}

/** Writes the length in two octets where the flags say so or the value needs it. */
export function writeAttribute(writer: Writer, attribute: PathAttribute): void {
  const { type, value } = attribute
  const hasLongLength = (attribute.flags & EXTENDED_LENGTH) !== 0 || value.length > 0xff
  const flags = hasLongLength ? attribute.flags | EXTENDED_LENGTH : attribute.flags
  writer.u8(flags).u8(type)
  if (hasLongLength) writer.u16(value.length)
  else writer.u8(value.length)
  writer.bytes(value)
}

export function encodeAttributes(attributes: readonly PathAttribute[]): Uint8Array {
  const writer = new Writer()
  for (const attribute of attributes) writeAttribute(writer, attribute)
  return writer.finish()
}
