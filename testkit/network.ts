import type { SeededRandom } from './random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a segment does to each packet, receiver by receiver. Probabilities are 0 to 1. */
export interface Weather {
  readonly loss: number
  readonly duplication: number
  readonly leastDelayMs: number
  /** Above the least delay, packets overtake each other. */
  readonly mostDelayMs: number
}

export const FAIR: Weather = { loss: 0, duplication: 0, leastDelayMs: 0.1, mostDelayMs: 0.1 }

export type Receive<Packet> = (packet: Packet, from: string) => void

/**
 * One broadcast domain, simulated: stations are attached by name, and what one sends reaches all others it is not
 * separated from. Everything that can go wrong is drawn from one seeded source.
 */
export class Segment<Packet> {
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #stations = new Map<string, Receive<Packet>>()
  /** Which side of a partition a station is on; all are on the same side at first. */
  readonly #sides = new Map<string, number>()
  /** `from>to` of directions that carry nothing. */
  readonly #severed = new Set<string>()
  weather: Weather

  constructor(clock: VirtualClock, random: SeededRandom, weather: Weather = FAIR) {
    this.#clock = clock
    this.#random = random
    this.weather = weather
  }

  attach(station: string, receive: Receive<Packet>): void {
    this.#stations.set(station, receive)
  }

  detach(station: string): void {
    this.#stations.delete(station)
  }

  /** Each group hears only itself; stations that are not named form one more. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#sides.clear()
    for (const [index, group] of groups.entries()) for (const station of group) this.#sides.set(station, index + 1)
  }

  /** One direction carries nothing any more. */
  sever(from: string, to: string): void {
    this.#severed.add(`${from}>${to}`)
  }

  /** Undoes every partition and severed direction. */
  heal(): void {
    this.#sides.clear()
    this.#severed.clear()
  }

  /** To everybody else. */
  broadcast(from: string, packet: Packet): void {
    for (const to of this.#stations.keys()) if (to !== from) this.send(from, to, packet)
  }

  send(from: string, to: string, packet: Packet): void {
    const { loss, duplication } = this.weather
    if (!this.#isConnected(from, to) || this.#random.chance(loss)) return
    this.#deliverLater(from, to, packet)
    if (this.#random.chance(duplication)) this.#deliverLater(from, to, packet)
  }

  #deliverLater(from: string, to: string, packet: Packet): void {
    const { leastDelayMs, mostDelayMs } = this.weather
    this.#clock.after(this.#random.between(leastDelayMs, mostDelayMs), () => {
      // Whoever was cut off or died while the packet was under way does not get it.
      if (this.#isConnected(from, to)) this.#stations.get(to)?.(packet, from)
    })
  }

  #isConnected(from: string, to: string): boolean {
    return (this.#sides.get(from) ?? 0) === (this.#sides.get(to) ?? 0) && !this.#severed.has(`${from}>${to}`)
  }
}
