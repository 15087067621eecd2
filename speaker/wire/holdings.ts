/** Which addresses this node answers for or watches, on which interfaces: what responders look at for every frame. */
import type { Holding } from '../../net/arp/index.ts'
import { type Address, parseAddress } from '../../net/ip/index.ts'
import type { AddressCounters } from './counters.ts'
import type { WireCounters } from './messages.ts'

/** An address that is answered for or watched; replaced when that or its interfaces change, its counters stay. */
export interface Held {
  readonly ip: string
  readonly address: Address
  /** false: not answered for, but what others do with it is reported. */
  readonly isAnswered: boolean
  readonly interfaces: readonly string[]
  readonly counters: AddressCounters
}

/** More are forgotten, not shared any more. */
const MAX_INTERFACE_LISTS = 100

export class Holdings {
  readonly #byText = new Map<string, Held>()
  /** By signed 32-bit number: no text, no bigint and no boxed number in the way of an ARP reply. */
  readonly #ipv4 = new Map<number, Held>()
  readonly #ipv6 = new Map<bigint, Held>()
  /** One list for all that are held alike: ten thousand of their own would displace each other from the cache. */
  readonly #interfaceLists = new Map<string, readonly string[]>()
  /** Addresses that somebody asks about right now, and how many do, by key of #ipv4 or #ipv6. */
  readonly #asked = new Map<number | bigint, number>()

  /** Answers for it, or only watches it, on exactly these interfaces from now on. `ip` is canonical text. */
  hold(ip: string, interfaces: readonly string[], isAnswered: boolean): Held {
    const address = parseAddress(ip)
    if (address === undefined) throw new Error(`desired address ${ip} is no address`)
    const counters = this.#byText.get(ip)?.counters ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 }
    const held = { ip, address, isAnswered, interfaces: this.#listLike(interfaces), counters }
    this.#byText.set(ip, held)
    if (address.family === 4) this.#ipv4.set(ipv4Key(address), held)
    else this.#ipv6.set(address.bits, held)
    return held
  }

  /** Neither answers nor watches any more; returns what was held. */
  release(ip: string): Held | undefined {
    const held = this.#byText.get(ip)
    if (held === undefined) return undefined
    this.#byText.delete(ip)
    if (held.address.family === 4) this.#ipv4.delete(ipv4Key(held.address))
    else this.#ipv6.delete(held.address.bits)
    return held
  }

  /** Whoever uses the address, on whatever interface, is reported until as many calls of `askNoMore`. */
  ask(address: Address): void {
    const key = keyOf(address)
    this.#asked.set(key, (this.#asked.get(key) ?? 0) + 1)
  }

  askNoMore(address: Address): void {
    const key = keyOf(address)
    const left = (this.#asked.get(key) ?? 0) - 1
    if (left > 0) this.#asked.set(key, left)
    else this.#asked.delete(key)
  }

  get(ip: string): Held | undefined {
    return this.#byText.get(ip)
  }

  /** `key`: the address as a signed 32-bit number. */
  ipv4(key: number): Held | undefined {
    return this.#ipv4.get(key)
  }

  ipv6(bits: bigint): Held | undefined {
    return this.#ipv6.get(bits)
  }

  ipv4Holding(key: number, interfaceName: string): Holding {
    return this.#holding(this.#ipv4.get(key), key, interfaceName)
  }

  ipv6Holding(bits: bigint, interfaceName: string): Holding {
    return this.#holding(this.#ipv6.get(bits), bits, interfaceName)
  }

  values(): Iterable<Held> {
    return this.#byText.values()
  }

  /** Of those that are answered for. */
  counters(): WireCounters['addresses'] {
    return [...this.#byText.values()]
      .filter(({ isAnswered }) => isAnswered)
      .map(({ ip, counters }) => ({ ip, ...counters }))
  }

  /** Names of interfaces come and go seldom, and in few combinations. */
  #listLike(interfaces: readonly string[]): readonly string[] {
    const key = interfaces.join()
    const known = this.#interfaceLists.get(key)
    if (known !== undefined) return known
    if (this.#interfaceLists.size >= MAX_INTERFACE_LISTS) this.#interfaceLists.clear()
    this.#interfaceLists.set(key, interfaces)
    return interfaces
  }

  #holding(held: Held | undefined, key: number | bigint, interfaceName: string): Holding {
    if (held?.interfaces.includes(interfaceName)) return held.isAnswered ? 'here' : 'watched'
    if (this.#asked.size > 0 && this.#asked.has(key)) return 'watched'
    return held?.isAnswered ? 'elsewhere' : 'nowhere'
  }
}

function keyOf(address: Address): number | bigint {
  return address.family === 4 ? ipv4Key(address) : address.bits
}

function ipv4Key({ bits }: Address): number {
  return Number(bits) | 0
}
