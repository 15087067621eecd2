/** Routes with equal attributes on equal sessions: their attributes are encoded once, whatever the number of peers. */
import { Writer } from '../../bytes/index.ts'
import { writeAttribute } from '../message/attribute.ts'
import {
  type AddressFamily,
  ATTRIBUTES,
  type AttributeName,
  encodeAsPath,
  encodeCommunities,
  encodeLargeCommunities,
  FLAGS,
  LARGEST_TWO_OCTET_ASN,
  WELL_KNOWN_COMMUNITIES,
} from '../message/index.ts'
import type { Negotiated } from '../session/index.ts'
import type { Carriage } from './carriage.ts'
import type { RoutePolicy } from './policy.ts'

type Carried = Exclude<Carriage, { kind: 'none' }>

export interface AttributeGroup {
  readonly family: AddressFamily
  readonly carriage: Carried
  /** All attributes, encoded, but MP_REACH_NLRI, which holds the prefixes. */
  readonly attributes: Uint8Array
}

/** What of a session shows in the attributes: sessions with equal texts share their groups. */
export interface Audience {
  readonly family: AddressFamily
  readonly negotiated: Negotiated
  readonly carriage: Carried
  readonly key: string
}

export function audienceOf(family: AddressFamily, negotiated: Negotiated, carriage: Carried): Audience {
  const { kind, localAsn, asnWidth, marksOnlyToCustomer } = negotiated
  const key = [family, kind, localAsn, asnWidth, marksOnlyToCustomer, carriage.kind, carriage.nextHop.join('.')].join()
  return { family, negotiated, carriage, key }
}

interface Entry {
  readonly group: AttributeGroup
  uses: number
}

/** All groups in use. Every `acquire` is paid back by a `release`, and a group that nobody uses is forgotten. */
export class AttributeGroups {
  readonly #byKey = new Map<string, Entry>()
  readonly #keys = new Map<AttributeGroup, string>()
  /** RFC 8326: every route says that it will soon be gone. */
  #isShuttingDown = false
  /** Attribute blocks encoded so far. */
  encodings = 0

  get size(): number {
    return this.#byKey.size
  }

  set isShuttingDown(value: boolean) {
    this.#isShuttingDown = value
  }

  acquire(audience: Audience, policy: RoutePolicy): AttributeGroup {
    // A local preference that is not sent (to external peers) must not tell groups apart: no needless UPDATEs.
    const preference = audience.negotiated.kind === 'internal' ? policy.localPreference : ''
    const key = `${audience.key}|${this.#isShuttingDown}|${preference}|${policy.communitiesKey}`
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      known.uses++
      return known.group
    }
    this.encodings++
    const { family, carriage } = audience
    const said = this.#isShuttingDown ? shuttingDown(policy) : policy
    const group = { family, carriage, attributes: encodeGroup(audience, said) }
    this.#byKey.set(key, { group, uses: 1 })
    this.#keys.set(group, key)
    return group
  }

  retain(group: AttributeGroup): void {
    const entry = this.#entryOf(group)
    if (entry !== undefined) entry.uses++
  }

  release(group: AttributeGroup): void {
    const entry = this.#entryOf(group)
    if (entry === undefined || --entry.uses > 0) return
    this.#byKey.delete(this.#keys.get(group)!)
    this.#keys.delete(group)
  }

  #entryOf(group: AttributeGroup): Entry | undefined {
    const key = this.#keys.get(group)
    return key === undefined ? undefined : this.#byKey.get(key)
  }
}

/** RFC 8326 section 4.2: the community for external peers, and the lowest preference for internal ones. */
function shuttingDown(policy: RoutePolicy): RoutePolicy {
  const communities = new Set([...policy.communities, WELL_KNOWN_COMMUNITIES.GRACEFUL_SHUTDOWN])
  return { ...policy, localPreference: 0, communities: [...communities].sort((a, b) => a - b) }
}

const ORIGIN_IGP = 0

function encodeGroup(audience: Audience, policy: RoutePolicy): Uint8Array {
  const { negotiated, carriage } = audience
  const { localAsn, asnWidth } = negotiated
  const isExternal = negotiated.kind === 'external'
  const path = isExternal ? [{ kind: 'sequence' as const, asns: [localAsn] }] : []
  const writer = new Writer()
  const write = (name: AttributeName, flags: number, value: Uint8Array) =>
    writeAttribute(writer, { flags, type: ATTRIBUTES[name], value })
  // Ascending by type, as RFC 4271 section 5 asks.
  write('ORIGIN', FLAGS.wellKnown, Uint8Array.of(ORIGIN_IGP))
  write('AS_PATH', FLAGS.wellKnown, encodeAsPath(path, asnWidth))
  if (carriage.kind === 'classic') write('NEXT_HOP', FLAGS.wellKnown, carriage.nextHop)
  if (!isExternal) write('LOCAL_PREF', FLAGS.wellKnown, u32(policy.localPreference))
  if (policy.communities.length > 0) {
    write('COMMUNITIES', FLAGS.optionalTransitive, encodeCommunities(policy.communities))
  }
  // RFC 6793 section 4.2.2: what the two octets of AS_PATH cannot say.
  if (isExternal && asnWidth === 2 && localAsn > LARGEST_TWO_OCTET_ASN) {
    write('AS4_PATH', FLAGS.optionalTransitive, encodeAsPath(path, 4))
  }
  if (policy.largeCommunities.length > 0) {
    write('LARGE_COMMUNITY', FLAGS.optionalTransitive, encodeLargeCommunities(policy.largeCommunities))
  }
  if (negotiated.marksOnlyToCustomer) write('ONLY_TO_CUSTOMER', FLAGS.optionalTransitive, u32(localAsn))
  return writer.finish()
}

function u32(value: number): Uint8Array {
  return new Writer(new Uint8Array(4)).u32(value).finish()
}
