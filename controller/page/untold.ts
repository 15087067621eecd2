/**
 * What one reader of the page has not been told yet: names only, never what they stand for. However slow a reader is,
 * this is no larger than the cluster, and what changed twice is told once. Pure.
 */
import { DECISIONS_KEPT } from './decisions.ts'

export const SECTIONS = ['about', 'pools', 'speakers', 'problems'] as const
export type Section = (typeof SECTIONS)[number]

/** What a message is to tell. */
export interface Portion {
  readonly isFirst: boolean
  /** All that there was to tell at first has been told with this one. */
  readonly isComplete: boolean
  readonly sections: ReadonlySet<Section>
  /** Keys. */
  readonly services: readonly string[]
  /** Keys of those that have been told and are no more. */
  readonly gone: readonly string[]
  /** Numbers of decisions greater than this. */
  readonly decisionsAfter: number
}

/**
 * Each has to be worked out: with a hundred nodes, and nobody announcing anything, that takes over a millisecond a
 * Service, and the allocator waits meanwhile.
 */
export const SERVICES_A_TURN = 100

export class Untold {
  readonly #services: Set<string>
  readonly #gone = new Set<string>()
  #sections: Set<Section> = new Set(SECTIONS)
  #decisionsAfter = 0
  #isFirst = true
  #isComplete = false
  #hasDecisions = true

  /** @param services keys of all */
  constructor(services: Iterable<string>) {
    this.#services = new Set(services)
  }

  service(key: string): void {
    this.#gone.delete(key)
    this.#services.add(key)
  }

  gone(key: string): void {
    this.#services.delete(key)
    this.#gone.add(key)
  }

  section(section: Section): void {
    this.#sections.add(section)
  }

  decision(): void {
    this.#hasDecisions = true
  }

  /** The next message, which is then taken for told; undefined = the reader knows all. */
  take(lastDecision: number): Portion | undefined {
    const waiting = this.#services.size + this.#gone.size + this.#sections.size
    if (waiting === 0 && !this.#hasDecisions && this.#isComplete) return undefined
    const services = [...this.#services.values().take(SERVICES_A_TURN)]
    for (const key of services) this.#services.delete(key)
    const portion = {
      isFirst: this.#isFirst,
      isComplete: !this.#isComplete && this.#services.size === 0,
      sections: this.#sections,
      services,
      gone: [...this.#gone],
      decisionsAfter: Math.max(this.#decisionsAfter, lastDecision - DECISIONS_KEPT),
    }
    this.#gone.clear()
    this.#isFirst = false
    this.#isComplete ||= portion.isComplete
    this.#sections = new Set()
    this.#hasDecisions = false
    this.#decisionsAfter = lastDecision
    return portion
  }
}
