/** What each path attribute must look like, and what becomes of the UPDATE when it does not (RFC 7606 section 7). */
import { Reader } from '../../bytes/index.ts'
import { type AsnWidth, decodeAsPath } from './as-path.ts'
import { attempt } from './attempt.ts'
import { ATTRIBUTES, type AttributeName, FLAGS } from './attribute.ts'

/** What the judge must know of the session on which the UPDATE came. */
export interface UpdateFacts {
  /** From another AS. */
  readonly isExternal: boolean
  readonly asnWidth: AsnWidth
}

/** RFC 7606 section 2, mildest first; "AFI/SAFI disable" is not used: with two families it gains nothing. */
export const TREATMENTS = ['accept', 'attribute-discard', 'treat-as-withdraw', 'session-reset'] as const
export type Treatment = (typeof TREATMENTS)[number]

/** Octets that a value may have; multiples do not include zero (RFC 7606 section 4: empty attributes are wrong). */
export type LengthRule =
  | { readonly kind: 'exactly'; readonly octets: number }
  | { readonly kind: 'multiple-of'; readonly octets: number }
  | { readonly kind: 'at-least'; readonly octets: number }
  /** Six or eight octets: an ASN of the session's width, and an address. */
  | { readonly kind: 'asn-and-address' }

export interface AttributeRule {
  readonly flags: number
  readonly length: LengthRule
  /** What to do when the length or the value is wrong. */
  readonly whenMalformed: Exclude<Treatment, 'accept'>
  /** What to do when the Optional or Transitive bit is wrong; RFC 7606 section 3c names the default. */
  readonly whenFlagsWrong?: Exclude<Treatment, 'accept'>
  /** Sessions on which the attribute has no business: it is discarded, unread. */
  readonly discardFrom?: 'external' | 'four-octet'
  /** Whether a value of the right length makes sense. */
  readonly isValid?: (value: Uint8Array, facts: UpdateFacts) => boolean
}

const { wellKnown, optionalTransitive, optionalNonTransitive } = FLAGS
const exactly = (octets: number): LengthRule => ({ kind: 'exactly', octets })
const multipleOf = (octets: number): LengthRule => ({ kind: 'multiple-of', octets })
const atLeast = (octets: number): LengthRule => ({ kind: 'at-least', octets })

