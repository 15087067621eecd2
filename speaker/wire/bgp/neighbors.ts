/**
 * Finds the peers of unnumbered links: both sides send router advertisements, and each takes the source of the other's
 * for the address of its peer, as FRR does. There is no standard for it.
 */
import { type Interfaces, PacketSocket } from '../../../native/index.ts'
import { DecodeError } from '../../../net/bytes/index.ts'
import { decodeFrame, parseMac } from '../../../net/ethernet/index.ts'
import { type Address, addressFromBytes } from '../../../net/ip/index.ts'
import { announceRouter, decodeRouterAdvertisement } from '../../../net/ndp/index.ts'
import type { Clock, TimerHandle } from '../../../runtime/clock.ts'
import { isLinkLocal } from './local-end.ts'

/** RFC 4861 section 6.2.4: no oftener by multicast. */
const SEARCH_INTERVAL_MS = 3_000
/** FRR's interval on unnumbered links. */
const CALM_INTERVAL_MS = 10_000
/** A neighbor that has been silent for so long gives way to another one on its link. */
const FORGOTTEN_AFTER_MS = 3 * CALM_INTERVAL_MS

export interface NeighborsOptions {
  readonly clock: Clock
  /** The peer on the link has this address; `scope` is the index of the interface. */
  readonly found: (interfaceName: string, address: Address, scope: number) => void
  readonly ignored: (reason: string) => void
  readonly fault: (what: string, cause: unknown) => void
}

interface LinkEnd {
  readonly name: string
  readonly index: number
  readonly mac: string
  readonly address: Address
}

export class Neighbors {
  readonly #options: NeighborsOptions
  readonly #links = new Map<string, Link>()

  constructor(options: NeighborsOptions) {
    this.#options = options
  }

  /** Looks for peers on exactly these interfaces, as far as they are up and have a link-local address. */
  sync(names: ReadonlySet<string>, interfaces: Interfaces): void {
    const ends = new Map(endsOf(names, interfaces).map((end) => [end.name, end]))
    for (const [name, link] of this.#links) {
      const end = ends.get(name)
      if (end !== undefined && link.isAlive && isSame(link.end, end)) continue
      link.close()
      this.#links.delete(name)
    }
    for (const [name, end] of ends) if (!this.#links.has(name)) this.#open(end)
  }

  close(): void {
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #open(end: LinkEnd): void {
    try {
      this.#links.set(end.name, new Link(end, this.#options))
    } catch (error) {
      this.#options.fault(`looking for a BGP neighbor on ${end.name}`, error)
    }
  }
}

/** One interface with an unnumbered peer. */
class Link {
  readonly end: LinkEnd
  readonly #options: NeighborsOptions
  readonly #socket: PacketSocket
  readonly #advertisement: Uint8Array
  #neighbor: Address | undefined
  #heardMs = 0
  #timer: TimerHandle | undefined
  isAlive = true

  constructor(end: LinkEnd, options: NeighborsOptions) {
    this.end = end
    this.#options = options
    this.#advertisement = announceRouter(parseMac(end.mac)!, end.address)
    this.#socket = new PacketSocket({
      interfaceIndex: end.index,
      protocol: 'router',
      onFrames: (count) => this.#hear(count),
      onDown: () => this.close(),
    })
    this.#advertise()
  }

  close(): void {
    this.isAlive = false
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#socket.close()
  }

  #advertise(): void {
    const { bytes, lengths } = this.#socket.sending
    bytes.set(this.#advertisement)
    lengths[0] = this.#advertisement.length
    this.#socket.send(1)
    const afterMs = this.#neighbor === undefined ? SEARCH_INTERVAL_MS : CALM_INTERVAL_MS
    this.#timer = this.#options.clock.setTimeout(() => this.#advertise(), afterMs)
  }

  #hear(count: number): number {
    const { bytes, lengths, slotBytes } = this.#socket.received
    for (let slot = 0; slot < count; slot++) {
      this.#take(bytes.subarray(slot * slotBytes, slot * slotBytes + lengths[slot]!))
    }
    return 0
  }

  #take(frame: Uint8Array): void {
    try {
      this.#meet(decodeRouterAdvertisement(decodeFrame(frame).payload).source)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#options.ignored('router-advertisement-malformed')
    }
  }

  /** Two routers on one link would take turns: who was there first stays, as long as it is heard. */
  #meet(address: Address): void {
    const now = this.#options.clock.now()
    const isKnown = this.#neighbor?.bits === address.bits
    if (!isKnown && this.#neighbor !== undefined && now - this.#heardMs < FORGOTTEN_AFTER_MS) {
      this.#options.ignored('router-advertisement-of-another')
      return
    }
    this.#heardMs = now
    this.#neighbor = address
    if (!isKnown) this.#options.found(this.end.name, address, this.end.index)
  }
}

function endsOf(names: ReadonlySet<string>, interfaces: Interfaces): LinkEnd[] {
  return [...interfaces.values()].flatMap(({ name, index, mac, isUp, hasCarrier, addresses }) => {
    if (!names.has(name) || !isUp || !hasCarrier || parseMac(mac) === undefined) return []
    const usable = addresses.filter(({ family, isTentative }) => family === 6 && !isTentative)
    const address = usable.map(({ bytes }) => addressFromBytes(bytes)).find(isLinkLocal)
    return address === undefined ? [] : [{ name, index, mac, address }]
  })
}

function isSame(a: LinkEnd, b: LinkEnd): boolean {
  return a.index === b.index && a.mac === b.mac && a.address.bits === b.address.bits
}
