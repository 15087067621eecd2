import type { Prefix } from '../../ip/index.ts'
import { type AddressFamily, addressFamilyOf, encodePrefix } from '../message/index.ts'
import type { Contribution, RoutePolicy } from './policy.ts'
import type { PolicyCache } from './policy-cache.ts'

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
  readonly #cache: PolicyCache
  readonly #variants = new Map<string, Contribution>()
  readonly #contributors = new Map<string, Set<string>>()
  /** Variants that name peers. */
  #selective = 0
  /** What all peers are told, where no variant names any; worked out when first asked for. */
  #shared: RoutePolicy | undefined

  constructor(prefix: Prefix, cache: PolicyCache) {
    this.prefix = prefix
    this.family = addressFamilyOf(prefix.family)
    this.nlri = encodePrefix(prefix)
    this.#cache = cache
  }

  get isWanted(): boolean {
    return this.#variants.size > 0
  }

  /** Names of the advertisements behind it. */
  get advertisements(): string[] {
    return [...new Set([...this.#variants.values()].map((each) => each.advertisement))].sort()
  }

  /** `variant` is the contribution's variantKey. Returns whether the policy may have changed. */
  add(contributor: string, variant: string, contribution: Contribution): boolean {
    const contributors = this.#contributors.get(variant)
    if (contributors !== undefined) {
      contributors.add(contributor)
      return false
    }
    this.#contributors.set(variant, new Set([contributor]))
    this.#variants.set(variant, contribution)
    if (contribution.peers !== undefined) this.#selective++
    this.#shared = undefined
    return true
  }

  /** Returns whether the policy may have changed. */
  remove(contributor: string, variant: string): boolean {
    const contributors = this.#contributors.get(variant)
    if (contributors === undefined || !contributors.delete(contributor) || contributors.size > 0) return false
    if (this.#variants.get(variant)?.peers !== undefined) this.#selective--
    this.#contributors.delete(variant)
    this.#variants.delete(variant)
    this.#shared = undefined
    return true
  }

  /** What this peer is to be told; undefined = nothing. */
  policyFor(peer: string): RoutePolicy | undefined {
    if (this.#selective > 0) return this.#selectedFor(peer)
    if (this.#shared === undefined && this.isWanted) this.#shared = this.#cache.merge(this.#variants)
    return this.#shared
  }

  #selectedFor(peer: string): RoutePolicy | undefined {
    const selected = new Map<string, Contribution>()
    for (const [key, contribution] of this.#variants) {
      if (contribution.peers?.includes(peer) ?? true) selected.set(key, contribution)
    }
    return selected.size === 0 ? undefined : this.#cache.merge(selected)
  }
}
