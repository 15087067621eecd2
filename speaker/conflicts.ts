import type { AddressConflict } from '../core/status/index.ts'
import type { FromWire } from './wire/messages.ts'

const REASONS = { announcing: 'ForeignClaim', probing: 'AddressInUse' } as const

/** Addresses of ours that other stations use, as the wire thread reported them last. */
export class Conflicts {
  readonly #byIp = new Map<string, AddressConflict>()
  /** Sightings so far, by reason. */
  readonly seen: Record<AddressConflict['reason'], number> = { ForeignClaim: 0, AddressInUse: 0 }

  take({ ip, mac, interface: name, phase }: FromWire & { kind: 'conflict' }): AddressConflict {
    const conflict = { ip, mac, interface: name, reason: REASONS[phase] }
    this.#byIp.set(ip, conflict)
    this.seen[conflict.reason]++
    return conflict
  }

  /** @returns whether there was one */
  end(ip: string): boolean {
    return this.#byIp.delete(ip)
  }

  of(ip: string): AddressConflict | undefined {
    return this.#byIp.get(ip)
  }

  values(): Iterable<AddressConflict> {
    return this.#byIp.values()
  }
}
