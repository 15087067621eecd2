/** Services that have no address, and Services whose address nobody announces, each with the reason. Pure. */

import { requestOf } from '../core/allocate/index.ts'
import {
  announcedServiceOf,
  ClusterView,
  DEFAULT_VIEW,
  decideBgp,
  type Silent,
  type SilentReason,
} from '../core/announce/index.ts'
import { compile } from '../core/config/index.ts'
import type { Service } from '../operator/index.ts'
import { type AnnouncedCluster, type Layer2View, layer2Views } from './announced-cluster.ts'
import type { ClusterState } from './cluster-state.ts'
import { adoptedLedger, settle } from './settle.ts'

export interface WaitingService {
  readonly service: string
  /** One sentence. */
  readonly because: string
}

/** Those of Invar that show no address, by name. */
export function waitingServices(state: ClusterState): readonly WaitingService[] {
  const { snapshot } = compile(state.resources)
  const requests = state.services.map((service) => requestOf(service, state.request))
  const settlements = settle(adoptedLedger(snapshot, requests, state.conflicts), requests)
  const waiting: WaitingService[] = []
  for (const [service, { request, decision }] of settlements) {
    if (request.statusAddresses.length > 0) continue
    const { outcome, message, addresses, pool } = decision
    if (outcome.kind === 'waiting') waiting.push({ service, because: message })
    if (outcome.kind !== 'assigned') continue
    waiting.push({
      service,
      because: `due ${addresses.join(' and ')} from pool "${pool}"; no controller has written that`,
    })
  }
  return waiting.sort((a, b) => (a.service < b.service ? -1 : 1))
}

export interface SilentService {
  readonly service: string
  readonly addresses: readonly string[]
  /** `unreported`: a node is to answer, and none reports that it does. */
  readonly reason: SilentReason | 'unreported'
  /** One sentence. */
  readonly because: string
}

/** Those that have an address which, as far as is known, nobody announces; by name. */
export function silentServices(cluster: AnnouncedCluster): readonly SilentService[] {
  const routes = new RouteJudge(cluster)
  return layer2Views(cluster).flatMap((view): readonly SilentService[] => {
    const { service, addresses, decision, answering } = view
    if (answering.length > 0) return []
    const standing = routes.standingOf(view)
    if (standing.kind === 'announced') return []
    if (decision.kind === 'silent') {
      const { because: reason, detail } = standing.kind === 'silent' ? standing.silence : decision
      return [{ service, addresses, reason, because: detail }]
    }
    const because = `node ${decision.candidates[0]} is to answer for it, and no node reports that it does`
    return [{ service, addresses, reason: 'unreported', because }]
  })
}

/** What BGP does for one Service. */
type RouteStanding =
  | { readonly kind: 'announced' }
  /** No BGPAdvertisement is about it. */
  | { readonly kind: 'not-meant' }
  | { readonly kind: 'silent'; readonly silence: Silent }

class RouteJudge {
  readonly #cluster: AnnouncedCluster
  readonly #view: ClusterView
  readonly #services: ReadonlyMap<string, Service>

  constructor(cluster: AnnouncedCluster) {
    const { state } = cluster
    this.#cluster = cluster
    this.#view = new ClusterView(compile(state.resources).snapshot, state.nodes, DEFAULT_VIEW)
    this.#services = new Map(state.services.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]))
  }

  standingOf({ service: key, endpoints }: Layer2View): RouteStanding {
    if (this.#view.snapshot.bgpAdvertisements.size === 0) return { kind: 'not-meant' }
    const service = announcedServiceOf(this.#services.get(key)!, this.#cluster.state.request.loadBalancerClass)
    let standing: RouteStanding = { kind: 'not-meant' }
    for (const node of this.#view.nodes) {
      const decision = decideBgp(service, endpoints, this.#view, node)
      if (decision.kind === 'announce') return { kind: 'announced' }
      if (standing.kind === 'not-meant' && decision.because !== 'notOwner') {
        standing = { kind: 'silent', silence: decision }
      }
    }
    return standing
  }
}
