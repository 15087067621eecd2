/** The vocabulary of the step machine in step.ts: who is alive, as one speaker sees it. */
import type { Segment } from './heartbeat.ts'
import type { Unsealable } from './seal.ts'

/** Another speaker that heartbeats may come from. */
export interface Member {
  /** Kubernetes node name. */
  readonly node: string
  /** Node addresses (canonical text) for unicast where multicast is not heard. */
  readonly addresses: readonly string[]
}

/** A usable interface of this node. */
export interface LocalInterface {
  readonly name: string
  /** Canonical text. */
  readonly mac: string
}

export type Event =
  /** Replaces what was configured before. Keys newest first: the first signs, all verify. This node may be in the list. */
  | { readonly kind: 'configure'; readonly keys: readonly Uint8Array[]; readonly members: readonly Member[] }
  /** All usable interfaces. */
  | { readonly kind: 'interfaces'; readonly interfaces: readonly LocalInterface[] }
  /** `interface`: where a multicast was heard; undefined = it came by unicast. */
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array; readonly interface: string | undefined }
  | { readonly kind: 'timer' }
  | { readonly kind: 'leave' }

/** Why a datagram was not believed. */
export type Ignored = Unsealable | 'own' | 'unknown-member' | 'replayed' | 'older-boot' | 'not-configured'

export type Action =
  | { readonly kind: 'multicast'; readonly interface: string; readonly bytes: Uint8Array }
  | { readonly kind: 'unicast'; readonly address: string; readonly bytes: Uint8Array }
  /** Send a `timer` event at this time; replaces the timer armed before. */
  | { readonly kind: 'arm'; readonly at: number }
  /** Who is alive, this node left out. Sent when it or what they publish changed. */
  | {
      readonly kind: 'members'
      readonly isSettled: boolean
      readonly alive: ReadonlyMap<string, AliveMember>
      /** Node by MAC address (canonical text) of everybody heard so far, dead ones too. */
      readonly nodeOfMac: ReadonlyMap<string, string>
      /** Members that are not heard any more although they never said that they leave. */
      readonly silent: ReadonlySet<string>
      /**
       * Members that may have taken over from us in the meantime: they were taken for dead and are back without having
       * restarted (there was a partition), or this process itself stood still.
       */
      readonly healed: readonly string[]
      /** This process stood still and reads what has waited; when it is done, `healed` names everybody alive. */
      readonly isCatchingUp: boolean
      /** It stood still for so long that the others may have taken it for dead. */
      readonly mayBeBuried: boolean
    }
  /** Interfaces on which this node may announce: usable, listened to for long enough, and not cut off from the others. */
  | { readonly kind: 'announceable'; readonly interfaces: readonly string[] }
  | { readonly kind: 'ignored'; readonly because: Ignored }
  /** The others have been told that this node leaves. */
  | { readonly kind: 'left' }

export interface AliveMember {
  /** Interfaces on which it can announce. */
  readonly interfaces: readonly string[]
}

export interface Options {
  readonly node: string
  /** Gap between heartbeats while members are few. Default DEFAULT_MIN_INTERVAL_MS. */
  readonly minIntervalMs?: number
  /** Start of this speaker in microseconds since 1970. */
  readonly bootId: bigint
}

/** What is known of one member. */
export interface Peer {
  readonly node: string
  addresses: readonly string[]
  /** Not configured, but it has the key: it is new, and the main thread has not heard of it yet, or has forgotten it. */
  isProvisional: boolean
  /** undefined = never heard. */
  bootId: bigint | undefined
  /** Highest sequence number heard by any path. */
  sequence: bigint
  intervalMs: number
  /** When it was last heard, by path: name of our interface, or UNICAST. */
  readonly paths: Map<string, Path>
  /** Last heard by any path. */
  heardAt: number
  isAlive: boolean
  /** Taken for dead although it never said that it leaves. */
  wentSilent: boolean
  isLeaving: boolean
  segments: readonly Segment[]
  /** When it last said that it does not hear our multicast. */
  askedForUnicastAt: number
  /** When we last asked it to answer at once. */
  askedUrgentlyAt: number
  /** It asked us to answer at once, and has not been answered. */
  isWaiting: boolean
}

export interface Path {
  sequence: bigint
  heardAt: number
}

/** Not the name of any interface: those have no blanks. */
export const UNICAST = 'by unicast'

/** One of our interfaces. */
export interface Local {
  readonly name: string
  readonly mac: string
  /** When it became usable: from then on we listen. */
  readonly since: number
  /** Whether some member was ever heard there. */
  hasHeard: boolean
}

/** Changed in place by `step`, as a datagram comes for every member every few milliseconds. */
export interface State {
  readonly options: Options
  keys: readonly Uint8Array[]
  readonly peers: Map<string, Peer>
  locals: readonly Local[]
  configuredAt: number | undefined
  isSettled: boolean
  sequence: bigint
  nextSendAt: number | undefined
  armedAt: number | undefined
  /** Whose silence the timer waits for; undefined = for the next heartbeat of ours. */
  armedFor: Peer | undefined
  /** No member is declared dead before this: we were deaf ourselves. */
  judgeNotBefore: number
  /** Set while we read what waited for us while we stood still. */
  catchingUpUntil: number | undefined
  mayBeBuried: boolean
  leaving: { copiesLeft: number } | undefined
  /** Interfaces that are cut off from their segment: not published, not announced on. */
  cutOff: readonly string[]
  announceable: readonly string[]
}

/** A speaker that is not configured yet. */
export function initial(options: Options): State {
  return {
    options,
    keys: [],
    peers: new Map(),
    locals: [],
    configuredAt: undefined,
    isSettled: false,
    sequence: 0n,
    nextSendAt: undefined,
    armedAt: undefined,
    armedFor: undefined,
    judgeNotBefore: Number.NEGATIVE_INFINITY,
    catchingUpUntil: undefined,
    mayBeBuried: false,
    leaving: undefined,
    cutOff: [],
    announceable: [],
  }
}

export function newPeer({ node, addresses }: Member): Peer {
  return {
    node,
    addresses,
    isProvisional: false,
    bootId: undefined,
    sequence: 0n,
    intervalMs: 0,
    paths: new Map(),
    heardAt: Number.NEGATIVE_INFINITY,
    isAlive: false,
    wentSilent: false,
    isLeaving: false,
    segments: [],
    askedForUnicastAt: Number.NEGATIVE_INFINITY,
    askedUrgentlyAt: Number.NEGATIVE_INFINITY,
    isWaiting: false,
  }
}
