/**
 * Keeps the ledger told of addresses that somebody outside uses. The reports of the speakers are the store: a leader
 * that begins reads them before it gives anything out.
 */
import type { Quarantine } from '../core/allocate/index.ts'
import type { ReportedConflict } from '../core/status/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'

export interface QuarantinesOptions {
  /** All conflicts that are reported now. */
  readonly conflicts: () => Iterable<ReportedConflict>
  readonly quarantine: (quarantine: Quarantine) => void
  readonly endQuarantine: (address: string) => void
  readonly clock: Clock
}

/**
 * So long after its last conflict nobody is given an address. Who was moved away from it takes the observation along:
 * without a pause the next Service would walk into the same station.
 */
export const LINGER_MS = 600_000

export class Quarantines {
  readonly #options: QuarantinesOptions
  readonly #inForce = new Map<string, Quarantine>()
  /** Of addresses whose conflict is over. */
  readonly #endings = new Map<string, TimerHandle>()

  constructor(options: QuarantinesOptions) {
    this.#options = options
  }

  /** To be called once before anything is given out, and whenever reports of conflicts have changed. */
  reported(): void {
    const seen = new Map<string, Quarantine>()
    for (const conflict of this.#options.conflicts()) seen.set(conflict.address, merged(seen, conflict))
    for (const quarantine of seen.values()) this.#begin(quarantine)
    for (const quarantine of this.#inForce.values()) if (!seen.has(quarantine.address)) this.#linger(quarantine)
  }

  stop(): void {
    for (const handle of this.#endings.values()) this.#options.clock.clearTimeout(handle)
    this.#endings.clear()
  }

  #begin(quarantine: Quarantine): void {
    const { address, because, isUnusable } = quarantine
    const before = this.#inForce.get(address)
    this.#cancelEnding(address)
    if (before?.because === because && before.isUnusable === isUnusable && !before.isOver) return
    this.#inForce.set(address, quarantine)
    this.#options.quarantine(quarantine)
  }

  #linger(quarantine: Quarantine): void {
    const { address } = quarantine
    if (quarantine.isOver) return
    const over = { ...quarantine, isOver: true }
    this.#inForce.set(address, over)
    this.#options.quarantine(over)
    const end = (): void => {
      this.#endings.delete(address)
      this.#inForce.delete(address)
      this.#options.endQuarantine(address)
    }
    this.#endings.set(address, this.#options.clock.setTimeout(end, LINGER_MS))
  }

  #cancelEnding(address: string): void {
    const handle = this.#endings.get(address)
    if (handle === undefined) return
    this.#options.clock.clearTimeout(handle)
    this.#endings.delete(address)
  }
}

/** Several nodes may see it: one that could not begin to announce decides, the first sentence stays. */
function merged(seen: ReadonlyMap<string, Quarantine>, { address, reason, because }: ReportedConflict): Quarantine {
  const before = seen.get(address)
  const isUnusable = reason === 'AddressInUse' || (before?.isUnusable ?? false)
  return { address, because: before?.because ?? because, isUnusable, isOver: false }
}
