import type { WantedAddress } from './node.ts'

/** More are forgotten, not shared any more. */
const MAX_SHARED = 1000

/** Ten thousand addresses have few lists of candidates among them, and each message of the main thread brings copies. */
export class Lists {
  readonly #known = new Map<string, readonly string[]>()

  share({ ip, candidates, interfaces }: WantedAddress): WantedAddress {
    return { ip, candidates: this.#shared(candidates), interfaces: interfaces && this.#shared(interfaces) }
  }

  #shared(list: readonly string[]): readonly string[] {
    const text = list.join()
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size >= MAX_SHARED) this.#known.clear()
    this.#known.set(text, list)
    return list
  }
}
