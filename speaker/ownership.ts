import { Shared } from './shared.ts'
import type { OwnershipChange, OwnershipReason } from './wire/messages.ts'

export interface OwnedAddress {
  readonly ip: string
  readonly isOwned: boolean
  /** Interfaces on which this node answers. */
  readonly interfaces: readonly string[]
  readonly reason: OwnershipReason
}

/** What this node answers for, as the wire thread reported it last. */
export class Ownership {
  readonly #services = new Map<string, readonly OwnedAddress[]>()
  /** Keys of Services by address: hardly ever several share one. */
  readonly #keys = new Map<string, string | readonly string[]>()
  readonly #verdicts = new Shared<Pick<OwnedAddress, 'interfaces' | 'reason'>>()

  take({ key, ip, owned, interfaces, reason }: OwnershipChange): void {
    const verdict = this.#verdicts.of(JSON.stringify([interfaces, reason]), { interfaces, reason })
    const others = this.addressesOf(key).filter((address) => address.ip !== ip)
    this.#services.set(key, [...others, { ip, isOwned: owned, ...verdict }])
    this.#setKeys(ip, [...new Set([...this.keysOf(ip), key])])
  }

  /** Keeps of a Service only these addresses: the others are desired no more. */
  keepOnly(key: string, ips: readonly string[]): void {
    const before = this.addressesOf(key)
    const kept = before.filter(({ ip }) => ips.includes(ip))
    if (kept.length === before.length) return
    for (const { ip } of before) {
      if (!ips.includes(ip))
        this.#setKeys(
          ip,
          this.keysOf(ip).filter((sharer) => sharer !== key),
        )
    }
    if (kept.length === 0) this.#services.delete(key)
    else this.#services.set(key, kept)
  }

  addressesOf(key: string): readonly OwnedAddress[] {
    return this.#services.get(key) ?? []
  }

  /** Services that want the address. */
  keysOf(ip: string): readonly string[] {
    const keys = this.#keys.get(ip) ?? []
    return typeof keys === 'string' ? [keys] : keys
  }

  keys(): Iterable<string> {
    return this.#services.keys()
  }

  #setKeys(ip: string, keys: readonly string[]): void {
    if (keys.length === 0) this.#keys.delete(ip)
    else this.#keys.set(ip, keys.length === 1 ? keys[0]! : keys)
  }
}
