/**
 * When a deleted Service may go: with `--cleanup-finalizer`, not before the speakers have ceased to announce it, and
 * not later than half a minute after that was asked of them.
 *
 * The finalizer is written and taken away together with address and annotation (core/status), in one patch each. The
 * base class's `handleResourceFinalizer` writes it alone, to every object it sees, and waits inside the watch event.
 */
import type { ServiceEvent } from '../core/allocate/index.ts'
import { CLEANUP_FINALIZER } from '../core/status/index.ts'
import { keyOf, type Service } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'

export interface DeparturesOptions {
  /** false: nobody is held, and who was is let go. */
  readonly isOn: boolean
  /** Nodes whose speakers report that they announce the Service. */
  readonly announcersOf: (key: string) => readonly string[]
  readonly clock: Clock
}

/** What is to become of one Service's finalizer. */
export interface Departure {
  readonly holdsDeletion: boolean
  /** Judge again then, if nothing happens before. */
  readonly afterMs?: number
  readonly event?: ServiceEvent
}

/** A speaker withdraws within milliseconds; one that is dead, or cut off from the API server, never tells. */
export const PATIENCE_MS = 30_000

export class Departures {
  readonly #options: DeparturesOptions
  /** When we first saw a Service deleted that carries the finalizer. */
  readonly #since = new Map<string, number>()

  constructor(options: DeparturesOptions) {
    this.#options = options
  }

  /** Deleted Services that wait for speakers. */
  get size(): number {
    return this.#since.size
  }

  judge(service: Service): Departure {
    const { isOn, announcersOf, clock } = this.#options
    const { deletionTimestamp, finalizers = [] } = service.metadata
    const key = keyOf(service.metadata)
    const isHeld = deletionTimestamp !== undefined && finalizers.includes(CLEANUP_FINALIZER)
    if (!isHeld) this.#since.delete(key)
    // The API server lets nobody add a finalizer to what is deleted already.
    if (!isOn || !isHeld) return { holdsDeletion: isOn && deletionTimestamp === undefined }
    const since = this.#since.get(key) ?? clock.now()
    this.#since.set(key, since)
    const nodes = announcersOf(key)
    if (nodes.length === 0) return { holdsDeletion: false }
    const afterMs = since + PATIENCE_MS - clock.now()
    if (afterMs > 0) return { holdsDeletion: true, afterMs }
    return { holdsDeletion: false, event: overdue(key, nodes) }
  }

  /** The Service is gone. */
  forget(key: string): void {
    this.#since.delete(key)
  }
}

function overdue(key: string, nodes: readonly string[]): ServiceEvent {
  const message =
    `Service ${key} was deleted ${PATIENCE_MS / 1_000} s ago, and the speaker on ${nodes.join(', ')} has not reported ` +
    'since that it ceased to announce it: the Service goes nevertheless, and its address may be given to another one'
  return { type: 'Warning', reason: 'CleanupOverdue', message }
}
