/** Why nobody announces a Service that has an address. The speakers decide alike, so it is worked out as they do. Pure. */
import {
  type AnnouncedService,
  type BgpDecision,
  type ClusterView,
  decideBgp,
  decideLayer2,
  type NodeView,
  peersOf,
  type ServingEndpoints,
  type Silent,
} from '../../core/announce/index.ts'
import { matchesAny, type Pool } from '../../core/config/index.ts'
import { parseAddress } from '../../net/ip/index.ts'
import type { Reason } from '../../page/model.ts'

/** @param endpoints undefined = not known */
export function silence(service: AnnouncedService, endpoints: ServingEndpoints | undefined, view: ClusterView): Reason {
  if (endpoints === undefined) return UNKNOWN
  const layer2 = decideLayer2(service, endpoints, view)
  if (layer2.kind === 'announce') return unreported(`node ${layer2.candidates[0]} is to answer for it`)
  const bgp = view.nodes.map((node) => ({ node, decision: decideBgp(service, endpoints, view, node) }))
  const announcing = bgp.find(({ decision }) => decision.kind === 'announce')
  if (announcing !== undefined) return routed(announcing.node, announcing.decision, view)
  const pool = poolOf(service, view)
  if (pool === undefined || view.l2AdvertisementsOf(pool).length > 0) return reasonOf(layer2)
  if (view.bgpAdvertisementsOf(pool).length === 0) {
    const sentence = `no L2Advertisement or BGPAdvertisement reaches pool "${pool.name}"`
    return { code: 'noMatchingAdvertisement', sentence }
  }
  // Only BGP reaches the pool. Of what the nodes say, the check that came furthest names the cause.
  const silent = bgp.flatMap(({ decision }) => (decision.kind === 'silent' ? decision : []))
  return reasonOf(silent.find(({ because }) => because !== 'notOwner') ?? silent[0] ?? layer2)
}

const UNKNOWN: Reason = {
  code: 'unknown',
  sentence: 'No speaker reports that it announces it; why cannot be said, as its endpoints are not known here',
}

function poolOf({ ingress }: AnnouncedService, view: ClusterView): Pool | undefined {
  const address = parseAddress(ingress[0] ?? '')
  return address && view.pools.poolOf(address)
}

function reasonOf({ because, detail }: Silent): Reason {
  return { code: because, sentence: detail }
}

/** Some node is to announce routes, and no speaker reports that. */
function routed(node: NodeView, decision: BgpDecision, { snapshot }: ClusterView): Reason {
  const here = [...snapshot.peers.values()].filter(({ nodeSelectors }) => matchesAny(nodeSelectors, node.labels))
  const peers = peersOf(decision, here)
  if (peers.length > 0) return unreported(`node ${node.name} is to announce it to ${peers.join(' and ')}`)
  return { code: 'noPeer', sentence: `no BGPPeer of node ${node.name} is to have its routes` }
}

function unreported(expectation: string): Reason {
  return { code: 'noReport', sentence: `${expectation}, but no speaker reports that it does` }
}
