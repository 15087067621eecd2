import type { Family } from '../../net/ip/index.ts'
import { type Waiter, WaitingLine } from './waiting-line.ts'

/** What would help a Service that waits: an address of these families of these pools, or one of these addresses. */
export interface WaitingFor {
  readonly pools: readonly { readonly pool: string; readonly families: readonly Family[] }[]
  readonly addresses: readonly string[]
}

/** How many of those that wait a change may help. */
export type Help = 'one' | 'all'

interface Place {
  readonly waiter: Waiter
  readonly topics: readonly string[]
}

/**
 * Services that wait for an address, found by what may help them, so that one freed address does not bring all of
 * them back. What only another configuration can help is not listed: then everybody is decided again anyway.
 *
 * Who is taken from here is to be decided; deciding enters it again, or lets it leave.
 */
export class WaitingRoom {
  readonly #waiting = new Map<string, Place>()
  readonly #lines = new Map<string, WaitingLine>()
  /** Topics of the lines that have something to offer, in the order in which they had. */
  readonly #stirred = new Set<string>()

  get size(): number {
    return this.#waiting.size
  }

  /** `key` waits for this now, whatever it waited for before. Of those that wait the lowest `rank` is helped first. */
  enter(key: string, rank: string, wanted: WaitingFor): void {
    const ofPools = wanted.pools.flatMap(({ pool, families }) => families.map((family) => poolTopic(pool, family)))
    const topics = [...ofPools, ...wanted.addresses.map(addressTopic)]
    const before = this.#waiting.get(key)
    if (before !== undefined && before.topics.join() === topics.join() && before.waiter.rank === rank) {
      for (const topic of topics) this.#lines.get(topic)!.answered(before.waiter)
      return
    }
    this.leave(key)
    if (topics.length === 0) return
    const waiter = { key, rank }
    this.#waiting.set(key, { waiter, topics })
    for (const topic of topics) this.#lineOf(topic).add(waiter)
  }

  leave(key: string): void {
    const place = this.#waiting.get(key)
    if (place === undefined) return
    this.#waiting.delete(key)
    for (const topic of place.topics) {
      const line = this.#lines.get(topic)!
      line.remove(place.waiter)
      if (line.isEmpty) this.#lines.delete(topic)
    }
  }

  /** There is more to have of a pool: an address (`one`), or something that any number may join (`all`). */
  stirPool(pool: string, family: Family, help: Help): void {
    this.#stir(poolTopic(pool, family), help)
  }

  /** An address of the pool that was free has a holder. */
  poolTaken(pool: string, family: Family): void {
    if (this.#lines.size > 0) this.#lines.get(poolTopic(pool, family))?.taken()
  }

  /** The address was freed, or is held by others, or in another way: who waits for it is told something else now. */
  stirAddress(address: string): void {
    this.#stir(addressTopic(address), 'all')
  }

  /**
   * Keys of the Services that may succeed now, each once, oldest first for each thing that there is. To be asked again
   * when they were decided: what they have left is for the next ones.
   */
  takeStirred(): string[] {
    const keys = new Set<string>()
    for (const topic of this.#stirred) {
      const line = this.#lines.get(topic)
      for (const { key } of line?.next() ?? []) keys.add(key)
      if (!line?.isOffering) this.#stirred.delete(topic)
    }
    return [...keys]
  }

  #stir(topic: string, help: Help): void {
    if (this.#lines.size === 0) return
    const line = this.#lines.get(topic)
    if (line === undefined) return
    line.offer(help === 'one' ? 1 : Number.POSITIVE_INFINITY)
    this.#stirred.add(topic)
  }

  #lineOf(topic: string): WaitingLine {
    const known = this.#lines.get(topic)
    if (known !== undefined) return known
    const line = new WaitingLine()
    this.#lines.set(topic, line)
    return line
  }
}

function poolTopic(pool: string, family: Family): string {
  return `pool ${pool} IPv${family}`
}

function addressTopic(address: string): string {
  return `address ${address}`
}
