import type { EntryOccupancy } from './pool-occupancy.ts'

/** A freed address that waits before another Service may have it. */
export interface Rest {
  readonly text: string
  readonly entry: EntryOccupancy
  readonly offset: number
  readonly freedAtMs: number
  /** The Service that had it last: it need not wait. */
  readonly lastKey: string
}

/** The addresses of one pool and family that rest, or have rested and were not given out since. */
export class RestingAddresses {
  /** In the order in which they were freed. */
  readonly #rests = new Map<string, Rest>()
  readonly #byLastKey = new Map<string, Rest>()

  all(): Iterable<Rest> {
    return this.#rests.values()
  }

  get(text: string): Rest | undefined {
    return this.#rests.get(text)
  }

  add(rest: Rest): void {
    this.#rests.set(rest.text, rest)
    this.#byLastKey.set(rest.lastKey, rest)
  }

  delete(text: string): void {
    const rest = this.#rests.get(text)
    if (rest === undefined) return
    this.#rests.delete(text)
    if (this.#byLastKey.get(rest.lastKey) === rest) this.#byLastKey.delete(rest.lastKey)
  }

  /** What a Service gave up last and may have back. */
  lastOf(key: string, isQuarantined: (text: string) => boolean): Rest | undefined {
    const rest = this.#byLastKey.get(key)
    return rest === undefined || isQuarantined(rest.text) ? undefined : rest
  }

  /** The one that has rested longest, of those that are not quarantined. */
  longest(isQuarantined: (text: string) => boolean): Rest | undefined {
    for (const rest of this.#rests.values()) if (!isQuarantined(rest.text)) return rest
    return undefined
  }
}
