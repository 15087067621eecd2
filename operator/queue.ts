/**
 * Keys that wait to be looked at. Pure: no timer, no clock. A key waits once however often it is added; a key that is
 * being worked on is not given to a second worker, but waits again when it was added meanwhile.
 */

/**
 * `live`: something changed just now. `bulk`: everything is looked at again (a start, a new configuration). Bulk work
 * gets every {@link BULK_TURN}th turn while live work waits, so that neither starves the other.
 */
export type Lane = 'live' | 'bulk'

/** Of so many keys taken while both lanes wait, one is of the bulk lane. */
export const BULK_TURN = 4

export interface TakenKey {
  readonly key: string
  /** When it was added, in the time that was given to {@link KeyQueue.add}. */
  readonly addedAt: number
}

export class KeyQueue {
  readonly #lanes: Record<Lane, Map<string, number>> = { live: new Map(), bulk: new Map() }
  readonly #working = new Set<string>()
  /** Added while being worked on. */
  readonly #again = new Map<string, { readonly lane: Lane; readonly at: number }>()
  #turn = 0

  /** Keys that wait, those that must wait for their own worker included. */
  get depth(): number {
    return this.#lanes.live.size + this.#lanes.bulk.size + this.#again.size
  }

  /** Keys being worked on. */
  get working(): number {
    return this.#working.size
  }

  /** @returns whether a worker may have something to take that it had not before */
  add(key: string, now: number, lane: Lane = 'live'): boolean {
    if (this.#working.has(key)) {
      const before = this.#again.get(key)
      if (before === undefined) this.#again.set(key, { lane, at: now })
      else if (lane === 'live' && before.lane === 'bulk') this.#again.set(key, { lane, at: before.at })
      return false
    }
    if (this.#lanes.live.has(key)) return false
    const waitingSince = this.#lanes.bulk.get(key)
    if (waitingSince !== undefined && lane === 'bulk') return false
    this.#lanes.bulk.delete(key)
    this.#lanes[lane].set(key, waitingSince ?? now)
    return true
  }

  /** The next key, which nobody else gets until {@link done}; undefined where none may be taken. */
  take(): TakenKey | undefined {
    const { live, bulk } = this.#lanes
    const isBulkTurn = live.size === 0 || (bulk.size > 0 && ++this.#turn % BULK_TURN === 0)
    const lane = isBulkTurn ? bulk : live
    const first = lane.entries().next()
    if (first.done === true) return undefined
    const [key, addedAt] = first.value
    lane.delete(key)
    this.#working.add(key)
    return { key, addedAt }
  }

  /** Whether the key was added while it was being worked on. */
  waitsAgain(key: string): boolean {
    return this.#again.has(key)
  }

  /** The worker of this key has finished. @returns whether the key waits again */
  done(key: string): boolean {
    this.#working.delete(key)
    const again = this.#again.get(key)
    if (again === undefined) return false
    this.#again.delete(key)
    this.#lanes[again.lane].set(key, again.at)
    return true
  }
}
