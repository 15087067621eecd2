/** What the local socket says of the node and of what the speaker does there: `invarctl nodes` and `top` read it. */
import type { Check } from '../runtime/http.ts'
import type { NodeFacts } from './node-facts.ts'
import type { ObservedInterface, ObservedPeer, WireCounters } from './wire/messages.ts'
import type { Uplink, WireFault } from './wire-standing.ts'

export interface LocalNodeSource {
  readonly standing: {
    readonly alive: readonly string[]
    readonly interfaces: readonly ObservedInterface[]
    readonly uplinks: readonly Uplink[]
    readonly faults: readonly WireFault[]
  }
  /** Whether it works, or what it waits for. */
  readonly ready: Check
  readonly readFacts: () => NodeFacts
  readonly peers: () => Iterable<ObservedPeer>
  /** undefined = no answer in time. */
  readonly readCounters: () => Promise<WireCounters | undefined>
  /** The text that a scraper reads. */
  readonly readMetrics: () => Promise<string>
}

export interface LocalNode {
  readonly ready: boolean
  /** Absent where it is ready. */
  readonly waitsFor?: string
  readonly alive: readonly string[]
  readonly interfaces: readonly ObservedInterface[]
  readonly uplinks: readonly Uplink[]
  readonly faults: readonly WireFault[]
  readonly sessions: readonly LocalSession[]
  readonly kernel: NodeFacts
}

/** With a BGP peer. */
export interface LocalSession {
  readonly peer: string
  readonly state: ObservedPeer['state']
  /** Why it is not Established, where that is known. */
  readonly because?: string
}

export function localNode({ standing, ready, readFacts, peers }: LocalNodeSource): LocalNode {
  const { alive, interfaces, uplinks, faults } = standing
  const check = ready()
  const waits = check.ok ? {} : { waitsFor: check.because }
  const sessions = sessionsOf(peers())
  return { ready: check.ok, ...waits, alive, interfaces, uplinks, faults, sessions, kernel: readFacts() }
}

/** By name of the peer. */
function sessionsOf(peers: Iterable<ObservedPeer>): readonly LocalSession[] {
  const sessions = [...peers].map(({ name, state, because }) => {
    const isDown = state !== 'Established' && because !== undefined
    return { peer: name, state, ...(isDown ? { because } : {}) }
  })
  return sessions.sort((a, b) => (a.peer < b.peer ? -1 : 1))
}

/** Counters since the speaker started; what changes between two answers is what happened meanwhile. */
export interface LocalActivity {
  readonly addresses: WireCounters['addresses']
  readonly ignored: number
  readonly sessions: readonly LocalSession[]
}

/** undefined = the wire thread does not answer. */
export async function localActivity({ peers, readCounters }: LocalNodeSource): Promise<LocalActivity | undefined> {
  const counters = await readCounters()
  if (counters === undefined) return undefined
  const ignored = Object.values(counters.ignored).reduce((sum, count) => sum + count, 0)
  return { addresses: counters.addresses, ignored, sessions: sessionsOf(peers()) }
}
