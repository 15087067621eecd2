/** Which addresses this node answers for, on which interfaces: what the responders look at for every frame. */
import { type Address, parseAddress } from '../../net/ip/index.ts'
import type { AddressCounters } from './counters.ts'
import type { WireCounters } from './messages.ts'

/** An address that is held; replaced when its interfaces change, its counters stay. */
export interface Held {
  readonly ip: string
  readonly address: Address
  readonly interfaces: readonly string[]
  readonly counters: AddressCounters
}

export class Holdings {
  readonly #byText = new Map<string, Held>()
  /** By unsigned 32-bit number: no text and no bigint in the way of an ARP reply. */
  readonly #ipv4 = new Map<number, Held>()
  readonly #ipv6 = new Map<bigint, Held>()

  /** Answers on exactly these interfaces from now on. `ip` is canonical text of our own making. */
  own(ip: string, interfaces: readonly string[]): Held {
    const address = parseAddress(ip)
    if (address === undefined) throw new Error(`desired address ${ip} is no address`)
    const counters = this.#byText.get(ip)?.counters ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 }
    const held = { ip, address, interfaces, counters }
    this.#byText.set(ip, held)
    if (address.family === 4) this.#ipv4.set(Number(address.bits), held)
    else this.#ipv6.set(address.bits, held)
    return held
  }

  /** Answers no more; returns what was held. */
  disown(ip: string): Held | undefined {
    const held = this.#byText.get(ip)
    if (held === undefined) return undefined
    this.#byText.delete(ip)
    if (held.address.family === 4) this.#ipv4.delete(Number(held.address.bits))
    else this.#ipv6.delete(held.address.bits)
    return held
  }

  get(ip: string): Held | undefined {
    return this.#byText.get(ip)
  }

  ipv4(bits: number): Held | undefined {
    return this.#ipv4.get(bits)
  }

  ipv6(bits: bigint): Held | undefined {
    return this.#ipv6.get(bits)
  }

  values(): Iterable<Held> {
    return this.#byText.values()
  }

  counters(): WireCounters['addresses'] {
    return [...this.#byText.values()].map(({ ip, counters }) => ({ ip, ...counters }))
  }
}
