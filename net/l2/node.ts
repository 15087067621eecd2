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
  /** Members that are not heard any more although they never said that they leave. Absent = none. */
  readonly silent?: ReadonlySet<string>
  /** Members that are back without having restarted: they may have answered for our addresses meanwhile. */
  readonly healed: readonly string[]
  /**
   * This process stood still, and reads now what has waited: others have answered meanwhile. Until it says so no more,
   * nothing is announced. Absent = false.
   */
  readonly isCatchingUp?: boolean
  /**
   * With `isCatchingUp`: it stood still for so long that the others may have taken it for dead. What others own by now is
   * let go of at once, without handover. Absent = false.
   */
  readonly mayBeBuried?: boolean
}

export type Event =
  /** A list of any length; it is worked off in pieces. */
  | {
      readonly kind: 'desired'
      /** Services that are not mentioned are withdrawn. */
      readonly isComplete: boolean
      /**
       * It was desired once, and nobody knows whether it still is: an address is another's to keep that is found
       * answering for it, until a list that is not outdated names the address. Absent = false.
       */
      readonly isOutdated?: boolean
      readonly services: readonly WantedService[]
    }
  | { readonly kind: 'members'; readonly members: Members }
  /**
   * All usable interfaces by name, each with what neighbours learn of it (its MAC, and its link-local address where
   * that matters) as opaque text: when the text changes, they are told anew.
   */
  | { readonly kind: 'interfaces'; readonly usable: ReadonlyMap<string, string> }
  /** Another station was seen using an address that this node holds or watches (actions `own` and `watch`). */
  | {
      readonly kind: 'claim'
      readonly ip: string
      readonly interface: string
      readonly mac: string
      /** It only asks whether the address is free: an ARP probe, or a solicitation of duplicate address detection. */
      readonly isProbe?: boolean
    }
  | { readonly kind: 'timer' }
  /** Give everything to successors; `released` follows when nothing is held any more. */
  | { readonly kind: 'leave' }

export type OwnershipReason =
  | { readonly kind: 'elected' }
  | { readonly kind: 'lost-election'; readonly owner: string }
  | { readonly kind: 'not-a-candidate' }
  | { readonly kind: 'no-usable-interface'; readonly wanted: readonly string[] | undefined }
  | { readonly kind: 'waiting-for-members' }
  /** Elected; the address is new, and the segment is being asked whether somebody has it. */
  | { readonly kind: 'probing' }
  /** Elected, but a station that is no member answered the probe: not announced. Asked again at growing gaps. */
  | { readonly kind: 'address-in-use'; readonly mac: string; readonly interface: string }
  /** Not the owner any more; still answers, until the successor has announced. */
  | { readonly kind: 'handing-over'; readonly to: string }
  /** Would own the address, were it not about to stop. */
  | { readonly kind: 'leaving' }

export type Action =
  /** Answer for the address on exactly these interfaces from now on. Replaces what was said of the address before. */
  | { readonly kind: 'own'; readonly ip: string; readonly interfaces: readonly string[] }
  /**
   * Do not answer for the address, but report who else claims it on exactly these interfaces. Replaces what was said of
   * the address before, as `own` does.
   */
  | { readonly kind: 'watch'; readonly ip: string; readonly interfaces: readonly string[] }
  /** Neither answer nor watch any more. */
  | { readonly kind: 'disown'; readonly ip: string }
  /**
   * Ask the segment once, now, who has the address: an ARP probe with sender 0.0.0.0 (RFC 5227 section 2.1.1), or a
   * Neighbor Solicitation from :: (RFC 4862 section 5.4.2). Answers come back as `claim`.
   */
  | { readonly kind: 'probe'; readonly ip: string; readonly interface: string }
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
  /**
   * A station that is no member uses an address of ours: for the operator. `announcing`: this node answers as well, and
   * goes on; at most once in DEFEND_INTERVAL_MS. `probing`: found before the first announcement, which is left undone.
   */
  | {
      readonly kind: 'conflict'
      readonly ip: string
      readonly interface: string
      readonly mac: string
      readonly phase: 'announcing' | 'probing'
    }
  /** No stranger has been seen with the address for `conflictOverMs`, or it is not ours to answer for any more. */
  | { readonly kind: 'conflict-over'; readonly ip: string }
  /** The last answer to `leave`. */
  | { readonly kind: 'released' }

export interface Options {
  /** Name of this node, as in candidate lists. */
  readonly node: string
  /** Gap between rounds after the burst; 0 = no rounds then. */
  readonly refreshIntervalMs: number
  /**
   * Rounds sent in each PACE_MS at most, by all nodes together that announce at the time; see pace.ts. A round is two
   * small frames, and a port of 100 Mbit/s with a queue of a thousand passes on 1,488 of them in that time.
   */
  readonly roundsPerTick: number
  /** How long a loser keeps answering, at most, while it waits to hear its successor announce. */
  readonly handoverMs: number
  /** The same for a node that leaves: its process is about to be ended. */
  readonly leaveMs: number
  /** Ask the segment before an address is announced for the first time. */
  readonly isProbing: boolean
  /** A conflict is over when no stranger was seen with the address for so long. */
  readonly conflictOverMs: number
}

export const DEFAULT_OPTIONS: Omit<Options, 'node'> = {
  refreshIntervalMs: 0,
  roundsPerTick: 100,
  handoverMs: 10_000,
  leaveMs: 1000,
  isProbing: true,
  conflictOverMs: 60_000,
}
