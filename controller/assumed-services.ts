import type { ReadonlyStore, Service } from '../operator/index.ts'

/**
 * The Services as they are known to be: what the informer has seen, and, until it has caught up, what the API server
 * answered to our own writes. Without it a decision made in between would take our own address for wiped.
 */
export class AssumedServices {
  readonly #seen: ReadonlyStore<Service>
  /** Answer to our last write, while the informer shows something older. */
  readonly #written = new Map<string, Service>()

  constructor(seen: ReadonlyStore<Service>) {
    this.#seen = seen
  }

  get(key: string): Service | undefined {
    const seen = this.#seen.get(key)
    const written = this.#written.get(key)
    if (seen === undefined || written === undefined) return seen
    if (isOlder(seen, written)) return written
    this.#written.delete(key)
    return seen
  }

  /** The API server answered a write of ours on `before` with `after`. */
  wrote(before: Service, after: Service): void {
    this.#written.set(`${before.metadata.namespace}/${before.metadata.name}`, after)
  }

  forget(key: string): void {
    this.#written.delete(key)
  }
}

/** Resource versions of one resource are comparable numbers (KEP-5504); another uid is another object. */
function isOlder(seen: Service, written: Service): boolean {
  if (seen.metadata.uid !== written.metadata.uid) return false
  return BigInt(seen.metadata.resourceVersion ?? 0) < BigInt(written.metadata.resourceVersion ?? 0)
}
