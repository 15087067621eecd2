/** The announcement half of `explain`: who answers for the Service, who announces routes to it, and why not. Pure. */
import {
  type AnnouncedService,
  announcedServiceOf,
  ClusterView,
  DEFAULT_VIEW,
  decideBgp,
  decideLayer2,
  type NodeReason,
  type NodeView,
  nodeReasonSentence,
  type ServingEndpoints,
  type SilentReason,
  servingEndpoints,
} from '../core/announce/index.ts'
import { matchesAny, type Snapshot } from '../core/config/index.ts'
import type { Service } from '../operator/index.ts'
import type { ClusterState } from './cluster-state.ts'
import type { ServiceDetails } from './service-details.ts'

export interface ExcludedCandidate {
  readonly node: string
  readonly reason: NodeReason
  readonly sentence: string
}

export type Layer2Answer =
  | {
      readonly announces: true
      /** Names of nodes: the first of them that is alive answers. */
      readonly candidates: readonly string[]
      readonly interfaces: Readonly<Record<string, readonly string[]>>
      readonly excluded: readonly ExcludedCandidate[]
    }
  | {
      readonly announces: false
      readonly because: SilentReason
      readonly detail: string
      readonly excluded: readonly ExcludedCandidate[]
    }

/** What one node does about BGP. */
export interface BgpAnswer {
  readonly node: string
  readonly announces: boolean
  /** Names of BGPAdvertisements and BGPPeers, where it announces. */
  readonly advertisements?: readonly string[]
  readonly peers?: readonly string[]
  /** Why not, where it does not. */
  readonly because?: SilentReason
  readonly detail?: string
}

export function explainAnnouncement(
  state: ClusterState,
  snapshot: Snapshot,
  service: Service,
  { endpointSlices }: ServiceDetails,
): { readonly layer2: Layer2Answer; readonly bgp: readonly BgpAnswer[] } {
  const announced = announcedServiceOf(service, state.request.loadBalancerClass)
  const endpoints = servingEndpoints(endpointSlices)
  // What flags tell the speakers is not known here; their defaults are.
  const view = new ClusterView(snapshot, state.nodes, DEFAULT_VIEW)
  const bgp = snapshot.bgpAdvertisements.size === 0 ? [] : view.nodes
  return {
    layer2: layer2Answer(announced, endpoints, view),
    bgp: bgp.map((node) => bgpAnswer(announced, endpoints, view, node)),
  }
}

function layer2Answer(service: AnnouncedService, endpoints: ServingEndpoints, view: ClusterView): Layer2Answer {
  const decision = decideLayer2(service, endpoints, view)
  const excluded = decision.excluded.map((one) => ({ ...one, sentence: nodeReasonSentence(one.node, one.reason) }))
  if (decision.kind === 'silent') {
    return { announces: false, because: decision.because, detail: decision.detail, excluded }
  }
  const limited = decision.candidates.flatMap((node) => {
    const interfaces = decision.interfacesOf.get(node)
    return interfaces === undefined ? [] : [[node, interfaces] as const]
  })
  return { announces: true, candidates: decision.candidates, interfaces: Object.fromEntries(limited), excluded }
}

function bgpAnswer(
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  view: ClusterView,
  node: NodeView,
): BgpAnswer {
  const decision = decideBgp(service, endpoints, view, node)
  if (decision.kind === 'silent') {
    return { node: node.name, announces: false, because: decision.because, detail: decision.detail }
  }
  const { advertisements } = decision
  const peers = [...view.snapshot.peers.values()].filter(
    (peer) =>
      matchesAny(peer.nodeSelectors, node.labels) &&
      advertisements.some((one) => one.peers.length === 0 || one.peers.includes(peer.name)),
  )
  return {
    node: node.name,
    announces: peers.length > 0,
    advertisements: advertisements.map(({ name }) => name),
    peers: peers.map(({ name }) => name),
    ...(peers.length > 0
      ? {}
      : { because: 'notOwner', detail: `no BGPPeer of node ${node.name} is to have the route` }),
  }
}
