/** What the wire thread said last of the node's links and of the other speakers, for whoever asks. */
import type { FromWire, ObservedInterface } from './wire/messages.ts'

export interface Uplink {
  readonly interface: string
  readonly target: string
  readonly reachable: boolean
}

export interface WireFault {
  readonly code: string
  readonly message: string
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** Older faults are forgotten. */
const MOST_FAULTS = 16

export class WireStanding {
  readonly #wall: () => number
  readonly #uplinks = new Map<string, Uplink>()
  #alive: readonly string[] = []
  #interfaces: readonly ObservedInterface[] = []
  #faults: readonly WireFault[] = []

  /** @param wall milliseconds since 1970 */
  constructor(wall: () => number) {
    this.#wall = wall
  }

  take(message: FromWire): void {
    switch (message.kind) {
      case 'members':
        this.#alive = message.alive
        return
      case 'interfaces':
        this.#interfaces = message.interfaces
        return
      case 'uplink': {
        const { interface: name, target, reachable } = message
        this.#uplinks.set(`${name} ${target}`, { interface: name, target, reachable })
        return
      }
      case 'fault': {
        const { code, message: text } = message
        this.#faults = [...this.#faults, { code, message: text, atMs: this.#wall() }].slice(-MOST_FAULTS)
      }
    }
  }

  /** Other nodes whose speakers are heard. */
  get alive(): readonly string[] {
    return this.#alive
  }

  get interfaces(): readonly ObservedInterface[] {
    return this.#interfaces
  }

  get uplinks(): readonly Uplink[] {
    return [...this.#uplinks.values()]
  }

  /** The oldest first. */
  get faults(): readonly WireFault[] {
    return this.#faults
  }
}
