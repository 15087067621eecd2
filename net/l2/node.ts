/**
 * Who answers for which address, and when the neighbours are told: the vocabulary of the step machine in step.ts.
 * One machine stands for the whole node: what it knows is what the main thread desires, who is alive, and which
 * interfaces can be used.
 */

/** One address that some node is to answer for. */
export interface WantedAddress {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly ip: string
  /** Nodes that may answer, best first: the first one alive that has a usable interface owns the address. */
  readonly candidates: readonly string[]
  /** Interfaces to answer on; undefined = all usable ones. */
  readonly interfaces: readonly string[] | undefined
}

export interface WantedService {
  readonly key: string
  readonly layer2: readonly WantedAddress[]
}

/** What heartbeats tell of a node that is alive. */
export interface AliveMember {
  /** Interfaces it can announce on; undefined = unknown, taken as all. */
  readonly interfaces: readonly string[] | undefined
}

export interface Members {
  /** False until membership has listened long enough to know who is there: until then nothing is claimed. */
  readonly isSettled: boolean
  /** Everybody alive but this node. undefined = nobody watches, every candidate is taken as alive. */
  readonly alive: ReadonlyMap<string, AliveMember> | undefined
  /**
   * Node by MAC address (canonical text) of all members heard so far, dead ones too: claims from these addresses are a
   * member's, not a stranger's.
   */
  readonly nodeOfMac?: ReadonlyMap<string, string>
  /** Members that are back without having restarted: they may have answered for our addresses meanwhile. */
  readonly healed: readonly string[]
}

export type Event =
  | { readonly kind: 'desired'; readonly isComplete: boolean; readonly services: readonly WantedService[] }
  | { readonly kind: 'members'; readonly members: Members }
  /**
   * All usable interfaces by name, each with what neighbours learn of it (its MAC, and its link-local address where
   * that matters) as opaque text: when the text changes, they are told anew.
   */
  | { readonly kind: 'interfaces'; readonly usable: ReadonlyMap<string, string> }
  /** Another station was seen claiming an address that this node holds. */
  | { readonly kind: 'claim'; readonly ip: string; readonly interface: string; readonly mac: string }
  | { readonly kind: 'timer' }
  /** Give everything to successors; `released` follows when nothing is held any more. */
  | { readonly kind: 'leave' }

export type OwnershipReason =
  | { readonly kind: 'elected' }
  | { readonly kind: 'lost-election'; readonly owner: string }
  | { readonly kind: 'not-a-candidate' }
  | { readonly kind: 'no-usable-interface'; readonly wanted: readonly string[] | undefined }
  | { readonly kind: 'waiting-for-members' }

export type Action =
  /** Answer for the address on exactly these interfaces from now on. Replaces what was said of the address before. */
  | { readonly kind: 'own'; readonly ip: string; readonly interfaces: readonly string[] }
  /** Answer no more. */
  | { readonly kind: 'disown'; readonly ip: string }
  /** Tell the neighbours on the interface, one round, now. */
  | { readonly kind: 'announce'; readonly ip: string; readonly interface: string }
  /** Send a `timer` event at this time; replaces the timer armed before. */
  | { readonly kind: 'arm'; readonly at: number }
  /** Whether and why this node answers, once per Service that wants the address; only when it changed. */
  | {
      readonly kind: 'ownership'
      readonly key: string
      readonly ip: string
      readonly owned: boolean
      readonly interfaces: readonly string[]
      readonly reason: OwnershipReason
    }
  /** A station that is no member uses an address of ours: for the operator. At most once in DEFEND_INTERVAL_MS. */
  | { readonly kind: 'conflict'; readonly ip: string; readonly interface: string; readonly mac: string }
  /** The last answer to `leave`. */
  | { readonly kind: 'released' }

export interface Options {
  /** Name of this node, as in candidate lists. */
  readonly node: string
  /** Gap between rounds after the burst; 0 = no rounds then. */
  readonly refreshIntervalMs: number
  /** Rounds sent in each PACE_MS at most: a queue of a thousand must not overrun the socket. */
  readonly roundsPerTick: number
  /** How long a loser keeps answering while it waits to hear its successor announce. */
  readonly handoverMs: number
}

export const DEFAULT_OPTIONS: Omit<Options, 'node'> = {
  refreshIntervalMs: 0,
  roundsPerTick: 100,
  handoverMs: 1000,
}
