/**
 * Decides for every Service which nodes may answer for it, and keeps the wire thread told. Works on keys: a burst of
 * changes is decided once, and only what then differs crosses to the other thread.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  type AnnouncedService,
  addressesForNode,
  announcedServiceOf,
  ClusterView,
  decideLayer2,
  keepAnnounced,
  type Layer2Decision,
  type NodeView,
  servingEndpoints,
  type ViewOptions,
} from '../core/announce/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { EndpointSlice, ReadonlyStore, Service } from '../operator/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { DesiredAddress, DesiredService, ToWire } from './wire/messages.ts'

/** Name of the index of EndpointSlices by `namespace/name` of their Service. */
export const BY_SERVICE = 'service'

export interface AnnouncerOptions {
  /** Name of this node. */
  readonly node: string
  readonly services: ReadonlyStore<Service>
  readonly slices: ReadonlyStore<EndpointSlice>
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
  readonly #decisions = new Map<string, Layer2Decision>()
  /** What the wire thread was told last, by Service. */
  readonly #posted = new Map<string, readonly DesiredAddress[]>()
  readonly #dirty = new Set<string>()
  #view: ClusterView | undefined
  #isEverythingDirty = false
  #isStarted = false
  #timer: TimerHandle | undefined

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** Why a Service is announced by whom, or not at all; undefined = not decided yet, or there is no such Service. */
  decisionOn(key: string): Layer2Decision | undefined {
    return this.#decisions.get(key)
  }

  /** Another configuration, or other nodes: everything is decided anew. */
  configure(snapshot: Snapshot): void {
    this.#view = new ClusterView(snapshot, this.#options.nodes.values(), this.#options.view, this.#view)
    this.#isEverythingDirty = true
    this.#schedule()
  }

  /** The Service, one of its EndpointSlices, or who reports that it answers for it, changed. */
  serviceChanged(key: string): void {
    this.#dirty.add(key)
    this.#schedule()
  }

  /** To be called once, configured, with all objects in the stores: from then on the wire thread is told. */
  start(): void {
    this.#isStarted = true
    for (const key of this.#options.services.keys()) this.#decide(key)
    this.#dirty.clear()
    this.#isEverythingDirty = false
    const services = [...this.#posted].map(([key, layer2]) => ({ key, layer2 }))
    this.#options.post({ kind: 'desired', complete: true, services })
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
      for (const key of this.#options.services.keys()) this.#dirty.add(key)
      for (const key of this.#decisions.keys()) this.#dirty.add(key)
      this.#isEverythingDirty = false
    }
    const services: DesiredService[] = []
    for (const key of this.#dirty) {
      if (this.#decide(key)) services.push({ key, layer2: this.#posted.get(key) ?? [] })
    }
    this.#dirty.clear()
    if (services.length > 0) this.#options.post({ kind: 'desired', complete: false, services })
  }

  /** @returns whether the wire thread has to be told */
  #decide(key: string): boolean {
    const service = this.#options.services.get(key)
    const before = this.#decisions.get(key)
    const layer2 = service === undefined ? this.#forget(key) : this.#desiredOf(key, service, before)
    if (isDeepStrictEqual(layer2, this.#posted.get(key) ?? [])) return false
    if (layer2.length === 0) this.#posted.delete(key)
    else this.#posted.set(key, layer2)
    return true
  }

  #forget(key: string): readonly DesiredAddress[] {
    this.#decisions.delete(key)
    return []
  }

  #desiredOf(key: string, service: Service, before: Layer2Decision | undefined): readonly DesiredAddress[] {
    const { node, loadBalancerClass, onDecision } = this.#options
    const announced = announcedServiceOf(service, loadBalancerClass)
    const decision = keepAnnounced(before, this.#judge(announced), announced.ingress)
    this.#decisions.set(key, decision)
    if (!isDeepStrictEqual(before, decision)) onDecision(key, decision)
    return addressesForNode(decision, node)
  }

  #judge(service: AnnouncedService): Layer2Decision {
    const { slices, incumbentsOf } = this.#options
    const endpoints = servingEndpoints(slices.by(BY_SERVICE, service.key))
    return decideLayer2(service, endpoints, this.#view!, incumbentsOf(service.key))
  }
}
