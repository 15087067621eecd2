/**
 * UPDATE (RFC 4271 section 4.3): routes that are gone, attributes, and the routes that have these attributes.
 *
 *    +-----------------------------------------------------+
 *    |   Withdrawn Routes Length (2 octets)                |
 *    |   Withdrawn Routes (variable)                       |
 *    |   Total Path Attribute Length (2 octets)            |
 *    |   Path Attributes (variable)                        |
 *    |   Network Layer Reachability Information (variable) |
 *    +-----------------------------------------------------+
 */
import { Reader, Writer } from '../../bytes/index.ts'
import { ATTRIBUTES, type AttributeList, decodeAttributes, encodeAttributes, FLAGS } from './attribute.ts'
import { type AddressFamily, addressFamilyOfCode, FAMILY_CODES } from './family.ts'
import { frameMessage } from './header.ts'
import { encodeMpUnreach } from './multiprotocol.ts'

/** The fields, cut apart. Prefix lists are unread: `judgeUpdate` reads them, and says what is wrong with them. */
export interface Update extends AttributeList {
  /** IPv4 prefixes. */
  readonly withdrawn: Uint8Array
  /** IPv4 prefixes. */
  readonly nlri: Uint8Array
}

/** Throws where the two lengths do not fit into the message: then nothing in it can be relied on. */
export function decodeUpdate(body: Uint8Array): Update {
  const reader = new Reader(body)
  const withdrawn = reader.take(reader.u16())
  const list = decodeAttributes(reader.take(reader.u16()))
  return { withdrawn, ...list, nlri: reader.rest() }
}

const NONE = new Uint8Array(0)

export function encodeUpdate(update: Omit<Update, 'overrun'> & Partial<Update>): Uint8Array {
  const attributes = new Writer()
    .bytes(encodeAttributes(update.attributes))
    .bytes(update.overrun ?? NONE)
    .finish()
  const writer = new Writer().u16(update.withdrawn.length).bytes(update.withdrawn)
  return writer.u16(attributes.length).bytes(attributes).bytes(update.nlri).finish()
}

const EMPTY_MP_UNREACH_LENGTH = 3

/** "All that I have of this family, you have now" (RFC 4724 section 2); a whole message. */
export function endOfRib(family: AddressFamily): Uint8Array {
  if (family === 'ipv4-unicast') {
    return frameMessage('update', encodeUpdate({ withdrawn: NONE, attributes: [], nlri: NONE }))
  }
  const value = encodeMpUnreach({ ...FAMILY_CODES[family], withdrawn: NONE })
  const attribute = { flags: FLAGS.optionalNonTransitive, type: ATTRIBUTES.MP_UNREACH_NLRI, value }
  return frameMessage('update', encodeUpdate({ withdrawn: NONE, attributes: [attribute], nlri: NONE }))
}

/** The family whose End-of-RIB this is; undefined = an ordinary UPDATE, or one of a family that we do not carry. */
export function endOfRibFamily(update: Update): AddressFamily | undefined {
  if (update.overrun.length > 0 || update.withdrawn.length > 0 || update.nlri.length > 0) return undefined
  const [first, ...others] = update.attributes
  if (first === undefined) return 'ipv4-unicast'
  if (others.length > 0 || first.type !== ATTRIBUTES.MP_UNREACH_NLRI) return undefined
  if (first.value.length !== EMPTY_MP_UNREACH_LENGTH) return undefined
  const reader = new Reader(first.value)
  return addressFamilyOfCode({ afi: reader.u16(), safi: reader.u8() })
}
