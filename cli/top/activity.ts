/** What a speaker does a second, from two of its counts. Pure. */
import type { SessionRow } from '../nodes.ts'

/** As the speaker's socket tells it: counts since it started. */
export interface ToldActivity {
  readonly node: string
  readonly addresses: readonly {
    readonly ip: string
    readonly requestsReceived: number
    readonly responsesSent: number
    readonly gratuitousSent: number
  }[]
  readonly ignored: number
  readonly sessions: readonly SessionRow[]
}

/** One line of `invarctl top --local -o json`. */
export interface NodeActivity {
  readonly node: string
  /** RFC 3339. */
  readonly at: string
  /** That it has answered for or announced. */
  readonly addressCount: number
  /** Of all of them. */
  readonly requestsPerSecond: number
  readonly answersPerSecond: number
  /** The busiest. */
  readonly addresses: readonly AddressActivity[]
  /** Frames and datagrams that were not for it. */
  readonly ignoredPerSecond: number
  readonly sessions: readonly SessionRow[]
}

export interface AddressActivity {
  readonly address: string
  /** ARP and NDP. */
  readonly requestsPerSecond: number
  readonly answersPerSecond: number
  readonly announcementsPerSecond: number
}

/** Counts with the moment when they were read, in milliseconds of any clock that does not jump. */
export interface Counted {
  readonly told: ToldActivity
  readonly readAtMs: number
}

/** A speaker may have thousands of addresses, and a screen has fifty lines. */
const MOST_ADDRESSES = 100

/** @param before undefined = the first count: nothing is known of a second yet */
export function activityOf(now: Counted, before: Counted | undefined, at: string): NodeActivity {
  const seconds = before === undefined ? 0 : (now.readAtMs - before.readAtMs) / 1_000
  // A speaker that was started anew counts from nothing again.
  const rate = (count: number, was: number) => (seconds === 0 ? 0 : (count >= was ? count - was : count) / seconds)
  const earlier = new Map((before ?? now).told.addresses.map((one) => [one.ip, one]))
  const addresses = now.told.addresses.map(({ ip, ...counts }): AddressActivity => {
    const was = earlier.get(ip) ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 }
    return {
      address: ip,
      requestsPerSecond: rate(counts.requestsReceived, was.requestsReceived),
      answersPerSecond: rate(counts.responsesSent, was.responsesSent),
      announcementsPerSecond: rate(counts.gratuitousSent, was.gratuitousSent),
    }
  })
  return {
    ...{ node: now.told.node, at, addressCount: addresses.length },
    requestsPerSecond: addresses.reduce((sum, one) => sum + one.requestsPerSecond, 0),
    answersPerSecond: addresses.reduce((sum, one) => sum + one.answersPerSecond, 0),
    addresses: addresses.sort(busiestFirst).slice(0, MOST_ADDRESSES),
    ignoredPerSecond: rate(now.told.ignored, (before ?? now).told.ignored),
    sessions: now.told.sessions,
  }
}

/** Those that are asked for most; among equals by address. */
export function busiestFirst(
  a: { readonly address: string; readonly requestsPerSecond: number },
  b: { readonly address: string; readonly requestsPerSecond: number },
): number {
  return b.requestsPerSecond - a.requestsPerSecond || (a.address < b.address ? -1 : 1)
}
