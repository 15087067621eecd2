import type { OwnershipChange, OwnershipReason } from './wire/messages.ts'

/** More are forgotten, not shared any more. */
const MAX_SHARED = 1000

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
  /** Keys of Services by address: several share one. */
  readonly #keys = new Map<string, Set<string>>()
  /** Ten thousand addresses have a handful of reasons among them; each message brings its own copies. */
  readonly #verdicts = new Map<string, Pick<OwnedAddress, 'interfaces' | 'reason'>>()

  take({ key, ip, owned, interfaces, reason }: OwnershipChange): void {
    const addresses = this.#services.get(key) ?? new Map<string, OwnedAddress>()
    addresses.set(ip, { ip, isOwned: owned, ...this.#shared(interfaces, reason) })
    this.#services.set(key, addresses)
    const sharers = this.#keys.get(ip)
    if (sharers === undefined) this.#keys.set(ip, new Set([key]))
    else sharers.add(key)
  }

  #shared(interfaces: readonly string[], reason: OwnershipReason): Pick<OwnedAddress, 'interfaces' | 'reason'> {
    const text = JSON.stringify([interfaces, reason])
    const known = this.#verdicts.get(text)
    if (known !== undefined) return known
    if (this.#verdicts.size >= MAX_SHARED) this.#verdicts.clear()
    const verdict = { interfaces, reason }
    this.#verdicts.set(text, verdict)
    return verdict
  }

  /** Keeps of a Service only these addresses: the others are desired no more. */
  keepOnly(key: string, ips: readonly string[]): void {
    const addresses = this.#services.get(key)
    if (addresses === undefined) return
    for (const ip of addresses.keys()) {
      if (ips.includes(ip)) continue
      addresses.delete(ip)
      const sharers = this.#keys.get(ip)
      sharers?.delete(key)
      if (sharers?.size === 0) this.#keys.delete(ip)
    }
    if (addresses.size === 0) this.#services.delete(key)
  }

  addressesOf(key: string): readonly OwnedAddress[] {
    return [...(this.#services.get(key)?.values() ?? [])]
  }

  /** Services that want the address. */
  keysOf(ip: string): readonly string[] {
    return [...(this.#keys.get(ip) ?? [])]
  }

  keys(): Iterable<string> {
    return this.#services.keys()
  }
}
