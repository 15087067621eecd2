/** The cluster as `owners` and `drain` need it: where Services can be served, and who reports to answer for them. */
import {
  announcedServiceOf,
  ClusterView,
  DEFAULT_VIEW,
  decideLayer2,
  explainOrder,
  type Layer2Decision,
  type NodeView,
  type RankedNode,
  type ServingEndpoints,
  servingEndpoints,
} from '../core/announce/index.ts'
import { compile } from '../core/config/index.ts'
import { conflictsIn, type ReportedConflict } from '../core/status/index.ts'
import { ENDPOINT_SLICES, type EndpointSlice, keyOf, SERVICE_L2_STATUSES, type Service } from '../operator/index.ts'
import { type ClusterState, listAll, type OnRead } from './cluster-state.ts'
import { asking, type Connection } from './connection.ts'

/** A ServiceL2Status that names a node. */
export interface Answering {
  readonly node: string
  /** [] = all. */
  readonly interfaces: readonly string[]
  /** RFC 3339: since when. */
  readonly since: string
}

export interface AnnouncedCluster {
  readonly state: ClusterState
  /** By `namespace/name` of the Service. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>
  /** The newest first. */
  readonly answering: ReadonlyMap<string, readonly Answering[]>
  readonly conflicts: ReadonlyMap<string, readonly ReportedConflict[]>
}

type Report = NonNullable<(typeof SERVICE_L2_STATUSES)['objects']>

/** @throws CannotRun */
export function readAnnouncedCluster(
  connection: Connection,
  state: ClusterState,
  onRead: OnRead,
): Promise<AnnouncedCluster> {
  return asking(connection, async () => {
    const [slices, reports] = await Promise.all([
      listAll(connection, ENDPOINT_SLICES, undefined, onRead),
      listAll(connection, SERVICE_L2_STATUSES, state.resources.namespace, onRead),
    ])
    return announcedCluster(state, slices, reports)
  })
}

export function announcedCluster(
  state: ClusterState,
  slices: readonly EndpointSlice[],
  reports: readonly Report[],
): AnnouncedCluster {
  const told = reports.map((report) => ({ key: serviceOfReport(report), report }))
  const newestFirst = told.toSorted((a, b) => (createdAt(a.report) < createdAt(b.report) ? 1 : -1))
  return {
    state,
    slices: grouped(slices, serviceOfSlice, (slice) => [slice]),
    answering: grouped(
      newestFirst,
      ({ key }) => key,
      ({ report }) => answeringOf(report),
    ),
    conflicts: grouped(
      told,
      ({ key }) => key,
      ({ report }) => conflictsIn(report),
    ),
  }
}

/** What the speakers decide for one Service, worked out anew. */
export interface Layer2View {
  readonly service: string
  /** As the status shows them. */
  readonly addresses: readonly string[]
  readonly decision: Layer2Decision
  /** Best first; [] where nobody may answer. */
  readonly order: readonly RankedNode[]
  /** The same, if nobody answered yet. */
  readonly freshOrder: readonly RankedNode[]
  readonly endpoints: ServingEndpoints
  readonly answering: readonly Answering[]
  readonly conflicts: readonly ReportedConflict[]
}

/**
 * Of all Services that have an address, in the order of their names.
 * @param nodes in place of the cluster's, to see what would be
 */
export function layer2Views(
  cluster: AnnouncedCluster,
  nodes: readonly NodeView[] = cluster.state.nodes,
): readonly Layer2View[] {
  const { snapshot } = compile(cluster.state.resources)
  // What flags tell the speakers is not known here; their defaults are.
  const view = new ClusterView(snapshot, nodes, DEFAULT_VIEW)
  return cluster.state.services
    .map((service) => layer2View(cluster, service, view))
    .filter(({ addresses, decision }) => addresses.length > 0 && isOurs(decision))
    .sort((a, b) => (a.service < b.service ? -1 : 1))
}

function layer2View(cluster: AnnouncedCluster, service: Service, view: ClusterView): Layer2View {
  const announced = announcedServiceOf(service, cluster.state.request.loadBalancerClass)
  const { key } = announced
  const endpoints = servingEndpoints(cluster.slices.get(key) ?? [])
  const answering = cluster.answering.get(key) ?? []
  const incumbents = answering.map(({ node }) => node)
  return {
    service: key,
    addresses: announced.ingress,
    decision: decideLayer2(announced, endpoints, view, incumbents),
    order: explainOrder(announced, endpoints, view, incumbents),
    freshOrder: explainOrder(announced, endpoints, view),
    ...{ endpoints, answering },
    conflicts: cluster.conflicts.get(key) ?? [],
  }
}

function isOurs(decision: Layer2Decision): boolean {
  return decision.kind === 'announce' || !['notLoadBalancer', 'otherLoadBalancerClass'].includes(decision.because)
}

function serviceOfSlice({ metadata }: EndpointSlice): string {
  return `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`
}

function serviceOfReport({ metadata, status }: Report): string {
  const { labels = {} } = metadata
  const namespace = status?.serviceNamespace ?? labels['metallb.io/service-namespace'] ?? ''
  return keyOf({ namespace, name: status?.serviceName ?? labels['metallb.io/service-name'] ?? '' })
}

function createdAt({ metadata }: Report): string {
  return metadata.creationTimestamp ?? ''
}

function answeringOf(report: Report): readonly Answering[] {
  const { node, interfaces = [] } = report.status ?? {}
  if (node === undefined) return []
  return [{ node, interfaces: interfaces.flatMap(({ name }) => name ?? []), since: createdAt(report) }]
}

function grouped<T, V>(
  all: readonly T[],
  keyFor: (item: T) => string,
  valuesOf: (item: T) => readonly V[],
): ReadonlyMap<string, readonly V[]> {
  const groups = new Map<string, V[]>()
  for (const item of all) {
    const group = groups.get(keyFor(item)) ?? []
    group.push(...valuesOf(item))
    groups.set(keyFor(item), group)
  }
  return groups
}
