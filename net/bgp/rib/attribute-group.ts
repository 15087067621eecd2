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

/** What of a session shows in the attributes. Sessions that are alike share one audience, and with it their groups. */
export interface Audience {
  readonly family: AddressFamily
  readonly negotiated: Negotiated
  readonly carriage: Carried
}

/** A group and who counts on it. */
class CountedGroup implements AttributeGroup {
  readonly family: AddressFamily
  readonly carriage: Carried
  readonly attributes: Uint8Array
  readonly key: string
  readonly siblings: Map<string, CountedGroup>
  uses = 0

  constructor(audience: CountedAudience, key: string, attributes: Uint8Array) {
    this.family = audience.family
    this.carriage = audience.carriage
    this.attributes = attributes
    this.key = key
    this.siblings = audience.groups
  }
}

class CountedAudience implements Audience {
  readonly family: AddressFamily
  readonly negotiated: Negotiated
  readonly carriage: Carried
  readonly groups = new Map<string, CountedGroup>()

  constructor(family: AddressFamily, negotiated: Negotiated, carriage: Carried) {
    this.family = family
    this.negotiated = negotiated
    this.carriage = carriage
  }
}

/** All groups in use. Every `acquire` is paid back by a `release`, and a group that nobody uses is forgotten. */
export class AttributeGroups {
  readonly #audiences = new Map<string, CountedAudience>()
  /** RFC 8326: every route says that it will soon be gone. */
  #isShuttingDown = false
  /** Attribute blocks encoded so far. */
  encodings = 0

  get size(): number {
    return [...this.#audiences.values()].reduce((sum, audience) => sum + audience.groups.size, 0)
  }

  /** From now on `acquire` yields other groups than before: whoever holds one must ask again. */
  set isShuttingDown(value: boolean) {
    this.#isShuttingDown = value
  }

  /** There are as many as there are sorts of sessions and addresses of ours, so they are kept. */
  audience(family: AddressFamily, negotiated: Negotiated, carriage: Carried): Audience {
    const { kind, localAsn, asnWidth, marksOnlyToCustomer } = negotiated
    const key = [
      family,
      kind,
      localAsn,
      asnWidth,
      marksOnlyToCustomer,
      carriage.kind,
      carriage.nextHop.join('.'),
    ].join()
    const known = this.#audiences.get(key)
    if (known !== undefined) return known
    const audience = new CountedAudience(family, negotiated, carriage)
    this.#audiences.set(key, audience)
    return audience
  }

  acquire(to: Audience, policy: RoutePolicy): AttributeGroup {
    const audience = to as CountedAudience
    // A local preference that is not sent (to external peers) must not tell groups apart: no needless UPDATEs.
    const plainKey = audience.negotiated.kind === 'internal' ? policy.internalKey : policy.externalKey
    const key = this.#isShuttingDown ? `${SHUTTING_DOWN}${plainKey}` : plainKey
    let group = audience.groups.get(key)
    if (group === undefined) {
      this.encodings++
      const said = this.#isShuttingDown ? shuttingDown(policy) : policy
      group = new CountedGroup(audience, key, encodeGroup(audience, said))
      audience.groups.set(key, group)
    }
    group.uses++
    return group
  }

  retain(group: AttributeGroup): void {
    if (group instanceof CountedGroup) group.uses++
  }

  release(group: AttributeGroup): void {
    if (!(group instanceof CountedGroup)) return
    group.uses--
    if (group.uses === 0) group.siblings.delete(group.key)
  }
}

/** Not part of any key otherwise. */
const SHUTTING_DOWN = '!'

/** RFC 8326: the community for external peers, and the lowest preference for internal ones. */
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
