/** What `invarctl top` shows at one moment. Pure. */
import type { SessionRow } from '../nodes.ts'
import { busiestFirst, type NodeActivity } from './activity.ts'

export interface Frame {
  /** RFC 3339. */
  readonly at: string
  readonly speakers: readonly SpeakerLine[]
  /** The busiest first. */
  readonly addresses: readonly AddressLine[]
  /** The newest first. */
  readonly decisions: readonly DecisionLine[]
  /** What cannot be shown, and why. */
  readonly notes: readonly string[]
}

export interface SpeakerLine {
  readonly node: string
  /** Absent = it answers. */
  readonly because?: string
  /** That it answers for. */
  readonly addresses: number
  readonly requestsPerSecond: number
  readonly answersPerSecond: number
  readonly ignoredPerSecond: number
  readonly sessions: readonly SessionRow[]
}

export interface AddressLine {
  readonly address: string
  readonly services: readonly string[]
  /** Whose speakers have answered for it, or announced it. */
  readonly nodes: readonly string[]
  readonly requestsPerSecond: number
  readonly answersPerSecond: number
}

export interface DecisionLine {
  /** RFC 3339. */
  readonly at: string
  readonly object: string
  readonly reason: string
  readonly message: string
}

/** What is known at that moment. */
export interface Known {
  readonly at: string
  /** By node; a text = why it does not answer. */
  readonly speakers: ReadonlyMap<string, NodeActivity | string>
  /** Services by address. */
  readonly services: ReadonlyMap<string, readonly string[]>
  readonly decisions: readonly DecisionLine[]
  readonly notes: readonly string[]
}

const MOST_DECISIONS = 10

export function frameOf({ at, speakers, services, decisions, notes }: Known): Frame {
  const addresses = new Map<string, AddressLine>()
  for (const [node, activity] of speakers) {
    if (typeof activity === 'string') continue
    for (const { address, requestsPerSecond, answersPerSecond } of activity.addresses) {
      const line = addresses.get(address)
      addresses.set(address, {
        address,
        services: services.get(address) ?? [],
        nodes: [...(line?.nodes ?? []), node],
        requestsPerSecond: (line?.requestsPerSecond ?? 0) + requestsPerSecond,
        answersPerSecond: (line?.answersPerSecond ?? 0) + answersPerSecond,
      })
    }
  }
  return {
    at,
    speakers: [...speakers].map(([node, activity]) => speakerLine(node, activity)).sort(byNode),
    addresses: [...addresses.values()].sort(busiestFirst),
    decisions: decisions.toSorted((a, b) => (a.at < b.at ? 1 : -1)).slice(0, MOST_DECISIONS),
    notes,
  }
}

function byNode(a: SpeakerLine, b: SpeakerLine): number {
  return a.node < b.node ? -1 : 1
}

function speakerLine(node: string, activity: NodeActivity | string): SpeakerLine {
  if (typeof activity === 'string') {
    const nothing = { addresses: 0, requestsPerSecond: 0, answersPerSecond: 0, ignoredPerSecond: 0, sessions: [] }
    return { node, because: activity, ...nothing }
  }
  const { addressCount, requestsPerSecond, answersPerSecond, ignoredPerSecond, sessions } = activity
  return { node, addresses: addressCount, requestsPerSecond, answersPerSecond, ignoredPerSecond, sessions }
}
