/**
 * The configuration as both programs follow it: all resources that make it up, compiled into one Snapshot whenever one
 * of them changes.
 */
import { type NodeView, nodeViewOf } from '../core/announce/index.ts'
import {
  type Compiled,
  compile,
  type NamespaceFacts,
  type NodeFacts,
  type Problem,
  type Resources,
  type Snapshot,
  viewOfNode,
} from '../core/config/index.ts'
import type { BFDProfile, BGPAdvertisement, BGPPeer, Community, IPAddressPool, L2Advertisement } from '../crds/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { type Follow, onRealChange } from './followed.ts'
import type { Informer } from './informer.ts'
import { CONFIGURATION_RESOURCES, type Stored } from './metallb-resources.ts'
import type { KnownSecrets } from './peer-secrets.ts'
import { apiVersionOf, type KubernetesObject, keyOf, type Resource } from './resource.ts'
import { NAMESPACES, type Namespace, NODES, type Node, type ObjectReference } from './resources.ts'
import type { ReadonlyStore } from './store.ts'

/** What is kept of a Node. */
export interface KeptNode extends NodeFacts, NodeView {
  /** InternalIP and ExternalIP, as text. */
  readonly addresses: readonly string[]
}

/** Changes that come in one burst (a `kubectl apply` of a folder) are compiled once. */
const SETTLE_MS = 20

export class Configuration {
  /** All nodes, by name. */
  readonly nodes: Informer<Node, KeptNode>
  readonly #clock: Clock
  readonly #namespace: string
  readonly #node: string | undefined
  readonly #pools: Informer<Stored<IPAddressPool>>
  readonly #l2Advertisements: Informer<Stored<L2Advertisement>>
  readonly #bgpAdvertisements: Informer<Stored<BGPAdvertisement>>
  readonly #peers: Informer<Stored<BGPPeer>>
  readonly #bfdProfiles: Informer<Stored<BFDProfile>>
  readonly #communities: Informer<Stored<Community>>
  readonly #namespaces: Informer<Namespace, NamespaceFacts>
  readonly #listeners: ((compiled: Compiled) => void)[] = []
  readonly #secretsOf: ((names: ReadonlySet<string>) => KnownSecrets) | undefined
  #compiled: Compiled | undefined
  /** Whose labels were compiled; undefined: no pool asks for labels of namespaces. */
  #judgedNamespaces: ReadonlySet<string> | undefined
  #timer: TimerHandle | undefined

  /**
   * @param namespace where the metallb.io resources are read
   * @param node where given, what concerns other nodes only is set aside: it must not make this node's state invalid
   * @param secretsOf what is known of the Secrets that BGPPeers name; without it their passwords stay unset
   */
  constructor(
    follow: Follow,
    clock: Clock,
    namespace: string,
    node?: string,
    secretsOf?: (names: ReadonlySet<string>) => KnownSecrets,
  ) {
    this.#secretsOf = secretsOf
    this.#clock = clock
    this.#namespace = namespace
    this.#node = node
    const own = <T extends KubernetesObject>(resource: Resource<T>): Informer<T> =>
      this.#recompileOn(follow(resource, { selection: { namespace }, transform: withoutVersions<T> }))
    this.#pools = own(CONFIGURATION_RESOURCES.IPAddressPool)
    this.#l2Advertisements = own(CONFIGURATION_RESOURCES.L2Advertisement)
    this.#bgpAdvertisements = own(CONFIGURATION_RESOURCES.BGPAdvertisement)
    this.#peers = own(CONFIGURATION_RESOURCES.BGPPeer)
    this.#bfdProfiles = own(CONFIGURATION_RESOURCES.BFDProfile)
    this.#communities = own(CONFIGURATION_RESOURCES.Community)
    this.#namespaces = this.#recompileOn(follow(NAMESPACES, { transform: keepNamespace }))
    this.nodes = this.#recompileOn(follow(NODES, { transform: keepNode }))
  }

  /** The pools as the API server has them, status included, by `namespace/name`. */
  get pools(): ReadonlyStore<Stored<IPAddressPool>> {
    return this.#pools.store
  }

  /** For events on an object of the configuration: with its uid as long as it is there. */
  referenceTo(kind: 'BGPPeer' | 'BGPAdvertisement', name: string): ObjectReference {
    const { store } = kind === 'BGPPeer' ? this.#peers : this.#bgpAdvertisements
    const namespace = this.#namespace
    const uid = store.get(keyOf({ namespace, name }))?.metadata.uid
    const apiVersion = apiVersionOf(CONFIGURATION_RESOURCES[kind])
    return { apiVersion, kind, namespace, name, ...(uid !== undefined && { uid }) }
  }

