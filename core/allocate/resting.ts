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
  /** Those of which it was not told yet that they have rested, in the same order. */
  readonly #unripe = new Set<Rest>()

  all(): Iterable<Rest> {
    return this.#rests.values()
  }

  get(text: string): Rest | undefined {
    return this.#rests.get(text)
  }

  add(rest: Rest): void {
    this.#rests.set(rest.text, rest)
    this.#unripe.add(rest)
    this.#byLastKey.set(rest.lastKey, rest)
  }

  delete(text: string): void {
    const rest = this.#rests.get(text)
    if (rest === undefined) return
    this.#rests.delete(text)
    this.#unripe.delete(rest)
    if (this.#byLastKey.get(rest.lastKey) === rest) this.#byLastKey.delete(rest.lastKey)
  }

  get firstUnripe(): Rest | undefined {
    for (const rest of this.#unripe) return rest
    return undefined
  }

  /** Takes those that were freed by then out of the unripe ones. */
  ripen(freedUntilMs: number): readonly Rest[] {
    const ripe: Rest[] = []
    for (const rest of this.#unripe) {
      if (rest.freedAtMs > freedUntilMs) break
      this.#unripe.delete(rest)
      ripe.push(rest)
    }
    return ripe
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
