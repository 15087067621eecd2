import type { NodeFacts } from './resources.ts'
import { matchesAny, type Selector } from './selector.ts'

/** Which node selectors have a node in common; with no nodes known, or none there yet, any two may. */
export class NodeSharing {
  readonly #nodes: readonly NodeFacts[] | undefined
  readonly #selected = new Map<string, ReadonlySet<string>>()

  constructor(nodes: readonly NodeFacts[] | undefined) {
    this.#nodes = nodes?.length === 0 ? undefined : nodes
  }

  share(a: readonly Selector[], b: readonly Selector[]): boolean {
    if (this.#nodes === undefined) return true
    const [ours, theirs] = [this.#nodesOf(this.#nodes, a), this.#nodesOf(this.#nodes, b)]
    return !ours.isDisjointFrom(theirs)
  }

  #nodesOf(nodes: readonly NodeFacts[], selectors: readonly Selector[]): ReadonlySet<string> {
    // Canonical texts hold no line break, so the key is unambiguous; an empty list differs from an empty selector.
    const key = selectors.map((selector) => `${selector.text}\n`).join('')
    let selected = this.#selected.get(key)
    if (selected === undefined) {
      selected = new Set(nodes.filter(({ labels }) => matchesAny(selectors, labels)).map(({ name }) => name))
      this.#selected.set(key, selected)
    }
    return selected
  }
}
