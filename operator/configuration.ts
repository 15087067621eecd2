/**
 * The configuration as both programs follow it: all resources that make it up, compiled into one Snapshot whenever one
 * of them changes.
 */
import {
  type Compiled,
  compile,
  type NodeFacts,
  type Problem,
  type Resources,
  type Snapshot,
} from '../core/config/index.ts'
import type { BFDProfile, BGPAdvertisement, BGPPeer, Community, IPAddressPool, L2Advertisement } from '../crds/index.ts'
import type { TimerHandle } from '../runtime/clock.ts'
import { type Following, follow, onRealChange } from './followed.ts'
import type { Informer } from './informer.ts'
import type { KubernetesObject } from './resource.ts'
import { metallbResource, NAMESPACES, NODES, type Node } from './resources.ts'
import type { ReadonlyStore } from './store.ts'

export const IP_ADDRESS_POOLS = metallbResource<Stored<IPAddressPool>>('IPAddressPool', 'ipaddresspools', 'v1beta1')
const L2_ADVERTISEMENTS = metallbResource<Stored<L2Advertisement>>('L2Advertisement', 'l2advertisements', 'v1beta1')
const BGP_ADVERTISEMENTS = metallbResource<Stored<BGPAdvertisement>>('BGPAdvertisement', 'bgpadvertisements', 'v1beta1')
const BGP_PEERS = metallbResource<Stored<BGPPeer>>('BGPPeer', 'bgppeers', 'v1beta2')
const BFD_PROFILES = metallbResource<Stored<BFDProfile>>('BFDProfile', 'bfdprofiles', 'v1beta1')
const COMMUNITIES = metallbResource<Stored<Community>>('Community', 'communities', 'v1beta1')

/** A generated type as it comes out of the API server: there it always has a name. */
type Stored<T> = T & KubernetesObject

/** What is kept of a Node. */
export interface NodeView extends NodeFacts {
  readonly addresses: readonly string[]
  readonly networkUnavailable: boolean
}

/** Changes that come in one burst (a `kubectl apply` of a folder) are compiled once. */
const SETTLE_MS = 20

type AnyInformer = Informer<KubernetesObject, unknown>

export class Configuration {
  /** All nodes, by name. */
  readonly nodes: Informer<Node, NodeView>
  readonly #following: Following
  readonly #namespace: string
  readonly #pools: Informer<Stored<IPAddressPool>>
  readonly #l2Advertisements
  readonly #bgpAdvertisements
  readonly #peers
  readonly #bfdProfiles
  readonly #communities
  readonly #namespaces
  readonly #listeners: ((compiled: Compiled) => void)[] = []
  #compiled: Compiled | undefined
  #timer: TimerHandle | undefined

  /** @param namespace where the metallb.io resources are read */
  constructor(following: Following, namespace: string) {
    this.#following = following
    this.#namespace = namespace
    const own = <T extends KubernetesObject>() => ({ namespace, keep: withoutVersions<T> })
    this.#pools = follow(following, IP_ADDRESS_POOLS, own<Stored<IPAddressPool>>())
    this.#l2Advertisements = follow(following, L2_ADVERTISEMENTS, own<Stored<L2Advertisement>>())
    this.#bgpAdvertisements = follow(following, BGP_ADVERTISEMENTS, own<Stored<BGPAdvertisement>>())
    this.#peers = follow(following, BGP_PEERS, own<Stored<BGPPeer>>())
    this.#bfdProfiles = follow(following, BFD_PROFILES, own<Stored<BFDProfile>>())
    this.#communities = follow(following, COMMUNITIES, own<Stored<Community>>())
    this.#namespaces = follow(following, NAMESPACES, {
      keep: ({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} }),
    })
    this.nodes = follow(following, NODES, { keep: viewOfNode })
  }

  /** The informers behind it: for readiness, and to say what is waited for. */
  get informers(): readonly AnyInformer[] {
    return [
      this.#pools,
      this.#l2Advertisements,
      this.#bgpAdvertisements,
      this.#peers,
      this.#bfdProfiles,
      this.#communities,
      this.#namespaces,
      this.nodes,
    ] as unknown as AnyInformer[]
  }

  /** The pools as the API server has them, status included, by `namespace/name`. */
  get pools(): ReadonlyStore<Stored<IPAddressPool>> {
    return this.#pools.store
  }

  /** undefined until everything was read once. */
  get snapshot(): Snapshot | undefined {
    return this.#compiled?.snapshot
  }

  get problems(): readonly Problem[] {
    return this.#compiled?.problems ?? []
  }

  /** Called after each compilation, the first one included. */
  onCompiled(listener: (compiled: Compiled) => void): void {
    this.#listeners.push(listener)
  }

  /** Resolves when everything was read once and compiled. */
  async start(): Promise<void> {
    for (const informer of this.informers) informer.start()
    await Promise.all(this.informers.map((informer) => informer.whenSynced()))
    this.#compile()
    for (const informer of this.informers) {
      let isReplay = true
      const handler = (): void => {
        if (!isReplay) this.#schedule()
      }
      onRealChange(informer, handler, withoutStatus)
      isReplay = false
    }
  }

  async stop(): Promise<void> {
    if (this.#timer !== undefined) this.#following.clock.clearTimeout(this.#timer)
    await Promise.all(this.informers.map((informer) => informer.stop()))
  }

  #schedule(): void {
    this.#timer ??= this.#following.clock.setTimeout(() => {
      this.#timer = undefined
      this.#compile()
    }, SETTLE_MS)
  }

  #compile(): void {
    this.#compiled = compile(this.#resources(), this.#compiled?.snapshot)
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

function withoutVersions<T extends KubernetesObject>(object: T): T {
  const { name, namespace, labels, annotations, creationTimestamp } = object.metadata
  return { ...object, metadata: { name, namespace, labels, annotations, creationTimestamp } } as unknown as T
}

/** Counters in the status of a pool are no change of the configuration. */
function withoutStatus(object: unknown): unknown {
  const { status: _, ...rest } = object as { status?: unknown }
  return rest
}

function viewOfNode({ metadata, status }: Node): NodeView {
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    addresses: (status?.addresses ?? []).filter(({ type }) => type.endsWith('IP')).map(({ address }) => address),
    networkUnavailable: (status?.conditions ?? []).some(
      ({ type, status }) => type === 'NetworkUnavailable' && status === 'True',
    ),
  }
}
