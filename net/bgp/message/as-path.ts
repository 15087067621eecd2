/**
 * AS_PATH (RFC 4271 section 5.1.2) and AS4_PATH (RFC 6793 section 3): segments of
 *
 *    +--------------+----------------------+---------------------------------+
 *    | Type (octet) | Count of ASNs (octet)| ASNs, two or four octets each   |
 *    +--------------+----------------------+---------------------------------+
 */
import { DecodeError, Reader, Writer } from '../../bytes/index.ts'
import { AS_TRANS, LARGEST_TWO_OCTET_ASN } from './open.ts'

/** RFC 4271 section 4.3 and RFC 5065 section 3. */
export const SEGMENT_TYPES = { set: 1, sequence: 2, 'confederation-sequence': 3, 'confederation-set': 4 } as const
export type SegmentType = keyof typeof SEGMENT_TYPES

export interface AsPathSegment {
  readonly kind: SegmentType
  readonly asns: readonly number[]
}

/** Octets of an ASN in AS_PATH: four between speakers that both have the capability (RFC 6793 section 4.1). */
export type AsnWidth = 2 | 4

const SEGMENT_NAMES = new Map<number, SegmentType>(
  Object.entries(SEGMENT_TYPES).map(([name, number]) => [number, name as SegmentType]),
)

/** Malformed, as RFC 7606 section 7.2 lists it: unknown segment type, overrun, empty segment; and AS 0 (RFC 7607). */
export function decodeAsPath(value: Uint8Array, width: AsnWidth): AsPathSegment[] {
  const reader = new Reader(value)
  const segments: AsPathSegment[] = []
  while (reader.remaining > 0) {
    const kind = SEGMENT_NAMES.get(reader.u8())
    if (kind === undefined) throw new DecodeError('malformed', reader.offset - 1, 'unknown AS_PATH segment type')
    const count = reader.u8()
    if (count === 0) throw new DecodeError('malformed', reader.offset - 1, 'empty AS_PATH segment')
    const asns: number[] = []
    for (let index = 0; index < count; index++) asns.push(width === 4 ? reader.u32() : reader.u16())
    if (asns.includes(0)) throw new DecodeError('malformed', reader.offset, 'AS 0 in AS_PATH')
    segments.push({ kind, asns })
  }
  return segments
}

/** With two octets an ASN above 65535 becomes AS_TRANS (RFC 6793 section 4.2.2). */
export function encodeAsPath(segments: readonly AsPathSegment[], width: AsnWidth): Uint8Array {
  const writer = new Writer()
  for (const { kind, asns } of segments) {
    writer.u8(SEGMENT_TYPES[kind]).u8(asns.length)
    for (const asn of asns) {
      if (width === 4) writer.u32(asn)
      else writer.u16(asn > LARGEST_TWO_OCTET_ASN ? AS_TRANS : asn)
    }
  }
  return writer.finish()
}
