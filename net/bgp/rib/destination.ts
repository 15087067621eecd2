import type { Prefix } from '../../ip/index.ts'
import { type AddressFamily, addressFamilyOf, encodePrefix } from '../message/index.ts'
import { type Contribution, mergeContributions, type RoutePolicy, variantKey } from './policy.ts'

interface Variant {
  readonly contribution: Contribution
  readonly contributors: Set<string>
}

/**
 * A prefix, and all that contribute to it. An aggregate over 10,000 Services has 10,000 contributors but as many
 * variants as there are advertisements, so that one Service more or less costs nothing.
 */
export class Destination {
  readonly prefix: Prefix
  readonly family: AddressFamily
  /** The prefix as it goes on the wire. */
  readonly nlri: Uint8Array
  /** Peers that have the route, or are about to: as long as there are any, the destination is remembered. */
  holders = 0
  readonly #variants = new Map<string, Variant>()
  /** For all peers, when no contribution names any. */
  #shared: RoutePolicy | undefined
  #isSharedKnown = false

  constructor(prefix: Prefix) {
    this.prefix = prefix
    this.family = addressFamilyOf(prefix.family)
    this.nlri = encodePrefix(prefix)
  }

  get isWanted(): boolean {
    return this.#variants.size > 0
  }

  /** Names of the advertisements behind it. */
  get advertisements(): string[] {
    return [...new Set(this.#contributions().map((each) => each.advertisement))].sort()
  }

  /** Returns whether the policy may have changed. */
  add(contributor: string, contribution: Contribution): boolean {
    const key = variantKey(contribution)
    const variant = this.#variants.get(key)
    if (variant !== undefined) {
      variant.contributors.add(contributor)
      return false
    }
    this.#variants.set(key, { contribution, contributors: new Set([contributor]) })
    this.#isSharedKnown = false
    return true
  }

  /** Returns whether the policy may have changed. */
  remove(contributor: string, contribution: Contribution): boolean {
    const key = variantKey(contribution)
    const variant = this.#variants.get(key)
    if (variant === undefined || !variant.contributors.delete(contributor) || variant.contributors.size > 0)
      return false
    this.#variants.delete(key)
    this.#isSharedKnown = false
    return true
  }

  /** What this peer is to be told; undefined = nothing. */
  policyFor(peer: string): RoutePolicy | undefined {
    const contributions = this.#contributions()
    if (contributions.some((each) => each.peers !== undefined)) {
      return mergeContributions(contributions.filter((each) => each.peers?.includes(peer) ?? true))
    }
    if (!this.#isSharedKnown) this.#shared = mergeContributions(contributions)
    this.#isSharedKnown = true
    return this.#shared
  }

  #contributions(): Contribution[] {
    return [...this.#variants.values()].map((variant) => variant.contribution)
  }
}
