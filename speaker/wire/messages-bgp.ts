/** The part of messages.ts that is about BGP and BFD. Import it from there. */

/** Where the peer is: its address, or a link on which it is found by its router advertisements (RFC 4861). */
export type PeerTarget =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'interface'; readonly interface: string }

/**
 * How far away the peer may be. `direct`: external peers are one hop away and internal ones anywhere; `multihop`:
 * anywhere; `hops`: at most so many away, and packets from further off are dropped by the kernel (RFC 5082).
 */
export type PeerDistance =
  | { readonly kind: 'direct' }
  | { readonly kind: 'multihop' }
  | { readonly kind: 'hops'; readonly hops: number }

/** BGP Role of ours towards the peer (RFC 9234). */
export type PeerRole = 'provider' | 'route-server' | 'route-server-client' | 'customer' | 'peer'

/** A BFD session that lives and dies with the BGP session of its peer. */
export interface DesiredBfd {
  readonly transmitIntervalMs: number
  readonly receiveIntervalMs: number
  readonly detectMultiplier: number
  /** How often the peer may have echo packets returned; undefined = not at all. */
  readonly echoIntervalMs: number | undefined
  readonly isPassive: boolean
  /** Several hops (RFC 5883): the least TTL of received packets; undefined = 254, the peer is at the next router. */
  readonly minimumTtl: number | undefined
}

/** A router to speak BGP with. Seconds are whole. */
export interface DesiredPeer {
  /** Of the BGPPeer; unique. */
  readonly name: string
  readonly target: PeerTarget
  readonly port: number
  /** The AS that the peer sees. */
  readonly localAsn: number
  readonly remote: { readonly kind: 'asn'; readonly asn: number } | { readonly kind: 'internal' | 'external' }
  /** Dotted quad; undefined = the IPv4 address of our end, else of its interface, else made of the node's name. */
  readonly routerId: string | undefined
  /** 0 = the peer is never given up. */
  readonly holdTimeSeconds: number
  /** undefined = a third of the hold time. */
  readonly keepaliveTimeSeconds: number | undefined
  /** Between attempts to connect; undefined = a growing time. */
  readonly connectTimeSeconds: number | undefined
  /** Both families on the one session; always so where the target is an interface. */
  readonly dualStack: boolean
  readonly distance: PeerDistance
  readonly sourceAddress: string | undefined
  /** VRF device, or another one that the connection is bound to. */
  readonly device: string | undefined
  /** TCP MD5 key (RFC 2385). Never log. */
  readonly password: string | undefined
  /** How long the peer keeps our routes while we are away (RFC 4724); undefined = not at all. */
  readonly restartTimeSeconds: number | undefined
  readonly role: PeerRole | undefined
  /** Refuse a peer that names no role. */
  readonly mustHaveRole: boolean
  /** Never connect, be connected to, on the listening port. */
  readonly isPassive: boolean
  readonly bfd: DesiredBfd | undefined
}

/** All peers of this node; those that are not in the list are ended for good. */
export interface DesiredPeers {
  readonly peers: readonly DesiredPeer[]
  /** TCP port for passive peers; it is opened only where there is one. */
  readonly listenPort: number
  /** This node is to be emptied: its routes are marked so that others win (RFC 8326). */
  readonly isDraining: boolean
}

/** One advertisement's wish for one prefix. */
export interface DesiredRoute {
  /** Canonical text, host bits zero. */
  readonly prefix: string
  /** Name of the BGPAdvertisement. */
  readonly advertisement: string
  /** undefined = unset. */
  readonly localPreference: number | undefined
  readonly communities: readonly number[]
  readonly largeCommunities: readonly (readonly [number, number, number])[]
  /** Names of the peers that get it; undefined = all. */
  readonly peers: readonly string[] | undefined
}

/** Everything that is to be routed to this node for one Service; no routes = nothing. */
export interface ServiceRoutes {
  /** `namespace/name`. */
  readonly key: string
  readonly routes: readonly DesiredRoute[]
}

/**
 * How the BGP sessions end when the speaker leaves. `restart`: it comes back, and peers with graceful restart keep its
 * routes. `shutdown`: it does not; routes are marked (RFC 8326), `drainMs` later they are withdrawn and the sessions
 * closed with the text (RFC 9003).
 */
export type Farewell =
  | { readonly kind: 'restart' }
  | { readonly kind: 'shutdown'; readonly text: string; readonly drainMs: number }

/** RFC 4271 section 8.2.2. */
export type PeerState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established'

export interface ObservedBfd {
  readonly state: 'AdminDown' | 'Down' | 'Init' | 'Up'
  /** Why it last went down, or what keeps it from coming up, in words; undefined = neither is known. */
  readonly because: string | undefined
}

/** How it stands with a peer. Sent when the state, the reason or BFD's state changes. */
export interface ObservedPeer {
  readonly name: string
  /** Of the peer, as dialled; undefined = not found on its link yet. */
  readonly address: string | undefined
  readonly port: number
  /** '' = none. */
  readonly vrf: string
  readonly state: PeerState
  /** Milliseconds since 1970 of the last change between Established and not. */
  readonly sinceMs: number
  /** Why it is not Established, or why it last was not, in words. */
  readonly because: string | undefined
  /** Something that the user should mend although the session may work; in words. */
  readonly notice: string | undefined
  /** What both sides agreed on; undefined unless Established. */
  readonly session: ObservedSession | undefined
  readonly bfd: ObservedBfd | undefined
}

export interface ObservedSession {
  readonly kind: 'internal' | 'external'
  readonly remoteAsn: number
  /** Dotted quads. */
  readonly localIdentifier: string
  readonly remoteIdentifier: string
  readonly localAddress: string
  readonly holdTimeSeconds: number
  readonly keepaliveTimeSeconds: number
  readonly families: readonly ('ipv4-unicast' | 'ipv6-unicast')[]
  /** undefined = the peer does not keep our routes while we restart. */
  readonly gracefulRestartSeconds: number | undefined
}

/** A route as a peer has it, or will. */
export interface ObservedRoute {
  readonly prefix: string
  readonly state: 'announced' | 'pending' | 'withdrawing' | 'not-carried'
  /** Why it is not carried. */
  readonly because: string | undefined
  readonly localPreference: number
  readonly communities: readonly number[]
  readonly largeCommunities: readonly (readonly [number, number, number])[]
  /** Names of the BGPAdvertisements it comes from. */
  readonly advertisements: readonly string[]
}

/** Counters of one peer since its BGPPeer came to this node; gauges where it is said. */
export interface PeerCounters {
  readonly name: string
  readonly address: string | undefined
  readonly port: number
  readonly vrf: string
  /** Gauge. */
  readonly isEstablished: boolean
  /** Gauge: routes that the peer has. */
  readonly announcedPrefixes: number
  /** Gauge: routes that it should have. */
  readonly wantedPrefixes: number
  /** Routes that the peer has announced to us, all sessions together; none is used. */
  readonly receivedPrefixes: number
  readonly sent: MessageCounters
  readonly received: MessageCounters
  readonly bfd: BfdCounters | undefined
}

export interface MessageCounters {
  readonly open: number
  readonly update: number
  readonly notification: number
  readonly keepalive: number
  readonly 'route-refresh': number
}

export interface BfdCounters {
  /** Gauge. */
  readonly isUp: boolean
  readonly controlPacketsReceived: number
  readonly controlPacketsSent: number
  readonly echoPacketsReceived: number
  readonly echoPacketsSent: number
  readonly upEvents: number
  readonly downEvents: number
}
