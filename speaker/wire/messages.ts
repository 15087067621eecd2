/**
 * All that crosses between the main thread and the wire thread; both sides see nothing else of each other.
 * Every value survives structuredClone. No Kubernetes type crosses.
 *
 * Desired state crosses a Service at a time (an entry replaces all that was said of that key before), because with
 * 10,000 Services a full copy on each change would cost more than the change; a `complete` message starts over:
 * what it does not mention is withdrawn.
 */
import type {
  DesiredPeers,
  Farewell,
  ObservedPeer,
  ObservedRoute,
  PeerCounters,
  ServiceRoutes,
} from './messages-bgp.ts'

export type * from './messages-bgp.ts'

/** One address that some node on the segment is to answer for. */
export interface DesiredAddress {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly ip: string
  /**
   * Nodes that may answer, best first: the first one alive owns the address. Every speaker computes the same list.
   * A node that is not in the list never answers.
   */
  readonly candidates: readonly string[]
  /** Names of the interfaces to answer on; undefined = all usable ones. */
  readonly interfaces: readonly string[] | undefined
}

/** Everything desired for one Service; no addresses = nothing to announce. */
export interface DesiredService {
  /** `namespace/name`. */
  readonly key: string
  readonly layer2: readonly DesiredAddress[]
}

/** Another speaker that heartbeats may come from. */
export interface DesiredMember {
  /** Kubernetes node name. */
  readonly node: string
  /** Node addresses (canonical text) for unicast heartbeats where multicast is not heard. */
  readonly addresses: readonly string[]
}

/** Whether a segment still leads somewhere is learned from ICMP echoes to these. */
export interface GatewayProbe {
  /** `default-gateway`: those of the main routing table, by interface; else addresses in canonical text. */
  readonly targets: 'default-gateway' | readonly string[]
  readonly intervalMs: number
  /** So many echoes without an answer in a row, and the interface's uplink is taken for lost. */
  readonly missedLimit: number
}

export interface DesiredMembership {
  /** UDP port of heartbeats. */
  readonly port: number
  /** Secret bytes for HMAC-SHA256, newest first: the first signs, all verify. Never log. */
  readonly keys: readonly Uint8Array[]
  readonly members: readonly DesiredMember[]
}

/** Main thread → wire thread. */
export type ToWire =
  /** The first message: who this is. Nothing is opened before it; `ready` follows. */
  | {
      readonly kind: 'start'
      /** Kubernetes node name, as in candidate lists. */
      readonly node: string
      /** Gap between announcements of an address after the burst of a takeover; 0 = none. */
      readonly refreshIntervalMs: number
      /** Ask the wire whether a new address is in use before it is announced for the first time. */
      readonly probeNewAddresses: boolean
      /** undefined = carrier is all that is looked at. */
      readonly gatewayProbe: GatewayProbe | undefined
    }
  | {
      readonly kind: 'desired'
      /** true: Services not mentioned are withdrawn. */
      readonly complete: boolean
      /** From an earlier life, without knowing whether it still holds: whoever answers by now is to keep the address. */
      readonly isOutdated?: boolean
      readonly services: readonly DesiredService[]
    }
  /** undefined: nobody watches who is alive, every candidate counts. Until the first such message nothing is claimed. */
  | { readonly kind: 'membership'; readonly membership: DesiredMembership | undefined }
  /** Unanchored regular expressions; any match excludes the interface. */
  | { readonly kind: 'exclude-interfaces'; readonly patterns: readonly string[] }
  /** Leave: tell the others, hand over, then answer `left` and exit. BGP sessions end as said, else as for a restart. */
  | { readonly kind: 'leave'; readonly farewell?: Farewell }
  /** All BGP peers; until the first such message none is spoken to. */
  | { readonly kind: 'peers'; readonly desired: DesiredPeers }
  /** What BGP announces. After the first complete one peers are told that they know everything (End-of-RIB). */
  | {
      readonly kind: 'routes'
      /** true: Services not mentioned are withdrawn. */
      readonly complete: boolean
      readonly services: readonly ServiceRoutes[]
    }
  /** What the peer has been told; answered by `peer-routes`, in parts. */
  | { readonly kind: 'read-routes'; readonly id: number; readonly peer: string }
  /** Who on the wire answers for the address; answered by `answers` when the time is over. */
  | { readonly kind: 'ask'; readonly id: number; readonly ip: string; readonly timeoutMs: number }
  /** Answered by `pong`: how the main thread knows that the wire thread's loop turns. */
  | { readonly kind: 'ping'; readonly id: number }
  /** Answered by `counters`. */
  | { readonly kind: 'read-counters'; readonly id: number }

