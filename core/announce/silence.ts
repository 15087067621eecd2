import { parseAddress } from '../../net/ip/index.ts'
import { matchesAny } from '../config/selector.ts'
import type { Pool } from '../config/snapshot.ts'
import type { AnnouncedService } from './announced-service.ts'
import { type BgpDecision, decideBgp } from './bgp.ts'
import { peersOf } from './bgp-routes.ts'
import type { ClusterView, NodeView } from './cluster-view.ts'
import type { ServingEndpoints } from './endpoints.ts'
import { decideLayer2 } from './layer2.ts'
import type { SilentReason } from './reasons.ts'

/** Why nobody is reported to announce a Service that has an address. */
export interface Silence {
  readonly because: SilenceReason
  /** One sentence. */
  readonly detail: string
}

export type SilenceReason =
  | SilentReason
  /** Somebody is to announce it, and no speaker reports that it does. */
  | 'unreported'
  /** A BGPAdvertisement reaches it, and no BGPPeer is to have its routes. */
  | 'noPeer'

/** To be asked where no speaker reports to announce the Service: they decide alike, so it is worked out as they do. */
export function explainSilence(service: AnnouncedService, endpoints: ServingEndpoints, view: ClusterView): Silence {
  const layer2 = decideLayer2(service, endpoints, view)
  if (layer2.kind === 'announce') return unreported(`node ${layer2.candidates[0]} is to answer for ${service.key}`)
  const bgp = view.nodes.map((node) => ({ node, decision: decideBgp(service, endpoints, view, node) }))
  const announcing = bgp.find(({ decision }) => decision.kind === 'announce')
  if (announcing !== undefined) return unrouted(service, announcing.node, announcing.decision, view)
  const pool = poolOf(service, view)
  if (pool === undefined || view.l2AdvertisementsOf(pool).length > 0) return layer2
  if (view.bgpAdvertisementsOf(pool).length === 0) {
    const detail = `no L2Advertisement or BGPAdvertisement reaches pool "${pool.name}"`
    return { because: 'noMatchingAdvertisement', detail }
  }
  // Only BGP reaches the pool. Of what the nodes say, the check that came furthest names the cause.
  const silent = bgp.flatMap(({ decision }) => (decision.kind === 'silent' ? decision : []))
  return silent.find(({ because }) => because !== 'notOwner') ?? silent[0] ?? layer2
}

function poolOf({ ingress }: AnnouncedService, view: ClusterView): Pool | undefined {
  const address = parseAddress(ingress[0] ?? '')
  return address && view.pools.poolOf(address)
}

/** Some node is to announce routes, and no speaker reports that. */
function unrouted(
  { key }: AnnouncedService,
  node: NodeView,
  decision: BgpDecision,
  { snapshot }: ClusterView,
): Silence {
  const here = [...snapshot.peers.values()].filter(({ nodeSelectors }) => matchesAny(nodeSelectors, node.labels))
  const peers = peersOf(decision, here)
  if (peers.length > 0) return unreported(`node ${node.name} is to announce ${key} to ${peers.join(' and ')}`)
  return { because: 'noPeer', detail: `no BGPPeer of node ${node.name} is to have the routes of ${key}` }
}

function unreported(expectation: string): Silence {
  return { because: 'unreported', detail: `${expectation}, and no speaker reports that it does` }
}
