/**
 * What the rest of the program knows of the configuration: one frozen Snapshot, compiled from all resources at once.
 * No field here is raw user text: names, selectors, durations and communities are resolved.
 */
import type { Family, Range } from '../../net/ip/index.ts'
import type { PeerRole } from './peer-annotations.ts'
import type { Problem } from './problem.ts'
import type { Selector } from './selector.ts'

/** Identity of an object in the cluster: `{ kind: 'IPAddressPool', namespace: 'metallb-system', name: 'web' }`. */
export interface ObjectRef {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/**
 * One entry of `spec.addresses`, in the order the user listed it.
 * What needs CIDRs (aggregation) breaks the range up with `rangeToPrefixes`.
 */
export interface PoolEntry {
  readonly text: string
  readonly range: Range
}

/** IPAddressPool, compiled. */
export interface Pool {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly entries: readonly PoolEntry[]
  readonly families: ReadonlySet<Family>
  readonly autoAssign: boolean
  readonly avoidBuggyIPs: boolean
  /** Present iff the pool has `serviceAllocation`: it is then tried before pools without ("pinned"). */
  readonly allocation: PoolAllocation | undefined
  /**
   * Why nothing new may be given out from this pool although what is held stays valid: the object is bad now, and this
   * is its last good form, or, after a restart, the ranges that could still be read from it.
   */
  readonly suspended: Problem | undefined
  /** Milliseconds a freed address rests before it is given to another Service; 0 = reused at once, lowest first. */
  readonly reuseAfterMs: number
}

export interface PoolAllocation {
  /** Lower wins; 0 means last. */
  readonly priority: number
  /** Resolved union of `namespaces` and `namespaceSelectors`; undefined = no restriction by namespace. */
  readonly namespaces: ReadonlySet<string> | undefined
  /** Any matches the Service's labels; empty = no restriction. */
  readonly serviceSelectors: readonly Selector[]
}

/** L2Advertisement, compiled. */
export interface L2Advertisement {
  readonly name: string
  /** Names of the pools that this advertisement reaches, resolved from names and selectors. */
  readonly pools: ReadonlySet<string>
  /** Any matches a node's labels; empty = every node. */
  readonly nodeSelectors: readonly Selector[]
  readonly serviceSelectors: readonly Selector[]
  /** Exact interface names; empty = all. */
  readonly interfaces: readonly string[]
  readonly preferences: readonly { readonly weight: number; readonly preference: Selector }[]
}

/** BGPAdvertisement, compiled: aliases are resolved to values. */
export interface BgpAdvertisement {
  readonly name: string
  readonly pools: ReadonlySet<string>
  readonly nodeSelectors: readonly Selector[]
  readonly serviceSelectors: readonly Selector[]
  readonly aggregationLength: number
  readonly aggregationLengthV6: number
  /** undefined = unset (0 in the resource). */
  readonly localPreference: number | undefined
  /** Standard communities as 32-bit numbers, ascending, unique. */
  readonly communities: readonly number[]
  /** Large communities `[global, local1, local2]`, ascending, unique. */
  readonly largeCommunities: readonly (readonly [number, number, number])[]
  /** BGPPeer names; empty = all. */
  readonly peers: readonly string[]
}

/** BGPPeer, compiled. Seconds are whole. */
export interface BgpPeer {
  readonly name: string
  /** The AS that this peer sees: `localASN` where given, else `myASN`. */
  readonly localAsn: number
  readonly remote: { readonly kind: 'asn'; readonly asn: number } | { readonly kind: 'internal' | 'external' }
  readonly target:
    | { readonly kind: 'address'; readonly address: string }
    | { readonly kind: 'interface'; readonly interface: string }
  readonly port: number
  readonly sourceAddress: string | undefined
  readonly holdTimeSeconds: number | undefined
  readonly keepaliveTimeSeconds: number | undefined
  readonly connectTimeSeconds: number | undefined
  readonly routerId: string | undefined
  readonly nodeSelectors: readonly Selector[]
  /** Never log this. */
  readonly password: string | undefined
  readonly bfdProfile: BfdProfile | undefined
  readonly gracefulRestart: boolean
  readonly multihop: boolean
  readonly vrf: string
  readonly dualStack: boolean
  /** Lets the peer connect, and never connects itself. */
  readonly isPassive: boolean
  /** The peer is at most so many hops away (RFC 5082); undefined = not checked. */
  readonly securityHops: number | undefined
  /** Ours towards the peer (RFC 9234). */
  readonly role: PeerRole | undefined
  readonly isRoleRequired: boolean
}

/** BFDProfile with its defaults filled in. */
export interface BfdProfile {
  readonly name: string
  readonly detectMultiplier: number
  readonly receiveIntervalMs: number
  readonly transmitIntervalMs: number
  readonly echoIntervalMs: number
  readonly echoMode: boolean
  readonly passiveMode: boolean
  readonly minimumTtl: number | undefined
}

/** RFC 1997 as one 32-bit number, or RFC 8092 as `[global, local1, local2]`. */
export type CommunityValue =
  | { readonly kind: 'standard'; readonly value: number }
  | { readonly kind: 'large'; readonly value: readonly [number, number, number] }

/** Community, compiled: the names that one object defines. */
export interface Community {
  readonly name: string
  readonly aliases: ReadonlyMap<string, CommunityValue>
}

/** Everything, frozen. Maps are in name order, so that whoever walks them is deterministic. */
export interface Snapshot {
  readonly pools: ReadonlyMap<string, Pool>
  readonly l2Advertisements: ReadonlyMap<string, L2Advertisement>
  readonly bgpAdvertisements: ReadonlyMap<string, BgpAdvertisement>
  readonly peers: ReadonlyMap<string, BgpPeer>
  readonly bfdProfiles: ReadonlyMap<string, BfdProfile>
  readonly communities: ReadonlyMap<string, Community>
}
