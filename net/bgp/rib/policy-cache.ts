import { type Contribution, mergeContributions, type RoutePolicy } from './policy.ts'

const MOST_ENTRIES = 4096

/**
 * Merged policies by what they were merged from. Ten thousand Services under one advertisement have one policy, which
 * is worked out once; the cache starts over when it is full, since an entry that is missing only costs time.
 */
export class PolicyCache {
  readonly #byVariants = new Map<string, RoutePolicy>()

  /** `variants`: the contributions by their variant keys; at least one. */
  merge(variants: ReadonlyMap<string, Contribution>): RoutePolicy {
    const key = variants.size === 1 ? firstOf(variants.keys()) : [...variants.keys()].sort().join('\n')
    const known = this.#byVariants.get(key)
    if (known !== undefined) return known
    const policy = mergeContributions([...variants.values()])
    if (this.#byVariants.size >= MOST_ENTRIES) this.#byVariants.clear()
    this.#byVariants.set(key, policy)
    return policy
  }
}

function firstOf(keys: Iterable<string>): string {
  for (const key of keys) return key
  throw new Error('nothing to merge')
}
