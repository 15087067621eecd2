import { matchesAny } from '../config/selector.ts'
import type { L2Advertisement, Pool } from '../config/snapshot.ts'
import { type AnnouncedService, announceable } from './announced-service.ts'
import type { ClusterView, NodeView } from './cluster-view.ts'
import type { ServingEndpoints } from './endpoints.ts'
import { type RankedNode, rankCandidates } from './order.ts'
import { NODE_REASONS, type NodeReason, nodeReasonSentence, type Silent, silent } from './reasons.ts'

export interface ExcludedNode {
  readonly node: string
  readonly reason: NodeReason
}

export interface Layer2Announcement {
  readonly kind: 'announce'
  readonly pool: string
  /** Canonical text, in the order of the status. */
  readonly ips: readonly string[]
  /** Names of the nodes that may answer, best first: the first one alive owns all addresses of the Service. */
  readonly candidates: readonly string[]
  /** On which interfaces a candidate answers; a candidate that is not named, on all. */
  readonly interfacesOf: ReadonlyMap<string, readonly string[]>
  readonly excluded: readonly ExcludedNode[]
}

/** Thousands of Services have nothing to say here: they say it with one object. */
const ON_ALL: Layer2Announcement['interfacesOf'] = new Map()
const NONE: readonly ExcludedNode[] = []

export type Layer2Decision = Layer2Announcement | (Silent & { readonly excluded: readonly ExcludedNode[] })

/**
 * Which nodes are to answer for a Service on the local network. Every speaker computes the same from the same cluster;
 * who of the candidates is alive is not known here, but in the wire thread.
 * @param incumbents nodes that report that they answer for the Service, the newest report first
 */
export function decideLayer2(
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  view: ClusterView,
  incumbents: readonly string[] = [],
): Layer2Decision {
  const common = announceable(service, view.pools)
  if (common.kind === 'silent') return { ...common, excluded: NONE }
  const { pool, ips } = common
  const advertisements = advertisementsFor(service, endpoints, pool, view)
  if ('kind' in advertisements) return { ...advertisements, excluded: NONE }
  const { candidates, excluded } = judgeNodes(service, endpoints, advertisements, view)
  if (candidates.size === 0) return { ...nobody(service, excluded), excluded }
  const interfacesOf = interfacesOfEach(candidates, advertisements, view)
  // The first address decides for all: they move together.
  const ranked = rankCandidates(ips[0]!, candidates, advertisements, view, incumbents)
  const order = ranked.map(({ node }) => node)
  return { kind: 'announce', pool: pool.name, ips, candidates: order, interfacesOf, excluded }
}

/** The candidates of a decision with what gave them their places, for people; [] where nobody may answer. */
export function explainOrder(
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  view: ClusterView,
  incumbents: readonly string[] = [],
): readonly RankedNode[] {
  const common = announceable(service, view.pools)
  if (common.kind === 'silent') return []
  const advertisements = advertisementsFor(service, endpoints, common.pool, view)
  if ('kind' in advertisements) return []
  const { candidates } = judgeNodes(service, endpoints, advertisements, view)
  return rankCandidates(common.ips[0]!, candidates, advertisements, view, incumbents)
}

/** Steps 1 to 3: the advertisements of the pool that match the Service, or why there is nothing to elect. */
function advertisementsFor(
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  pool: Pool,
  view: ClusterView,
): readonly L2Advertisement[] | Silent {
  if (!endpoints.anywhere) return silent('noEndpoints', `${service.key} has no endpoint that can serve`)
  const reaching = view.l2AdvertisementsOf(pool)
  if (reaching.length === 0) {
    return silent('noMatchingAdvertisement', `no L2Advertisement reaches pool "${pool.name}"`)
  }
  const matching = reaching.filter((advertisement) => matchesAny(advertisement.serviceSelectors, service.labels))
  if (matching.length === 0) {
    const names = reaching.map(({ name }) => `"${name}"`).join(', ')
    return silent(
      'noMatchingAdvertisement',
      `the labels of ${service.key} are not selected by L2Advertisement ${names}`,
    )
  }
  // Sharers must be announced by one node; selectors could send them to different ones.
  const selective = matching.find((advertisement) => advertisement.serviceSelectors.length > 0)
  if (service.hasSharingAnnotation && selective !== undefined) {
    const detail = `${service.key} has allow-shared-ip, and L2Advertisement "${selective.name}" has serviceSelectors`
    return silent('sharedIPWithServiceSelector', detail)
  }
  return matching
}