/** The section of RFC 7606, or else the RFC, stands behind each row. */
const RULES_BY_NAME: Readonly<Record<AttributeName, AttributeRule>> = {
  // 7.1
  ORIGIN: {
    flags: wellKnown,
    length: exactly(1),
    whenMalformed: 'treat-as-withdraw',
    isValid: (value) => value[0]! <= LARGEST_ORIGIN,
  },
  // 7.2; empty for routes that their own AS originates
  AS_PATH: {
    flags: wellKnown,
    length: atLeast(0),
    whenMalformed: 'treat-as-withdraw',
    isValid: (value, facts) => isAsPath(value, facts.asnWidth),
  },
  // 7.3
  NEXT_HOP: {
    flags: wellKnown,
    length: exactly(4),
    whenMalformed: 'treat-as-withdraw',
    isValid: isHostAddress,
  },
  // 7.4
  MULTI_EXIT_DISC: { flags: optionalNonTransitive, length: exactly(4), whenMalformed: 'treat-as-withdraw' },
  // 7.5
  LOCAL_PREF: {
    flags: wellKnown,
    length: exactly(4),
    whenMalformed: 'treat-as-withdraw',
    discardFrom: 'external',
  },
  // 7.6
  ATOMIC_AGGREGATE: { flags: wellKnown, length: exactly(0), whenMalformed: 'attribute-discard' },
  // 7.7; AS 0: RFC 7607
  AGGREGATOR: {
    flags: optionalTransitive,
    length: { kind: 'asn-and-address' },
    whenMalformed: 'attribute-discard',
    isValid: (value, facts) => asnAtStart(value, facts.asnWidth) !== 0,
  },
  // 7.8
  COMMUNITIES: { flags: optionalTransitive, length: multipleOf(4), whenMalformed: 'treat-as-withdraw' },
  // 7.9
  ORIGINATOR_ID: {
    flags: optionalNonTransitive,
    length: exactly(4),
    whenMalformed: 'treat-as-withdraw',
    discardFrom: 'external',
  },
  // 7.10
  CLUSTER_LIST: {
    flags: optionalNonTransitive,
    length: multipleOf(4),
    whenMalformed: 'treat-as-withdraw',
    discardFrom: 'external',
  },
  // 7.11; the length of the next hop and the prefixes are judged apart, with the family in hand
  MP_REACH_NLRI: { flags: optionalNonTransitive, length: atLeast(5), whenMalformed: 'session-reset' },
  // 7.12
  MP_UNREACH_NLRI: { flags: optionalNonTransitive, length: atLeast(3), whenMalformed: 'session-reset' },
  // 7.14
  EXTENDED_COMMUNITIES: { flags: optionalTransitive, length: multipleOf(8), whenMalformed: 'treat-as-withdraw' },
  // RFC 6793 sections 4.1 and 6
  AS4_PATH: {
    flags: optionalTransitive,
    length: atLeast(6),
    whenMalformed: 'attribute-discard',
    discardFrom: 'four-octet',
    isValid: (value) => isAsPath(value, 4),
  },
  // RFC 6793 sections 4.1 and 6
  AS4_AGGREGATOR: {
    flags: optionalTransitive,
    length: exactly(8),
    whenMalformed: 'attribute-discard',
    discardFrom: 'four-octet',
    isValid: (value) => asnAtStart(value, 4) !== 0,
  },
  // 7.13
  TRAFFIC_ENGINEERING: { flags: optionalNonTransitive, length: atLeast(1), whenMalformed: 'treat-as-withdraw' },
  // 7.15
  IPV6_EXTENDED_COMMUNITIES: { flags: optionalTransitive, length: multipleOf(20), whenMalformed: 'treat-as-withdraw' },
  // RFC 7311 section 3: a wrong transitive bit, too, only costs the attribute
  AIGP: {
    flags: optionalNonTransitive,
    length: atLeast(3),
    whenMalformed: 'attribute-discard',
    whenFlagsWrong: 'attribute-discard',
  },
  // RFC 8092 section 6
  LARGE_COMMUNITY: { flags: optionalTransitive, length: multipleOf(12), whenMalformed: 'treat-as-withdraw' },
  // RFC 9234 section 5
  ONLY_TO_CUSTOMER: { flags: optionalTransitive, length: exactly(4), whenMalformed: 'treat-as-withdraw' },
  // 7.16
  ATTR_SET: { flags: optionalTransitive, length: atLeast(4), whenMalformed: 'treat-as-withdraw' },
}

/** By type code; a type that is not here is unrecognized. */
export const ATTRIBUTE_RULES: ReadonlyMap<number, AttributeRule> = new Map(
  Object.entries(RULES_BY_NAME).map(([name, rule]) => [ATTRIBUTES[name as AttributeName], rule]),
)

/** IGP, EGP, INCOMPLETE (RFC 4271 section 4.3). */
const LARGEST_ORIGIN = 2

export function isLengthRight(length: number, rule: LengthRule, facts: UpdateFacts): boolean {
  switch (rule.kind) {
    case 'exactly':
      return length === rule.octets
    case 'multiple-of':
      return length > 0 && length % rule.octets === 0
    case 'at-least':
      return length >= rule.octets
    case 'asn-and-address':
      return length === facts.asnWidth + 4
  }
}

function isAsPath(value: Uint8Array, width: AsnWidth): boolean {
  return attempt(() => decodeAsPath(value, width)) !== undefined
}

function asnAtStart(value: Uint8Array, width: AsnWidth): number {
  const reader = new Reader(value)
  return width === 4 ? reader.u32() : reader.u16()
}

const FIRST_MULTICAST_OCTET = 224

/** RFC 4271 section 6.3: the next hop must be an address that a host can have. */
function isHostAddress(value: Uint8Array): boolean {
  return value[0] !== 0 && value[0]! < FIRST_MULTICAST_OCTET
}
