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

/** @param before undefined = the first count: nothing is known of a second yet */
export function activityOf(now: Counted, before: Counted | undefined, at: string): NodeActivity {
  const seconds = before === undefined ? 0 : (now.readAtMs - before.readAtMs) / 1_000
  const earlier = new Map((before ?? now).told.addresses.map((one) => [one.ip, one]))
  // A speaker that was started anew counts from nothing again.
  const rate = (count: number, was: number) => (seconds === 0 ? 0 : (count >= was ? count - was : count) / seconds)
  return {
    ...{ node: now.told.node, at },
    addresses: now.told.addresses.map(({ ip, ...counts }) => {
      const was = earlier.get(ip) ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 }
      return {
        address: ip,
        requestsPerSecond: rate(counts.requestsReceived, was.requestsReceived),
        answersPerSecond: rate(counts.responsesSent, was.responsesSent),
        announcementsPerSecond: rate(counts.gratuitousSent, was.gratuitousSent),
      }
    }),
    ignoredPerSecond: rate(now.told.ignored, (before ?? now).told.ignored),
    sessions: now.told.sessions,
  }
}
