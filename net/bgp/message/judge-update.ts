/** RFC 7606: what a well-formed message with wrong content does to its routes, and to the session. */
import type { Prefix } from '../../ip/index.ts'
import { attempt } from './attempt.ts'
import { ATTRIBUTES, encodeAttributes, OPTIONAL, type PathAttribute, TRANSITIVE } from './attribute.ts'
import {
  ATTRIBUTE_RULES,
  type AttributeRule,
  isLengthRight,
  TREATMENTS,
  type Treatment,
  type UpdateFacts,
} from './attribute-rule.ts'
import { type AddressFamily, addressFamilyOfCode, ipFamilyOf } from './family.ts'
import { HEADER_LENGTH, MAXIMUM_MESSAGE_LENGTH } from './header.ts'
import { decodeMpReach, decodeMpUnreach } from './multiprotocol.ts'
import { decodePrefixes } from './nlri.ts'
import { type Notification, notification } from './notification.ts'
import type { Update } from './update.ts'

export interface SessionFacts extends UpdateFacts {
  /** Negotiated; routes of others are passed over. */
  readonly families: ReadonlySet<AddressFamily>
  /** IPv4 routes may have an IPv6 next hop (RFC 8950). */
  readonly hasExtendedNextHop: boolean
}

/** One thing that was wrong; `type` is the attribute's, undefined where a whole field is meant. */
export interface UpdateFault {
  readonly type: number | undefined
  readonly because:
    | 'list-overrun'
    | 'duplicate'
    | 'missing'
    | 'flags'
    | 'length'
    | 'value'
    | 'out-of-place'
    | 'unrecognized-well-known'
    | 'next-hop'
    | 'prefix'
    | 'family-not-negotiated'
  readonly treatment: Exclude<Treatment, 'accept'>
}

/**
 * The strongest treatment of all faults found (RFC 7606 section 3h). With `treat-as-withdraw` the routes that were to
 * be announced stand among the withdrawn ones.
 */
export type Judgement =
  | {
      readonly kind: 'accept' | 'attribute-discard' | 'treat-as-withdraw'
      readonly faults: readonly UpdateFault[]
      readonly announced: readonly Prefix[]
      readonly withdrawn: readonly Prefix[]
      /** Those that survive. */
      readonly attributes: readonly PathAttribute[]
    }
  | { readonly kind: 'session-reset'; readonly faults: readonly UpdateFault[]; readonly notification: Notification }

export function judgeUpdate(update: Update, facts: SessionFacts): Judgement {
  const trial = new Trial(facts)
  const kept = update.attributes.filter((attribute) => trial.hearAttribute(attribute))
  if (update.overrun.length > 0)
    trial.find({ type: undefined, because: 'list-overrun', treatment: 'treat-as-withdraw' })
  trial.hearPrefixes('announced', update.nlri, 'ipv4-unicast')
  trial.hearPrefixes('withdrawn', update.withdrawn, 'ipv4-unicast')
  trial.hearMissing(kept, update.nlri.length > 0)
  return trial.verdict(kept)
}

/** RFC 4271 section 5: well-known, mandatory. LOCAL_PREF is not insisted on: see docs/rfc-notes.md. */
const MANDATORY = [ATTRIBUTES.ORIGIN, ATTRIBUTES.AS_PATH]
/** What a NOTIFICATION of the ordinary message size has room for. */
const LONGEST_DATA = MAXIMUM_MESSAGE_LENGTH - HEADER_LENGTH - 2
const CLASS_BITS = OPTIONAL | TRANSITIVE
const MULTIPROTOCOL: readonly number[] = [ATTRIBUTES.MP_REACH_NLRI, ATTRIBUTES.MP_UNREACH_NLRI]

/** Collects what is found about one UPDATE. */
class Trial {
  readonly #facts: SessionFacts
  readonly #faults: UpdateFault[] = []
  readonly #announced: Prefix[] = []
  readonly #withdrawn: Prefix[] = []
  readonly #seen = new Set<number>()
  #notification: Notification | undefined

  constructor(facts: SessionFacts) {
    this.#facts = facts
  }

  find(fault: UpdateFault): void {
    this.#faults.push(fault)
  }

  /** Whether the attribute is kept. */
  hearAttribute(attribute: PathAttribute): boolean {
    const { type } = attribute
    if (this.#seen.has(type)) return this.#duplicate(attribute)
    this.#seen.add(type)
    const rule = ATTRIBUTE_RULES.get(type)
    if (rule === undefined) return this.#unrecognized(attribute)
    const fault = this.#faultOf(attribute, rule)
    if (fault !== undefined) {
      this.find(fault)
      if (fault.treatment === 'session-reset') this.#resetBecause('attribute-length-error', attribute)
      if (fault.because !== 'flags') return false
    }
    if (type === ATTRIBUTES.MP_REACH_NLRI) return this.#hearReach(attribute)
    if (type === ATTRIBUTES.MP_UNREACH_NLRI) return this.#hearUnreach(attribute)
    return fault === undefined
  }

  /** RFC 7606 section 3g. */
  #duplicate(attribute: PathAttribute): false {
    const isFatal = MULTIPROTOCOL.includes(attribute.type)
    const treatment = isFatal ? 'session-reset' : 'attribute-discard'
    this.find({ type: attribute.type, because: 'duplicate', treatment })
    if (isFatal) this.#notification ??= notification('update-message-error', 'malformed-attribute-list')
    return false
  }

