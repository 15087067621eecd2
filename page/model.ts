/**
 * What the controller tells the page, as JSON. A message says only what the reader has not been told yet; a section
 * that it names replaces what was known of it, a Service or decision is one of many.
 */

export interface PageMessage {
  /** On the first message of a connection: what is not told again until `isComplete` is gone. */
  readonly isFirst?: true
  /** On the last of the messages that tell everything. */
  readonly isComplete?: true
  readonly about?: About
  readonly pools?: readonly PoolRow[]
  readonly speakers?: readonly SpeakerRow[]
  readonly problems?: readonly ProblemRow[]
  readonly services?: readonly ServiceRow[]
  /** Keys of Services that are no more. */
  readonly gone?: readonly string[]
  /** The oldest first. */
  readonly decisions?: readonly DecisionRow[]
}

/** The replica that tells all this. */
export interface About {
  /** Name of its Pod; '' = outside of a cluster. */
  readonly pod: string
  /** Namespace of the metallb.io resources. */
  readonly namespace: string
  /** false: another one gives out addresses, and knows the decisions. */
  readonly isLeader: boolean
  /** Of those that are told here, at most. */
  readonly decisionsKept: number
  /** What this page would show and cannot read, each with the reason: a right is missing, or it was just started. */
  readonly unread: readonly string[]
}

export interface PoolRow {
  readonly name: string
  /** As the user wrote them. */
  readonly addresses: readonly string[]
  readonly autoAssign: boolean
  readonly ipv4: Fill
  readonly ipv6: Fill
  /** Why it gives out nothing, or nobody hears of it. */
  readonly notes: readonly string[]
}

/** Distinct addresses; large ones are rounded. */
export interface Fill {
  readonly inUse: number
  readonly total: number
}

/** A node, and the speaker on it. */
export interface SpeakerRow {
  readonly node: string
  /** What its ConfigurationState says; `none` = there is none: no speaker has reported from there. */
  readonly configuration: 'Valid' | 'Invalid' | 'Unknown' | 'none'
  /** What of the configuration its speaker cannot put into effect. */
  readonly trouble?: string
  /** What of the node matters to whoever announces: cordoned, not ready. */
  readonly notes: readonly string[]
  readonly sessions: readonly SessionRow[]
}

/** A BGPPeer, as the node told it last. */
export interface SessionRow {
  readonly peer: string
  /** `quiet` = nothing was heard of it since this controller started, nor in the hour before that. */
  readonly state: 'up' | 'down' | 'quiet'
  /** RFC 3339. */
  readonly since?: string
  readonly sentence?: string
}

/** What is wrong with the configuration. */
export interface ProblemRow {
  readonly severity: 'error' | 'waiting' | 'notice'
  /** `IPAddressPool lan`. */
  readonly object: string
  readonly rule: string
  readonly sentence: string
}

/**
 * In the order in which they are shown:
 *
 * - `served`: it has its address, and somebody announces it
 * - `doubtful`: so it is, but something is wrong or missing
 * - `silent`: it has an address that nobody announces
 * - `waiting`: it has none
 * - `leaving`: it is being deleted
 */
export const STANDINGS = ['waiting', 'silent', 'doubtful', 'leaving', 'served'] as const
export type Standing = (typeof STANDINGS)[number]

export interface ServiceRow {
  /** `namespace/name`. */
  readonly key: string
  readonly standing: Standing
  readonly addresses: readonly string[]
  readonly pool?: string
  /** Nodes that answer on layer 2; one, but for a moment. `over`: interfaces, [] = all. */
  readonly answers?: readonly Announcer[]
  /** Nodes that announce routes. `over`: names of BGPPeers. */
  readonly routes?: readonly Announcer[]
  /** Its addresses are used by somebody else, too. */
  readonly conflicts?: readonly Conflict[]
  /** What is wrong or missing; absent where `served`. */
  readonly reason?: Reason
}

export interface Announcer {
  readonly node: string
  readonly over: readonly string[]
}

export interface Conflict {
  /** That saw it. */
  readonly node: string
  readonly sentence: string
}

export interface Reason {
  /** Stable; docs/reasons.md has an entry for each. */
  readonly code: string
  readonly sentence: string
}

export interface DecisionRow {
  /** Counts up from 1 in each replica. */
  readonly number: number
  /** RFC 3339. */
  readonly at: string
  readonly kind: DecisionKind
  /** `namespace/name`. */
  readonly service: string
  readonly sentence: string
}

/** `told` = nothing was changed, but there was something to say. */
export type DecisionKind = 'allocated' | 'refused' | 'moved' | 'released' | 'told'