/** Why this node does or does not answer for an address. */
export type OwnershipReason =
  | { readonly kind: 'elected' }
  | { readonly kind: 'lost-election'; readonly owner: string }
  | { readonly kind: 'not-a-candidate' }
  | { readonly kind: 'no-usable-interface'; readonly wanted: readonly string[] | undefined }
  | { readonly kind: 'waiting-for-members' }
  /** Elected; the address is new, and the segment is being asked whether somebody has it. Not answered for yet. */
  | { readonly kind: 'probing' }
  /** Elected, but a station that is no member answered the probe: not announced. Asked again at growing gaps. */
  | { readonly kind: 'address-in-use'; readonly mac: string; readonly interface: string }
  /** Not the owner any more; still answers (`owned` is true), until the successor has announced. */
  | { readonly kind: 'handing-over'; readonly to: string }
  /** Would own the address, were it not about to stop. */
  | { readonly kind: 'leaving' }

/** This node began or ceased to answer for an address of a Service, or the reason changed. */
export interface OwnershipChange {
  readonly key: string
  readonly ip: string
  readonly owned: boolean
  readonly interfaces: readonly string[]
  readonly reason: OwnershipReason
}

/** Wire thread → main thread. */
export type FromWire =
  | { readonly kind: 'ready' }
  /** All that changed since the last such message; each address of each Service at most once. */
  | { readonly kind: 'ownership'; readonly changes: readonly OwnershipChange[] }
  | { readonly kind: 'members'; readonly alive: readonly string[] }
  | { readonly kind: 'interfaces'; readonly interfaces: readonly ObservedInterface[] }
  /** Somebody else answers for an address that this node announces, or would announce. */
  | {
      readonly kind: 'conflict'
      readonly ip: string
      readonly interface: string
      readonly mac: string
      readonly phase: 'announcing' | 'probing'
    }
  /** Nobody else was heard with the address for a while, or it is no longer this node's to announce. */
  | { readonly kind: 'conflict-over'; readonly ip: string }
  /** The uplink behind an interface was lost or is back, as far as this target shows. */
  | { readonly kind: 'uplink'; readonly interface: string; readonly reachable: boolean; readonly target: string }
  /** All that answered for the address of `ask`, in the order of arrival. */
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly Answer[] }
  /** Something that needs the operator: a socket that cannot be opened, for example. Names cause and remedy. */
  | { readonly kind: 'fault'; readonly code: string; readonly message: string }
  | { readonly kind: 'pong'; readonly id: number }
  | { readonly kind: 'counters'; readonly id: number; readonly counters: WireCounters }
  | { readonly kind: 'left' }
  | { readonly kind: 'peer'; readonly peer: ObservedPeer }
  /** The peer is no longer desired and its session has ended. */
  | { readonly kind: 'peer-gone'; readonly name: string }
  /** A part of the answer, in no order; `routes` is undefined where there is no session with that peer (any more). */
  | {
      readonly kind: 'peer-routes'
      readonly id: number
      readonly routes: readonly ObservedRoute[] | undefined
      readonly isLast: boolean
    }

/** A station that answers for an address. */
export interface Answer {
  /** On which it was heard. */
  readonly interface: string
  readonly mac: string
  /** Since the first question; 0 for this node itself. */
  readonly afterMs: number
}

export interface ObservedInterface {
  readonly name: string
  readonly mac: string
  /** Usable for announcing, or the reason why not. */
  readonly usable: boolean
  readonly because: string | undefined
}

export interface WireCounters {
  /** Per announced address: queries received, replies sent, unsolicited packets sent. */
  readonly addresses: readonly {
    readonly ip: string
    readonly requestsReceived: number
    readonly responsesSent: number
    readonly gratuitousSent: number
  }[]
  /** Datagrams and frames ignored, by reason. */
  readonly ignored: Readonly<Record<string, number>>
  /** By name. */
  readonly peers: readonly PeerCounters[]
}
