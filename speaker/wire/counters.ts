import type { WireCounters } from './messages.ts'

/** Counters of one announced address; they go with it. */
export interface AddressCounters {
  requestsReceived: number
  responsesSent: number
  gratuitousSent: number
}

/** Frames and datagrams that were ignored, by protocol and reason. */
export class IgnoredCounters {
  readonly #counts = new Map<string, number>()

  /** `reason` such as `arp-not-owned`. */
  add(reason: string, count = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count)
  }

  read(): WireCounters['ignored'] {
    return Object.fromEntries(this.#counts)
  }
}