/** Steps 4 to 6. */
function judgeNodes(
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  advertisements: readonly L2Advertisement[],
  view: ClusterView,
): { candidates: ReadonlySet<string>; excluded: readonly ExcludedNode[] } {
  const candidates = new Set<string>()
  const excluded: ExcludedNode[] = []
  for (const node of view.nodes) {
    const reason = reasonAgainst(node, service, endpoints, advertisements, view)
    if (reason === undefined) candidates.add(node.name)
    else excluded.push({ node: node.name, reason })
  }
  return { candidates, excluded: excluded.length === 0 ? NONE : excluded }
}

function reasonAgainst(
  node: NodeView,
  service: AnnouncedService,
  endpoints: ServingEndpoints,
  advertisements: readonly L2Advertisement[],
  view: ClusterView,
): NodeReason | undefined {
  if (!advertisements.some((one) => view.selectedBy(one).has(node.name))) return 'noMatchingAdvertisement'
  if (node.isNetworkUnavailable) return 'nodeNetworkUnavailable'
  if (view.isExcluded(node)) return 'nodeLabeledExcludeBalancers'
  if (service.isLocal && !endpoints.nodes.has(node.name)) return 'noLocalEndpoints'
  // MetalLB lets such a node win, and then nobody answers.
  const wanted = interfacesFor(node.name, advertisements, view)
  if (
    wanted !== undefined &&
    node.interfaces !== undefined &&
    !wanted.some((name) => node.interfaces!.includes(name))
  ) {
    return 'noUsableInterface'
  }
  return undefined
}

function interfacesOfEach(
  candidates: Iterable<string>,
  advertisements: readonly L2Advertisement[],
  view: ClusterView,
): Layer2Announcement['interfacesOf'] {
  if (advertisements.every(({ interfaces }) => interfaces.length === 0)) return ON_ALL
  const interfacesOf = new Map<string, readonly string[]>()
  for (const name of candidates) {
    const interfaces = interfacesFor(name, advertisements, view)
    if (interfaces !== undefined) interfacesOf.set(name, interfaces)
  }
  return interfacesOf
}

/** Union over the advertisements that match Service and node; one without `interfaces` means all: undefined. */
function interfacesFor(
  node: string,
  advertisements: readonly L2Advertisement[],
  view: ClusterView,
): readonly string[] | undefined {
  const names = new Set<string>()
  for (const advertisement of advertisements) {
    if (!view.selectedBy(advertisement).has(node)) continue
    if (advertisement.interfaces.length === 0) return undefined
    for (const name of advertisement.interfaces) names.add(name)
  }
  return [...names].sort()
}

/** Nobody may answer: the check that came furthest names the reason, and all nodes are told of. */
function nobody(service: AnnouncedService, excluded: readonly ExcludedNode[]): Silent {
  if (excluded.length === 0) return silent('notOwner', `no node runs a speaker that could announce ${service.key}`)
  const because = NODE_REASONS.findLast((reason) => excluded.some((node) => node.reason === reason))!
  return silent(because, excluded.map(({ node, reason }) => nodeReasonSentence(node, reason)).join('; '))
}

/** One address that some node is to answer for, as one node's wire thread wants it. */
export interface AddressForNode {
  readonly ip: string
  readonly candidates: readonly string[]
  /** Of this node; undefined = all. */
  readonly interfaces: readonly string[] | undefined
}

/** The decision as `node` puts it into effect; nothing for a Service that is not announced. */
export function addressesForNode(decision: Layer2Decision, node: string): readonly AddressForNode[] {
  if (decision.kind === 'silent') return []
  const { candidates, interfacesOf } = decision
  return decision.ips.map((ip) => ({ ip, candidates, interfaces: interfacesOf.get(node) }))
}

/**
 * An address whose pool went away while it is announced stays announced until the Service's status changes: the
 * controller moves the Service, and until it does the address is better answered for than not. So with BGP as with layer 2.
 */
export function keepAnnounced<Decision extends { readonly kind: 'announce'; readonly ips: readonly string[] } | Silent>(
  before: Decision | undefined,
  now: Decision,
  ips: readonly string[],
): Decision {
  if (now.kind !== 'silent' || now.because !== 'ipNotAllowed') return now
  if (before?.kind !== 'announce') return now
  return before.ips.join() === ips.join() ? before : now
}
