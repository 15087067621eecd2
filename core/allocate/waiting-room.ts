/** What would help a Service that waits: room in one of these pools, or one of these addresses. */
export interface WaitingFor {
  readonly pools: readonly string[]
  readonly addresses: readonly string[]
}

/**
 * Services that wait for an address, found by what may help them, so that one freed address does not bring all of
 * them back. What only another configuration can help is not listed: then everybody is decided again anyway.
 */
export class WaitingRoom {
  readonly #waiting = new Map<string, readonly string[]>()
  readonly #byTopic = new Map<string, Set<string>>()
  readonly #stirred = new Set<string>()

  get size(): number {
    return this.#waiting.size
  }

  /** `key` waits for this now, whatever it waited for before. */
  enter(key: string, wanted: WaitingFor): void {
    const topics = [...wanted.pools.map(poolTopic), ...wanted.addresses.map(addressTopic)]
    const before = this.#waiting.get(key)
    if (before !== undefined && before.join() === topics.join()) return
    this.leave(key)
    if (topics.length === 0) return
    this.#waiting.set(key, topics)
    for (const topic of topics) {
      const keys = this.#byTopic.get(topic) ?? new Set()
      this.#byTopic.set(topic, keys.add(key))
    }
  }

  leave(key: string): void {
    for (const topic of this.#waiting.get(key) ?? []) {
      const keys = this.#byTopic.get(topic)
      keys?.delete(key)
      if (keys?.size === 0) this.#byTopic.delete(topic)
    }
    this.#waiting.delete(key)
  }

  /** There may be more to have in the pool. */
  stirPool(pool: string): void {
    if (this.#byTopic.size > 0) this.#stir(poolTopic(pool))
  }

  /** The address was freed, or is held by others, or in another way. */
  stirAddress(address: string): void {
    if (this.#byTopic.size > 0) this.#stir(addressTopic(address))
  }

  #stir(topic: string): void {
    if (this.#byTopic.has(topic)) this.#stirred.add(topic)
  }

  /** Keys of the Services that may succeed now, each once; asking again without a change in between gives none. */
  takeStirred(): string[] {
    const keys = new Set<string>()
    for (const topic of this.#stirred) for (const key of this.#byTopic.get(topic) ?? []) keys.add(key)
    this.#stirred.clear()
    return [...keys]
  }
}

function poolTopic(pool: string): string {
  return `pool ${pool}`
}

function addressTopic(address: string): string {
  return `address ${address}`
}
