import { matches, matchesAny, type Selector } from '../config/selector.ts'
import type { BgpAdvertisement, L2Advertisement, Pool, Snapshot } from '../config/snapshot.ts'
import { Election } from './election.ts'
import { PoolIndex } from './pool-index.ts'
import { EXCLUDE_LABEL, type LastReason } from './reasons.ts'

/** What this folder reads of a Node (core/v1). */
export interface NodeShape {
  readonly metadata?: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly { readonly key: string }[] }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** A node that runs a speaker. */
export interface NodeView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Condition NetworkUnavailable is True. */
  readonly isNetworkUnavailable: boolean
  /** It is about to be emptied: unschedulable, or with a taint that says so. */
  readonly isCordoned: boolean
  /** Condition Ready is neither False nor Unknown. */
  readonly isReady: boolean
  /** Names of the interfaces that it can announce on; undefined = not known, taken for all. */
  readonly interfaces: readonly string[] | undefined
}

/** Taints of a node whose Pods are about to go elsewhere. */
const CORDON_TAINTS: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/out-of-service',
  'ToBeDeletedByClusterAutoscaler',
])

export function nodeViewOf(node: NodeShape, interfaces?: readonly string[]): NodeView {
  const conditions = node.status?.conditions ?? []
  const taints = node.spec?.taints ?? []
  return {
    name: node.metadata?.name ?? '',
    labels: node.metadata?.labels ?? {},
    isNetworkUnavailable: conditions.some(({ type, status }) => type === 'NetworkUnavailable' && status === 'True'),
    isCordoned: node.spec?.unschedulable === true || taints.some(({ key }) => CORDON_TAINTS.has(key)),
    isReady: conditions.every(({ type, status }) => type !== 'Ready' || status === 'True'),
    interfaces,
  }
}

/** What an operator of the cluster may choose. */
export interface ViewOptions {
  /** `--ignore-exclude-lb`: disregard the label that keeps load balancers off a node. */
  readonly ignoreExcludeLabel: boolean
  /** Cordoned nodes are candidates like the others; else they come last. */
  readonly ignoreCordon: boolean
  /** Nodes that are not Ready come last. */
  readonly heedsReady: boolean
  /** Who answers for an address keeps it when equals come. */
  readonly isSticky: boolean
}

/** The order of MetalLB, for clusters where its speakers announce too, and where nobody watches who is alive. */
export const METALLB_VIEW: ViewOptions = {
  ignoreExcludeLabel: false,
  ignoreCordon: true,
  heedsReady: false,
  isSticky: false,
}

export const DEFAULT_VIEW: ViewOptions = { ...METALLB_VIEW, ignoreCordon: false, isSticky: true }

/**
 * Configuration and nodes as all speakers see them, with what can be worked out once for all Services. Make another one
 * when either changes, from the one before: it keeps the hashes while the names of the nodes stay the same.
 */
export class ClusterView {
  readonly snapshot: Snapshot
  readonly pools: PoolIndex
  /** By name. */
  readonly nodes: readonly NodeView[]
  readonly election: Election
  readonly #options: ViewOptions
  readonly #last = new Map<string, LastReason>()
  readonly #selected = new Map<L2Advertisement | BgpAdvertisement, ReadonlySet<string>>()
  readonly #scores = new Map<L2Advertisement, ReadonlyMap<string, number>>()
  readonly #l2 = new Map<string, readonly L2Advertisement[]>()
  readonly #bgp = new Map<string, readonly BgpAdvertisement[]>()

  constructor(snapshot: Snapshot, nodes: Iterable<NodeView>, options: ViewOptions, previous?: ClusterView) {
    this.snapshot = snapshot
    this.pools = new PoolIndex(snapshot.pools.values())
    this.nodes = [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1))
    this.#options = options
    for (const { name, isCordoned, isReady } of this.nodes) {
      if (isCordoned && !options.ignoreCordon) this.#last.set(name, 'nodeCordoned')
      else if (!isReady && options.heedsReady) this.#last.set(name, 'nodeNotReady')
    }
    const names = this.nodes.map((node) => node.name)
    const isSame = previous?.election.nodeNames.join() === names.join()
    this.election = isSame ? previous!.election : new Election(names)
  }

  node(name: string): NodeView | undefined {
    return this.nodes.find((node) => node.name === name)
  }

  /** Advertisements that reach the pool, by name. */
  l2AdvertisementsOf(pool: Pool): readonly L2Advertisement[] {
    return remembered(this.#l2, pool.name, () => reaching(this.snapshot.l2Advertisements.values(), pool))
  }

  bgpAdvertisementsOf(pool: Pool): readonly BgpAdvertisement[] {
    return remembered(this.#bgp, pool.name, () => reaching(this.snapshot.bgpAdvertisements.values(), pool))
  }

  /** Names of the nodes that an advertisement selects. */
  selectedBy(advertisement: L2Advertisement | BgpAdvertisement): ReadonlySet<string> {
    return remembered(this.#selected, advertisement, () => {
      const selected = this.nodes.filter((node) => matchesAny(advertisement.nodeSelectors, node.labels))
      return new Set(selected.map((node) => node.name))
    })
  }

  /** Weight that an advertisement's preferences give a node that it selects. */
  scoreOf(advertisement: L2Advertisement, node: string): number {
    const scores = remembered(this.#scores, advertisement, () => {
      return new Map(this.nodes.map(({ name, labels }) => [name, weightOf(advertisement.preferences, labels)]))
    })
    return scores.get(node) ?? 0
  }

  /** Whether who answers for an address is to keep it. */
  get isSticky(): boolean {
    return this.#options.isSticky
  }

  /** Why a node that may answer comes after those that have no such reason. */
  lastReasonOf(name: string): LastReason | undefined {
    return this.#last.get(name)
  }

  isExcluded(node: NodeView): boolean {
    return !this.#options.ignoreExcludeLabel && node.labels[EXCLUDE_LABEL] !== undefined
  }
}

type Preferences = readonly { readonly weight: number; readonly preference: Selector }[]

function weightOf(preferences: Preferences, labels: Readonly<Record<string, string>>): number {
  const matching = preferences.filter(({ preference }) => matches(preference, labels))
  return matching.reduce((sum, { weight }) => sum + weight, 0)
}

function reaching<A extends { readonly pools: ReadonlySet<string> }>(all: Iterable<A>, pool: Pool): readonly A[] {
  return [...all].filter((advertisement) => advertisement.pools.has(pool.name))
}

function remembered<K, V>(memory: Map<K, V>, key: K, make: () => V): V {
  const known = memory.get(key)
  if (known !== undefined) return known
  const made = make()
  memory.set(key, made)
  return made
}
