import type { FromWire, OwnershipReason } from './wire/messages.ts'

export interface OwnedAddress {
  readonly ip: string
  readonly isOwned: boolean
  /** Interfaces on which this node answers. */
  readonly interfaces: readonly string[]
  readonly reason: OwnershipReason
}

/** What this node answers for, as the wire thread reported it last. */
export class Ownership {
  readonly #services = new Map<string, Map<string, OwnedAddress>>()

  take(message: FromWire & { kind: 'ownership' }): void {
    const { key, ip, owned, interfaces, reason } = message
    const addresses = this.#services.get(key) ?? new Map<string, OwnedAddress>()
    addresses.set(ip, { ip, isOwned: owned, interfaces, reason })
    this.#services.set(key, addresses)
  }

  /** Keeps of a Service only these addresses: the others are desired no more. */
  keepOnly(key: string, ips: readonly string[]): void {
    const addresses = this.#services.get(key)
    if (addresses === undefined) return
    for (const ip of addresses.keys()) if (!ips.includes(ip)) addresses.delete(ip)
    if (addresses.size === 0) this.#services.delete(key)
  }

  /** Whether this node answers for an address of the Service. */
  isAnnounced(key: string): boolean {
    return this.addressesOf(key).some(({ isOwned }) => isOwned)
  }

  addressesOf(key: string): readonly OwnedAddress[] {
    return [...(this.#services.get(key)?.values() ?? [])]
  }

  keys(): Iterable<string> {
    return this.#services.keys()
  }
}
