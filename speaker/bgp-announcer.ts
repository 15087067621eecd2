/**
 * Decides for every Service which routes lead to this node, and keeps the wire thread told of routes and peers. Works on
 * keys: a burst of changes is decided once, and only what then differs crosses to the other thread.
 */
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
  servingEndpoints,
  type ViewOptions,
} from '../core/announce/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { EndpointSlice, ReadonlyStore, Service } from '../operator/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { AggregatePreferences, type PreferenceConflict } from './aggregate-preferences.ts'
import { BY_SERVICE } from './announcer.ts'
import { desiredPeers } from './bgp-peers.ts'
import type { DesiredPeers, DesiredRoute, ServiceRoutes, ToWire } from './wire/messages.ts'

export interface BgpAnnouncerOptions {
  /** Name of this node. */
  readonly node: string
  readonly services: ReadonlyStore<Service>
  readonly slices: ReadonlyStore<EndpointSlice>
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
  readonly #decisions = new Map<string, BgpDecision>()
  /** What the wire thread was told last, by Service. */
  readonly #posted = new Map<string, readonly DesiredRoute[]>()
  readonly #preferences = new AggregatePreferences()
  readonly #dirty = new Set<string>()
  #view: ClusterView | undefined
  #snapshot: Snapshot | undefined
  #peers: DesiredPeers | undefined
  #isEverythingDirty = false
  #isStarted = false
  #timer: TimerHandle | undefined

  constructor(options: BgpAnnouncerOptions) {
    this.#options = options
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
    for (const [service, decision] of this.#decisions) {
      if (decision.kind !== 'announce' || !this.isAnnounced(service)) continue
      for (const ip of decision.ips) yield { service, ip }
    }
  }

  /** Another configuration, or other nodes: everything is decided anew. */
  configure(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    this.#view = new ClusterView(snapshot, this.#options.nodes.values(), this.#options.view, this.#view)
    this.#isEverythingDirty = true
    this.#schedule()
  }

  /** The Service or one of its EndpointSlices changed. */
  serviceChanged(key: string): void {
    this.#dirty.add(key)
    this.#schedule()
  }

  /** To be called once, configured, with all objects in the stores: from then on the wire thread is told. */
  start(): void {
    this.#isStarted = true
    this.#postPeers()
    for (const key of this.#options.services.keys()) this.#decide(key)
    this.#dirty.clear()
    this.#isEverythingDirty = false
    const services = [...this.#posted].map(([key, routes]) => ({ key, routes }))
    this.#options.post({ kind: 'routes', complete: true, services })
  }

  stop(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (!this.#isStarted) return
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, 0)
  }

  #flush(): void {
    if (this.#isEverythingDirty) {
      this.#postPeers()
      for (const key of this.#options.services.keys()) this.#dirty.add(key)
      for (const key of this.#decisions.keys()) this.#dirty.add(key)
      this.#isEverythingDirty = false
    }
    const services: ServiceRoutes[] = []
    for (const key of this.#dirty) if (this.#decide(key)) services.push({ key, routes: this.#posted.get(key) ?? [] })
    this.#dirty.clear()
    if (services.length > 0) this.#options.post({ kind: 'routes', complete: false, services })
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

  /** @returns whether the wire thread has to be told */
  #decide(key: string): boolean {
    const before = this.#decisions.get(key)
    const decision = this.#judge(key)
    if (decision === undefined) this.#decisions.delete(key)
    else this.#decisions.set(key, decision)
    if (!isDeepStrictEqual(before, decision)) this.#options.onDecision(key)
    const routes = decision === undefined ? [] : bgpRoutes(decision)
    const posted = this.#posted.get(key) ?? []
    if (isDeepStrictEqual(routes, posted)) return false
    for (const conflict of this.#preferences.change(posted, routes)) this.#options.onConflict(conflict)
    if (routes.length === 0) this.#posted.delete(key)
    else this.#posted.set(key, routes)
    return true
  }

  #judge(key: string): BgpDecision | undefined {
    const { services, slices, node, loadBalancerClass } = this.#options
    const service = services.get(key)
    const self = this.#view?.node(node)
    if (service === undefined || self === undefined) return undefined
    const announced = announcedServiceOf(service, loadBalancerClass)
    const decision = decideBgp(announced, servingEndpoints(slices.by(BY_SERVICE, key)), this.#view!, self)
    return keepAnnounced(this.#decisions.get(key), decision, announced.ingress)
  }
}
