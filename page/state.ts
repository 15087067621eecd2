/** What the page knows, put together from the messages of the controller. Pure. */
import {
  type About,
  type DecisionRow,
  type PageMessage,
  type PoolRow,
  type ProblemRow,
  type ServiceRow,
  type SpeakerRow,
  STANDINGS,
} from './model.ts'

export class PageState {
  about: About | undefined
  pools: readonly PoolRow[] = []
  speakers: readonly SpeakerRow[] = []
  problems: readonly ProblemRow[] = []
  /** The newest first. */
  decisions: readonly DecisionRow[] = []
  /** Everything was told once. */
  isComplete = false
  readonly #services = new Map<string, ServiceRow>()
  /** Known from an earlier connection, and not told again yet. */
  #old: Set<string> | undefined
  /** undefined = to be sorted anew. */
  #sorted: readonly ServiceRow[] | undefined

  /** What is wrong first, then by namespace and name. */
  get services(): readonly ServiceRow[] {
    this.#sorted ??= [...this.#services.values()].sort((a, b) => rankOf(a) - rankOf(b) || (a.key < b.key ? -1 : 1))
    return this.#sorted
  }

  service(key: string): ServiceRow | undefined {
    return this.#services.get(key)
  }

  apply(message: PageMessage): void {
    if (message.isFirst) {
      this.#old = new Set(this.#services.keys())
      this.decisions = []
    }
    this.about = message.about ?? this.about
    this.pools = message.pools ?? this.pools
    this.speakers = message.speakers ?? this.speakers
    this.problems = message.problems ?? this.problems
    for (const row of message.services ?? []) {
      this.#services.set(row.key, row)
      this.#old?.delete(row.key)
    }
    this.#forget(message.gone ?? [])
    if (message.decisions !== undefined) this.#decided(message.decisions)
    if (message.isComplete) {
      this.#forget(this.#old ?? [])
      this.#old = undefined
      this.isComplete = true
    }
    if (message.services !== undefined) this.#sorted = undefined
  }

  #forget(keys: Iterable<string>): void {
    for (const key of keys) if (this.#services.delete(key)) this.#sorted = undefined
  }

  #decided(decisions: readonly DecisionRow[]): void {
    const most = this.about?.decisionsKept ?? decisions.length
    this.decisions = [...decisions.toReversed(), ...this.decisions].slice(0, most)
  }
}

function rankOf({ standing }: ServiceRow): number {
  return STANDINGS.indexOf(standing)
}
