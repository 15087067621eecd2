/** Decides for every Service which routes lead to this node, and keeps the wire thread told of routes and peers. */
import { isDeepStrictEqual } from 'node:util'
import {
  announcedServiceOf,
  type BgpDecision,
  bgpRoutes,
  ClusterView,
  decideBgp,
  keepAnnounced,
  type NodeView,
  peersOf,
  type ViewOptions,
} from '../core/announce/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { ReadonlyStore, Service } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { AggregatePreferences, type PreferenceConflict } from './aggregate-preferences.ts'
import { desiredPeers } from './bgp-peers.ts'
import { Decisions } from './decisions.ts'
import { type KeptSlice, servingOf } from './kept.ts'
import type { DesiredPeers, DesiredRoute, ToWire } from './wire/messages.ts'

export interface BgpAnnouncerOptions {
  /** Name of this node. */
  readonly node: string
  readonly services: ReadonlyStore<Service>
  readonly slices: ReadonlyStore<KeptSlice>
  readonly nodes: ReadonlyStore<NodeView>
  readonly view: ViewOptions
  readonly loadBalancerClass: string
  /** TCP port for passive peers. */
  readonly listenPort: number
  /** Announce from a cordoned node as from any other. */
  readonly ignoreCordon: boolean
  readonly clock: Clock
  readonly post: (message: ToWire) => void
  /** The decision on a Service, or the peers that its routes go to, are other than before. */
  readonly onDecision: (key: string) => void
  /** Two advertisements ask for different local preferences for one aggregate; told once. */
  readonly onConflict: (conflict: PreferenceConflict) => void
}

export class BgpAnnouncer {
  readonly #options: BgpAnnouncerOptions
  readonly #decisions: Decisions<BgpDecision, DesiredRoute>
  readonly #preferences = new AggregatePreferences()
  #view: ClusterView | undefined
  #snapshot: Snapshot | undefined
  #peers: DesiredPeers | undefined

  constructor(options: BgpAnnouncerOptions) {
    this.#options = options
    const { clock, services, onDecision, onConflict, post } = options
    this.#decisions = new Decisions({
      clock,
      keys: () => services.keys(),
      decide: (key, before) => this.#decide(key, before),
      itemsOf: bgpRoutes,
      onDecision,
      onItems: (before, now) => {
        for (const conflict of this.#preferences.change(before, now)) onConflict(conflict)
      },
      onEverything: () => this.#postPeers(),
      post: (all, complete) =>
        post({ kind: 'routes', complete, services: all.map(({ key, items }) => ({ key, routes: items })) }),
    })
  }

  /** Names of the peers that the Service's routes are handed to; undefined = there is nobody to announce it to. */
  peersOf(key: string): readonly string[] | undefined {
    const decision = this.#decisions.get(key)
    const peers = decision === undefined ? [] : peersOf(decision, this.#peers?.peers ?? [])
    return peers.length === 0 ? undefined : peers
  }

  /** Why a Service is announced by this node, or not; undefined = not decided yet, or there is no such Service. */
  decisionOn(key: string): BgpDecision | undefined {
    return this.#decisions.get(key)
  }

  /** Whether there is a peer that this node announces the Service to. */
  isAnnounced(key: string): boolean {
    return this.#decisions.get(key)?.kind === 'announce' && this.peersOf(key) !== undefined
  }

  /** Addresses that this node announces, with the Services they belong to. */
  *announced(): Generator<{ readonly service: string; readonly ip: string }> {
    for (const [service, decision] of this.#decisions.entries()) {
      if (decision.kind !== 'announce' || !this.isAnnounced(service)) continue
      for (const ip of decision.ips) yield { service, ip }
    }
  }

  /** Another configuration, or other nodes: everything is decided anew. */
  configure(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    this.#view = new ClusterView(snapshot, this.#options.nodes.values(), this.#options.view, this.#view)
    this.#decisions.everythingChanged()
  }

  /** The Service or one of its EndpointSlices changed. */
  serviceChanged(key: string): void {
    this.#decisions.changed(key)
  }

  /** To be called once, configured, with all objects in the stores: from then on the wire thread is told. */
  start(): void {
    this.#decisions.start()
  }

  stop(): void {
    this.#decisions.stop()
  }

  #postPeers(): void {
    const { node, nodes, listenPort, ignoreCordon, post } = this.#options
    const self = nodes.get(node)
    // A node that is not known to the cluster is selected by nothing that can be checked.
    const peers = self === undefined || this.#snapshot === undefined ? [] : desiredPeers(this.#snapshot, self.labels)
    const isDraining = self?.isCordoned === true && !ignoreCordon
    const desired = { peers, listenPort, isDraining }
    if (isDeepStrictEqual(desired, this.#peers)) return
    const namesBefore = this.#peers?.peers.map(({ name }) => name).join()
    this.#peers = desired
    post({ kind: 'peers', desired })
    if (namesBefore === peers.map(({ name }) => name).join()) return
    for (const key of this.#decisions.keys()) this.#options.onDecision(key)
  }

  #decide(key: string, before: BgpDecision | undefined): BgpDecision | undefined {
    const { services, slices, node, loadBalancerClass } = this.#options
    const service = services.get(key)
    const self = this.#view?.node(node)
    if (service === undefined || self === undefined) return undefined
    const announced = announcedServiceOf(service, loadBalancerClass)
    const decision = decideBgp(announced, servingOf(key, slices), this.#view!, self)
    return keepAnnounced(before, decision, announced.ingress)
  }
}
