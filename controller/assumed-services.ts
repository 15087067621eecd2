import type { ReadonlyStore, Service } from '../operator/index.ts'

/**
 * The Services as they are known to be: what the informer has seen, and, until it has caught up, what the API server
 * answered to our own writes. Without it a decision made in between would take our own address for wiped.
 */
export class AssumedServices {
  readonly #seen: ReadonlyStore<Service>
  /** Answer to our last write, while the informer shows something older. */
  readonly #written = new Map<string, Written>()

  constructor(seen: ReadonlyStore<Service>) {
    this.#seen = seen
  }

  get(key: string): Service | undefined {
    const seen = this.#seen.get(key)
    const { service } = this.#written.get(key) ?? {}
    if (seen === undefined || service === undefined) return seen
    if (isOlder(seen, service)) return service
    this.#written.delete(key)
    return seen
  }

  /** The API server answered a write of ours with `service`; `isSettled`: which shows all that was to be written. */
  wrote(service: Service, isSettled: boolean): void {
    this.#written.set(`${service.metadata.namespace}/${service.metadata.name}`, { service, isSettled })
  }

  /** Whether the informer has just caught up with a write of ours that left nothing to do; true once a write. */
  caughtUp(key: string): boolean {
    const seen = this.#seen.get(key)
    const written = this.#written.get(key)
    if (seen === undefined || written === undefined || !isSame(seen, written.service)) return false
    this.#written.delete(key)
    return written.isSettled
  }

  forget(key: string): void {
    this.#written.delete(key)
  }
}

interface Written {
  readonly service: Service
  readonly isSettled: boolean
}

function isSame(seen: Service, written: Service): boolean {
  return (
    seen.metadata.uid === written.metadata.uid && seen.metadata.resourceVersion === written.metadata.resourceVersion
  )
}

/** Resource versions of one resource are comparable numbers (KEP-5504); another uid is another object. */
function isOlder(seen: Service, written: Service): boolean {
  if (seen.metadata.uid !== written.metadata.uid) return false
  return BigInt(seen.metadata.resourceVersion ?? 0) < BigInt(written.metadata.resourceVersion ?? 0)
}
