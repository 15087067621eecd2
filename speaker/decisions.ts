/**
 * What both announcers have in common: for each Service a decision, and what follows from it for the wire thread. Works
 * on keys: a burst of changes is decided once, and only what then differs crosses to the other thread.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Silent } from '../core/announce/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { Shared } from './shared.ts'

/** Of one Service, what the wire thread is to be told. */
export interface Consequence<Item> {
  readonly key: string
  readonly items: readonly Item[]
}

export interface DecisionsOptions<Decision, Item> {
  readonly clock: Clock
  /** Keys of all Services. */
  readonly keys: () => Iterable<string>
  /** undefined = there is nothing to decide, or no such Service. */
  readonly decide: (key: string, before: Decision | undefined) => Decision | undefined
  readonly itemsOf: (decision: Decision) => readonly Item[]
  /** Called where a decision is other than the one before. */
  readonly onDecision: (key: string, decision: Decision | undefined) => void
  /** Called where what follows from it is. */
  readonly onItems?: (before: readonly Item[], now: readonly Item[]) => void
  /** Called before everything is decided anew. */
  readonly onEverything?: () => void
  /** Complete: whatever is not named is over. */
  readonly post: (all: readonly Consequence<Item>[], isComplete: boolean) => void
}

export class Decisions<Decision extends { readonly kind: 'announce' } | Silent, Item> {
  readonly #options: DecisionsOptions<Decision, Item>
  readonly #decisions = new Map<string, Decision>()
  /** Thousands of Services may be silent for one reason. */
  readonly #silences = new Shared<Decision>()
  /** What the wire thread was told last, by Service. */
  readonly #posted = new Map<string, readonly Item[]>()
  readonly #dirty = new Set<string>()
  #isEverythingDirty = false
  #isStarted = false
  #timer: TimerHandle | undefined

  constructor(options: DecisionsOptions<Decision, Item>) {
    this.#options = options
  }

  /** undefined = not decided yet, or there is no such Service. */
  get(key: string): Decision | undefined {
    return this.#decisions.get(key)
  }

  entries(): Iterable<[string, Decision]> {
    return this.#decisions.entries()
  }

  keys(): Iterable<string> {
    return this.#decisions.keys()
  }

  changed(key: string): void {
    this.#dirty.add(key)
    this.#schedule()
  }

  everythingChanged(): void {
    this.#isEverythingDirty = true
    this.#schedule()
  }

  /** To be called once, with all objects in the stores: from then on the wire thread is told. */
  start(): void {
    this.#isStarted = true
    this.#options.onEverything?.()
    for (const key of this.#options.keys()) this.#decide(key)
    this.#dirty.clear()
    this.#isEverythingDirty = false
    this.#options.post(
      [...this.#posted].map(([key, items]) => ({ key, items })),
      true,
    )
  }

  stop(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (!this.#isStarted) return
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, 0)
  }

  #flush(): void {
    if (this.#isEverythingDirty) {
      this.#options.onEverything?.()
      for (const key of this.#options.keys()) this.#dirty.add(key)
      for (const key of this.#decisions.keys()) this.#dirty.add(key)
      this.#isEverythingDirty = false
    }
    const changed = [...this.#dirty].filter((key) => this.#decide(key))
    this.#dirty.clear()
    if (changed.length === 0) return
    this.#options.post(
      changed.map((key) => ({ key, items: this.#posted.get(key) ?? [] })),
      false,
    )
  }

  /** @returns whether the wire thread has to be told */
  #decide(key: string): boolean {
    const { decide, itemsOf, onDecision, onItems } = this.#options
    const before = this.#decisions.get(key)
    const decided = decide(key, before)
    const decision = decided?.kind === 'silent' ? this.#silences.of(JSON.stringify(decided), decided) : decided
    if (decision === undefined) this.#decisions.delete(key)
    else this.#decisions.set(key, decision)
    if (!isDeepStrictEqual(before, decision)) onDecision(key, decision)
    const items = decision === undefined ? [] : itemsOf(decision)
    const posted = this.#posted.get(key) ?? []
    if (isDeepStrictEqual(items, posted)) return false
    onItems?.(posted, items)
    if (items.length === 0) this.#posted.delete(key)
    else this.#posted.set(key, items)
    return true
  }
}
