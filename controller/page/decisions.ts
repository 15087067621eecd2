/** The last decisions on Services, with what was said of them: a ring in memory. Pure. */
import type { ServiceEvent } from '../../core/allocate/index.ts'
import type { DecisionKind, DecisionRow } from '../../page/model.ts'
import type { DecisionInForce } from '../allocator.ts'

/** Kept; older ones are in the events of their Services for an hour. */
export const DECISIONS_KEPT = 100

export class DecisionRing {
  readonly #wall: () => number
  #rows: readonly DecisionRow[] = []
  #count = 0

  /** @param wall time of day, in milliseconds since 1970 */
  constructor(wall: () => number) {
    this.#wall = wall
  }

  /** The oldest first. */
  get rows(): readonly DecisionRow[] {
    return this.#rows
  }

  /** Number of the newest; 0 = there was none. */
  get last(): number {
    return this.#count
  }

  /** @returns whether there was something to tell */
  made({ service, held, decision, events }: DecisionInForce): boolean {
    const shown = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
    const had = shown.length === 0 && decision.addresses.length === 0 ? held : shown
    const kind = kindOf(had, decision.addresses, events)
    if (kind === undefined) return false
    const sentences = events.map(({ message }) => message)
    return this.#push(kind, decision.key, sentences.join('; ') || decision.message || movement(had, decision.addresses))
  }

  /** The Service is no more; what it had is free. */
  gone(key: string, addresses: readonly string[]): void {
    this.#push('released', key, `${addresses.join(' and ')} is free: the Service was deleted`)
  }

  #push(kind: DecisionKind, service: string, sentence: string): boolean {
    const at = new Date(this.#wall()).toISOString()
    const row = { number: ++this.#count, at, kind, service, sentence }
    this.#rows = [...this.#rows.slice(1 - DECISIONS_KEPT), row]
    return true
  }
}

function kindOf(
  had: readonly string[],
  has: readonly string[],
  events: readonly ServiceEvent[],
): DecisionKind | undefined {
  if (had.join() !== has.join()) {
    if (has.length === 0) return 'released'
    // A second family beside the first is no move.
    return had.every((address) => has.includes(address)) ? 'allocated' : 'moved'
  }
  if (events.length === 0) return undefined
  return has.length === 0 ? 'refused' : 'told'
}

function movement(had: readonly string[], has: readonly string[]): string {
  return `${had.join(' and ') || 'no address'} before, ${has.join(' and ') || 'no address'} now`
}
