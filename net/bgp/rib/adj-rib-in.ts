import { type Address, addressFromBytes, formatPrefix } from '../../ip/index.ts'
import {
  type AddressFamily,
  type AsPathSegment,
  ATTRIBUTES,
  addressFamilyOfCode,
  decodeAsPath,
  decodeCommunities,
  decodeLargeCommunities,
  decodeMpReach,
  endOfRibFamily,
  type Judgement,
  judgeUpdate,
  type LargeCommunity,
  type PathAttribute,
  REFRESH_SUBTYPES,
  type RouteRefresh,
  type SessionFacts,
  type Update,
} from '../message/index.ts'

/** A route as its receiver reads it. */
export interface ReceivedRoute {
  readonly nextHops: readonly Address[]
  readonly asPath: readonly AsPathSegment[]
  readonly localPreference: number | undefined
  readonly communities: readonly number[]
  readonly largeCommunities: readonly LargeCommunity[]
}

/**
 * The routes that a peer holds after the UPDATEs it was sent (RFC 4271 section 3.2). Invar imports nothing: this is the
 * other side's view, for tests, benches and tools that check what we say.
 */
export class AdjRibIn {
  readonly #facts: SessionFacts
  readonly routes = new Map<string, ReceivedRoute>()
  /** Families for which End-of-RIB has come. */
  readonly complete = new Set<AddressFamily>()
  /** Routes not seen again since the beginning of a refresh, by family (RFC 7313 section 4). */
  readonly #stale = new Map<AddressFamily, Set<string>>()

  constructor(facts: SessionFacts) {
    this.#facts = facts
  }

  update(update: Update): Judgement {
    const judgement = judgeUpdate(update, this.#facts)
    const endOfRib = endOfRibFamily(update)
    if (endOfRib !== undefined) this.complete.add(endOfRib)
    if (judgement.kind === 'session-reset') return judgement
    for (const prefix of judgement.withdrawn) this.routes.delete(formatPrefix(prefix))
    if (judgement.announced.length === 0) return judgement
    const route = read(judgement.attributes, this.#facts)
    for (const prefix of judgement.announced) {
      const key = formatPrefix(prefix)
      this.routes.set(key, route)
      for (const stale of this.#stale.values()) stale.delete(key)
    }
    return judgement
  }

  refresh(refresh: RouteRefresh): void {
    const family = addressFamilyOfCode(refresh)
    if (family === undefined) return
    if (refresh.subtype === REFRESH_SUBTYPES['beginning-of-refresh']) {
      const isOurs = (key: string) => key.includes(':') === (family === 'ipv6-unicast')
      this.#stale.set(family, new Set([...this.routes.keys()].filter(isOurs)))
    } else if (refresh.subtype === REFRESH_SUBTYPES['end-of-refresh']) {
      for (const key of this.#stale.get(family) ?? []) this.routes.delete(key)
      this.#stale.delete(family)
    }
  }
}

function read(attributes: readonly PathAttribute[], facts: SessionFacts): ReceivedRoute {
  const value = (type: number) => attributes.find((attribute) => attribute.type === type)?.value
  const reach = value(ATTRIBUTES.MP_REACH_NLRI)
  const nextHop = reach === undefined ? value(ATTRIBUTES.NEXT_HOP)! : decodeMpReach(reach).nextHop
  const localPreference = value(ATTRIBUTES.LOCAL_PREF)
  return {
    nextHops: splitNextHop(nextHop),
    asPath: decodeAsPath(value(ATTRIBUTES.AS_PATH)!, facts.asnWidth),
    localPreference: localPreference === undefined ? undefined : decodeCommunities(localPreference)[0],
    communities: decodeCommunities(value(ATTRIBUTES.COMMUNITIES) ?? new Uint8Array(0)),
    largeCommunities: decodeLargeCommunities(value(ATTRIBUTES.LARGE_COMMUNITY) ?? new Uint8Array(0)),
  }
}

/** Four octets, or one or two times sixteen; `judgeUpdate` has seen to it. */
function splitNextHop(bytes: Uint8Array): Address[] {
  if (bytes.length < 16) return [addressFromBytes(bytes)]
  const addresses = [addressFromBytes(bytes.subarray(0, 16))]
  return bytes.length === 32 ? [...addresses, addressFromBytes(bytes.subarray(16))] : addresses
}