  /** Optional ones are passed over; a well-known one that we do not know ends the session (RFC 4271 section 6.3). */
  #unrecognized(attribute: PathAttribute): boolean {
    if ((attribute.flags & OPTIONAL) !== 0) return true
    this.find({ type: attribute.type, because: 'unrecognized-well-known', treatment: 'session-reset' })
    this.#resetBecause('unrecognized-well-known-attribute', attribute)
    return false
  }

  #faultOf(attribute: PathAttribute, rule: AttributeRule): UpdateFault | undefined {
    const { type, value } = attribute
    const facts = this.#facts
    const isFromNewSpeaker = rule.discardFrom === 'four-octet' && facts.asnWidth === 4
    if (isFromNewSpeaker || (rule.discardFrom === 'external' && facts.isExternal)) {
      return { type, because: 'out-of-place', treatment: 'attribute-discard' }
    }
    if (!isLengthRight(value.length, rule.length, facts)) {
      return { type, because: 'length', treatment: rule.whenMalformed }
    }
    if (rule.isValid?.(value, facts) === false) return { type, because: 'value', treatment: rule.whenMalformed }
    if ((attribute.flags & CLASS_BITS) === rule.flags) return undefined
    return { type, because: 'flags', treatment: rule.whenFlagsWrong ?? 'treat-as-withdraw' }
  }

  #hearReach(attribute: PathAttribute): boolean {
    const { type, value } = attribute
    const reach = attempt(() => decodeMpReach(value))
    if (reach === undefined) return this.#fatal(attribute, 'length')
    const family = addressFamilyOfCode(reach)
    if (family === undefined || !this.#facts.families.has(family)) return this.#otherFamily(type)
    if (!this.#isNextHopLength(reach.nextHop.length, family)) return this.#fatal(attribute, 'next-hop')
    const prefixes = attempt(() => decodePrefixes(reach.nlri, ipFamilyOf(family)))
    if (prefixes === undefined) return this.#fatal(attribute, 'prefix')
    this.#announced.push(...prefixes)
    return true
  }

  #hearUnreach(attribute: PathAttribute): boolean {
    const unreach = attempt(() => decodeMpUnreach(attribute.value))
    if (unreach === undefined) return this.#fatal(attribute, 'length')
    const family = addressFamilyOfCode(unreach)
    if (family === undefined || !this.#facts.families.has(family)) return this.#otherFamily(attribute.type)
    const prefixes = attempt(() => decodePrefixes(unreach.withdrawn, ipFamilyOf(family)))
    if (prefixes === undefined) return this.#fatal(attribute, 'prefix')
    this.#withdrawn.push(...prefixes)
    return true
  }

  /** RFC 2545 section 3, RFC 8950 section 3. */
  #isNextHopLength(length: number, family: AddressFamily): boolean {
    const isIpv6 = length === 16 || length === 32
    if (family === 'ipv6-unicast') return isIpv6
    return length === 4 || (isIpv6 && this.#facts.hasExtendedNextHop)
  }

  #otherFamily(type: number): false {
    this.find({ type, because: 'family-not-negotiated', treatment: 'attribute-discard' })
    return false
  }

  /** Which routes are meant cannot be told, so nothing less than a reset will do (RFC 7606 sections 5.3 and 7.11). */
  #fatal(attribute: PathAttribute, because: UpdateFault['because']): false {
    this.find({ type: attribute.type, because, treatment: 'session-reset' })
    this.#resetBecause('optional-attribute-error', attribute)
    return false
  }

  hearPrefixes(list: 'announced' | 'withdrawn', bytes: Uint8Array, family: AddressFamily): void {
    if (bytes.length === 0) return
    const prefixes = attempt(() => decodePrefixes(bytes, ipFamilyOf(family)))
    if (prefixes === undefined) {
      this.find({ type: undefined, because: 'prefix', treatment: 'session-reset' })
      this.#notification ??= notification('update-message-error', 'invalid-network-field')
    } else if (this.#facts.families.has(family)) {
      const target = list === 'announced' ? this.#announced : this.#withdrawn
      for (const prefix of prefixes) target.push(prefix)
    } else {
      this.find({ type: undefined, because: 'family-not-negotiated', treatment: 'attribute-discard' })
    }
  }

  /** RFC 7606 section 3d; an attribute that is present but malformed has been dealt with already. */
  hearMissing(kept: readonly PathAttribute[], hasNlri: boolean): void {
    if (this.#announced.length === 0) return
    const wanted: number[] = hasNlri ? [...MANDATORY, ATTRIBUTES.NEXT_HOP] : MANDATORY
    for (const type of wanted) {
      const isKnown = kept.some((attribute) => attribute.type === type) || this.#faults.some((f) => f.type === type)
      if (!isKnown) this.find({ type, because: 'missing', treatment: 'treat-as-withdraw' })
    }
  }

  #resetBecause(
    subcode: 'attribute-length-error' | 'unrecognized-well-known-attribute' | 'optional-attribute-error',
    attribute: PathAttribute,
  ): void {
    // RFC 4271 section 6.3: the data field holds the erroneous attribute: type, length and value.
    const data = encodeAttributes([attribute]).subarray(0, LONGEST_DATA)
    this.#notification ??= notification('update-message-error', subcode, data)
  }

  verdict(kept: readonly PathAttribute[]): Judgement {
    const faults = this.#faults
    const rank = faults.reduce((worst, fault) => Math.max(worst, TREATMENTS.indexOf(fault.treatment)), 0)
    const kind = TREATMENTS[rank]!
    if (kind === 'session-reset') return { kind, faults, notification: this.#notification! }
    const isWithdrawn = kind === 'treat-as-withdraw'
    return {
      kind,
      faults,
      announced: isWithdrawn ? [] : this.#announced,
      withdrawn: isWithdrawn ? [...this.#withdrawn, ...this.#announced] : this.#withdrawn,
      attributes: kept,
    }
  }
}
