/** What the four routers have in common: how one is asked for, and what can be asked of it. */
import type { Namespace } from '../netns.ts'

export const ROUTER_KINDS = ['frr', 'bird', 'gobgp', 'exabgp'] as const

export type RouterKind = (typeof ROUTER_KINDS)[number]

/** A router's settings; what the router cannot do is refused when it is started. */
export interface RouterOptions {
  /** Where its daemons run. */
  readonly namespace: Namespace
  readonly asn: number
  /** Dotted quad. */
  readonly routerId: string
  readonly neighbors: readonly NeighborOptions[]
  /** Prefixes that it announces itself. */
  readonly networks?: readonly string[]
  /** BIRD: the routes stay out of its FIB. */
  readonly isCollector?: boolean
  /** FRR: a whole configuration, in the place of the example in docs/routers with the settings above. */
  readonly configuration?: string
}

export interface NeighborOptions {
  /** The neighbor's address, or for an unnumbered one the name of the interface. */
  readonly address: string
  /** `address` is the name of an interface: the neighbor is found there by its router advertisements. */
  readonly isUnnumbered?: boolean
  /** Ours towards it. */
  readonly localAddress: string
  readonly asn: number
  /** Default: the family of its address. */
  readonly families?: readonly ('ipv4' | 'ipv6')[]
  /** The router calls the neighbor; default: it waits to be called. */
  readonly connects?: boolean
  /** Of the neighbor, where the router calls it; default 179. */
  readonly port?: number
  /** TCP MD5 (RFC 2385). */
  readonly password?: string
  /** The neighbor is external and at most so many hops away. */
  readonly multihop?: number
  /** The neighbor is at most so many hops away, and what comes from further off is dropped (RFC 5082). */
  readonly securityHops?: number
  /** Default 9, and 3 between keepalives. */
  readonly holdTimeSeconds?: number
  readonly bfd?: BfdOptions
  /** Keeps the neighbor's routes while it restarts (RFC 4724). */
  readonly gracefulRestart?: boolean
  /** Ends the session when the neighbor announces more. */
  readonly maxPrefixes?: number
  /** Of the router (RFC 9234). */
  readonly role?: 'provider' | 'customer' | 'peer'
  /** Refuses a neighbor that names no role. */
  readonly requiresRole?: boolean
}

export interface BfdOptions {
  readonly intervalMs: number
  readonly multiplier: number
}

/** A path that a neighbor announced. */
export interface Route {
  readonly prefix: string
  /** IPv6 ones with their link-local address, where the router tells it. */
  readonly nextHops: readonly string[]
  readonly asPath: readonly number[]
  /** `64512:100`; the well-known ones too are in figures. */
  readonly communities: readonly string[]
  /** `64512:1:2` */
  readonly largeCommunities: readonly string[]
  /** As the router uses it; undefined = it does not tell. */
  readonly localPreference: number | undefined
  readonly med: number | undefined
  /** Kept for a neighbor that restarts; undefined = the router does not tell. */
  readonly isStale: boolean | undefined
}

export interface Neighbor {
  readonly isEstablished: boolean
  /** The router's own words. */
  readonly state: string
  /** Prefixes from it. */
  readonly received: number
  /** undefined: no BFD with this neighbor. */
  readonly bfd: 'up' | 'down' | undefined
  /** The reason for the last end of a session in the router's own words. */
  readonly lastError: string | undefined
}

/** A router that runs. */
export interface Router {
  readonly kind: RouterKind
  /** Name and version as the program tells it. */
  readonly version: string
  /** Of its daemons; the first one speaks BGP. */
  readonly pids: readonly number[]
  /** All paths from neighbors, by prefix. */
  routes(): Promise<readonly Route[]>
  /** By the address that it was configured with. */
  neighbor(address: string): Promise<Neighbor>
  /** Asks a neighbor to send its routes again (RFC 2918). */
  refresh(address: string): Promise<void>
  /** Takes other settings without a restart; the namespace stays. */
  reconfigure(options: RouterOptions): Promise<void>
  /** SIGSTOP and SIGCONT for the daemon that speaks BGP. */
  freeze(): void
  thaw(): void
  /** SIGKILL for all daemons. */
  kill(): Promise<void>
  /** Ends it in order and removes its files. */
  stop(): Promise<void>
  /** What its daemons logged, for the message of a failed test. */
  log(): string
  [Symbol.asyncDispose](): Promise<void>
}

/** By prefix, for comparisons. */
export function byPrefix(routes: readonly Route[]): readonly Route[] {
  return routes.toSorted((a, b) => (a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : 0))
}

const WELL_KNOWN: Readonly<Record<string, string>> = {
  'graceful-shutdown': '65535:0',
  gracefulShutdown: '65535:0',
  'no-export': '65535:65281',
  noExport: '65535:65281',
  'no-advertise': '65535:65282',
  noAdvertise: '65535:65282',
  'local-AS': '65535:65283',
  localAs: '65535:65283',
  'no-peer': '65535:65284',
  noPeer: '65535:65284',
  blackhole: '65535:666',
}

/** `no-export` and the like in figures; what is in figures already stays. */
export function communityInFigures(community: string): string {
  return WELL_KNOWN[community] ?? community
}
