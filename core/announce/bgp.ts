import { localPreferencesConflict } from '../config/local-preference.ts'
import { matchesAny } from '../config/selector.ts'
import type { BgpAdvertisement, Pool } from '../config/snapshot.ts'
import { type AnnouncedService, announceable } from './announced-service.ts'
import type { ClusterView, NodeView } from './cluster-view.ts'
import type { ServingEndpoints } from './endpoints.ts'
import { nodeReasonSentence, type Silent, silent } from './reasons.ts'

export type BgpDecision =
  | {
      readonly kind: 'announce'
      readonly pool: Pool
      /** Canonical text, in the order of the status. */
      readonly ips: readonly string[]
      /** Those of the pool that select this node and match the Service, by name. */
      readonly advertisements: readonly BgpAdvertisement[]
    }
  | Silent

/** Whether one node is to announce a Service over BGP. There is no election: all eligible nodes announce the same. */
export function decideBgp(
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  view: ClusterView,
  node: NodeView,
): BgpDecision {
  const common = announceable(service, view.pools)
  if (common.kind === 'silent') return common
  const { pool, ips } = common
  const here = view.bgpAdvertisementsOf(pool).filter((one) => view.selectedBy(one).has(node.name))
  if (here.length === 0) {
    return silent('notOwner', `no BGPAdvertisement of pool "${pool.name}" selects node ${node.name}`)
  }
  const advertisements = here.filter((one) => matchesAny(one.serviceSelectors, service.labels))
  if (advertisements.length === 0) {
    const names = here.map(({ name }) => `"${name}"`).join(', ')
    return silent(
      'noMatchingAdvertisement',
      `the labels of ${service.key} are not selected by BGPAdvertisement ${names}`,
    )
  }
  return (
    conflictAmong(advertisements, pool) ??
    nodeObstacle(node, view) ??
    endpointObstacle(service, endpoints, node) ?? { kind: 'announce', pool, ips, advertisements }
  )
}

function conflictAmong(advertisements: readonly BgpAdvertisement[], pool: Pool): Silent | undefined {
  for (const [index, one] of advertisements.entries()) {
    const other = advertisements.slice(index + 1).find((candidate) => localPreferencesConflict(one, candidate, pool))
    if (other === undefined) continue
    const detail = `BGPAdvertisement "${one.name}" and "${other.name}" give the same routes different local preferences`
    return silent('conflictingAdvertisements', detail)
  }
  return undefined
}

function nodeObstacle(node: NodeView, view: ClusterView): Silent | undefined {
  if (node.isNetworkUnavailable) return silentNode(node, 'nodeNetworkUnavailable')
  return view.isExcluded(node) ? silentNode(node, 'nodeLabeledExcludeBalancers') : undefined
}

function endpointObstacle(service: AnnouncedService, endpoints: ServingEndpoints, node: NodeView): Silent | undefined {
  if (service.isLocal) return endpoints.nodes.has(node.name) ? undefined : silentNode(node, 'noLocalEndpoints')
  if (endpoints.anywhere) return undefined
  return silent('noEndpoints', `${service.key} has no endpoint that can serve`)
}

function silentNode(node: NodeView, reason: Parameters<typeof nodeReasonSentence>[1]): Silent {
  return silent(reason, nodeReasonSentence(node.name, reason))
}
