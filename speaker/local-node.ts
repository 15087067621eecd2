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
}

export interface LocalNode {
  readonly ready: boolean
  /** Absent where it is ready. */
  readonly waitsFor?: string
  readonly alive: readonly string[]
  readonly interfaces: readonly ObservedInterface[]
  readonly uplinks: readonly Uplink[]
  readonly faults: readonly WireFault[]
  readonly kernel: NodeFacts
}

export function localNode({ standing, ready, readFacts }: LocalNodeSource): LocalNode {
  const { alive, interfaces, uplinks, faults } = standing
  const check = ready()
  const waits = check.ok ? {} : { waitsFor: check.because }
  return { ready: check.ok, ...waits, alive, interfaces, uplinks, faults, kernel: readFacts() }
}

/** Counters since the speaker started; what changes between two answers is what happened meanwhile. */
export interface LocalActivity {
  readonly addresses: WireCounters['addresses']
  readonly ignored: number
  readonly sessions: readonly { readonly peer: string; readonly state: ObservedPeer['state'] }[]
}

/** undefined = the wire thread does not answer. */
export async function localActivity({ peers, readCounters }: LocalNodeSource): Promise<LocalActivity | undefined> {
  const counters = await readCounters()
  if (counters === undefined) return undefined
  const ignored = Object.values(counters.ignored).reduce((sum, count) => sum + count, 0)
  const sessions = [...peers()].map(({ name, state }) => ({ peer: name, state }))
  return { addresses: counters.addresses, ignored, sessions: sessions.sort((a, b) => (a.peer < b.peer ? -1 : 1)) }
}