  /** Called for every change of a pool, those of its status among them. */
  onPoolChanged(listener: () => void): void {
    this.#pools.onChange(listener)
  }

  /** undefined until everything was read once. */
  get snapshot(): Snapshot | undefined {
    return this.#compiled?.snapshot
  }

  /** All that the Snapshot is made from, as it is now; undefined until everything was read once. */
  get resources(): Resources | undefined {
    return this.#compiled === undefined ? undefined : this.#resources()
  }

  /** Whether the Snapshot says which pools this namespace may use: a Service may be seen before its Namespace is. */
  hasJudgedNamespace(name: string): boolean {
    return this.#judgedNamespaces?.has(name) ?? true
  }

  get problems(): readonly Problem[] {
    return this.#compiled?.problems ?? []
  }

  /** Called after each compilation, the first one included. */
  onCompiled(listener: (compiled: Compiled) => void): void {
    this.#listeners.push(listener)
  }

  /** To be called once, when everything was read: compiles, and from then on after every change. */
  begin(): void {
    this.#compile()
  }

  /** What the Secrets say has changed. */
  secretsChanged(): void {
    this.#schedule()
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
  }

  #recompileOn<T extends KubernetesObject, S>(informer: Informer<T, S>): Informer<T, S> {
    onRealChange(informer, () => this.#schedule(), withoutStatus)
    return informer
  }

  #schedule(): void {
    if (this.#compiled === undefined) return
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#compile()
    }, SETTLE_MS)
  }

  #compile(): void {
    const own = this.#node === undefined ? undefined : this.nodes.store.get(this.#node)
    const resources = own === undefined ? this.#resources() : viewOfNode(this.#resources(), own)
    const known = this.#secretsOf?.(new Set(resources.peers.flatMap((peer) => secretOf(peer) ?? [])))
    const awaited = known?.awaited ?? new Set()
    // It comes again when they are known. Only the first time nothing is to wait for them but their peers.
    if (awaited.size > 0 && this.#compiled !== undefined) return
    const peers = resources.peers.filter((peer) => !awaited.has(secretOf(peer) ?? ''))
    this.#compiled = compile({ ...resources, peers, ...(known && { secrets: known.facts }) }, this.#compiled?.snapshot)
    const asksForLabels = resources.pools.some(({ spec }) => spec?.serviceAllocation?.namespaceSelectors?.length)
    this.#judgedNamespaces = asksForLabels ? new Set(resources.namespaces?.map(({ name }) => name)) : undefined
    for (const listener of this.#listeners) listener(this.#compiled)
  }

  #resources(): Resources {
    return {
      namespace: this.#namespace,
      pools: [...this.#pools.store.values()],
      l2Advertisements: [...this.#l2Advertisements.store.values()],
      bgpAdvertisements: [...this.#bgpAdvertisements.store.values()],
      peers: [...this.#peers.store.values()],
      bfdProfiles: [...this.#bfdProfiles.store.values()],
      communities: [...this.#communities.store.values()],
      namespaces: [...this.#namespaces.store.values()],
      nodes: [...this.nodes.store.values()],
    }
  }
}

function secretOf({ spec }: BGPPeer): string | undefined {
  return spec?.passwordSecret?.name || undefined
}

function withoutVersions<T extends KubernetesObject>(object: T): T {
  const { name, namespace, uid, labels, annotations, creationTimestamp, deletionTimestamp } = object.metadata
  const metadata = { name, namespace, uid, labels, annotations, creationTimestamp, deletionTimestamp }
  return { ...object, metadata } as unknown as T
}

/** Counters in the status of a pool are no change of the configuration. */
function withoutStatus(object: unknown): unknown {
  const { status: _, ...rest } = object as { status?: unknown }
  return rest
}

export function keepNamespace({ metadata }: Namespace): NamespaceFacts {
  return { name: metadata.name, labels: metadata.labels ?? {} }
}

export function keepNode(node: Node): KeptNode {
  const addresses = node.status?.addresses ?? []
  return {
    ...nodeViewOf(node),
    addresses: addresses.filter(({ type }) => type.endsWith('IP')).map(({ address }) => address),
  }
}
