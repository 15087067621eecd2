/** Decides for every Service which nodes may answer for it on layer 2, and keeps the wire thread told. */
import {
  type AddressForNode,
  addressesForNode,
  announcedServiceOf,
  ClusterView,
  decideLayer2,
  keepAnnounced,
  type Layer2Decision,
  type NodeView,
  type ViewOptions,
} from '../core/announce/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { ReadonlyStore, Service } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { Decisions } from './decisions.ts'
import { type KeptSlice, servingOf } from './kept.ts'
import type { ToWire } from './wire/messages.ts'

export interface AnnouncerOptions {
  /** Name of this node. */
  readonly node: string
  readonly services: ReadonlyStore<Service>
  readonly slices: ReadonlyStore<KeptSlice>
  readonly nodes: ReadonlyStore<NodeView>
  /** Nodes that report that they answer for the Service, the newest report first. */
  readonly incumbentsOf: (key: string) => readonly string[]
  readonly post: (message: ToWire) => void
  /** Told of every decision that is other than the one before. */
  readonly onDecision: (key: string, decision: Layer2Decision) => void
  readonly view: ViewOptions
  readonly loadBalancerClass: string
  readonly clock: Clock
}

export class Announcer {
  readonly #options: AnnouncerOptions
  readonly #decisions: Decisions<Layer2Decision, AddressForNode>
  #view: ClusterView | undefined

  constructor(options: AnnouncerOptions) {
    this.#options = options
    const { node, clock, services, onDecision, post } = options
    this.#decisions = new Decisions({
      clock,
      keys: () => services.keys(),
      decide: (key, before) => this.#decide(key, before),
      itemsOf: (decision) => addressesForNode(decision, node),
      onDecision: (key, decision) => decision !== undefined && onDecision(key, decision),
      post: (all, complete) =>
        post({ kind: 'desired', complete, services: all.map(({ key, items }) => ({ key, layer2: items })) }),
    })
  }

  /** Why a Service is announced by whom, or not at all; undefined = not decided yet, or there is no such Service. */
  decisionOn(key: string): Layer2Decision | undefined {
    return this.#decisions.get(key)
  }

  /** Another configuration, or other nodes: everything is decided anew. */
  configure(snapshot: Snapshot): void {
    this.#view = new ClusterView(snapshot, this.#options.nodes.values(), this.#options.view, this.#view)
    this.#decisions.everythingChanged()
  }

  /** The Service, one of its EndpointSlices, or who reports that it answers for it, changed. */
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

  #decide(key: string, before: Layer2Decision | undefined): Layer2Decision | undefined {
    const { services, slices, incumbentsOf, loadBalancerClass } = this.#options
    const service = services.get(key)
    if (service === undefined) return undefined
    const announced = announcedServiceOf(service, loadBalancerClass)
    const decision = decideLayer2(announced, servingOf(key, slices), this.#view!, incumbentsOf(key))
    return keepAnnounced(before, decision, announced.ingress)
  }
}
