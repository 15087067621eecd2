import type { ObjectMeta, OwnerReference, ServiceBGPStatus, ServiceL2Status } from '../../crds/index.ts'

/** The speaker that reports, and where its reports live. */
export interface Reporter {
  readonly node: string
  /** The install namespace. */
  readonly namespace: string
  /** Its Pod: with it the reports go. */
  readonly owner: OwnerReference | undefined
}

export interface ReportedService {
  readonly namespace: string
  readonly name: string
}

/** What is to be done so that the reports on one Service are right; nothing where all three lists are empty. */
export interface ReportChanges<Report> {
  readonly create: readonly Report[]
  /** Objects whose `status` is to be replaced by this one. */
  readonly update: readonly { readonly name: string; readonly status: object }[]
  /** Names of objects. */
  readonly remove: readonly string[]
}

const LABELS = {
  node: 'metallb.io/node',
  serviceName: 'metallb.io/service-name',
  serviceNamespace: 'metallb.io/service-namespace',
} as const

/** Labels by which the reports on a Service are found. */
export function reportLabels(service: ReportedService): Readonly<Record<string, string>> {
  return { [LABELS.serviceName]: service.name, [LABELS.serviceNamespace]: service.namespace }
}

/**
 * ServiceL2Status: exactly one a Service, by the node that answers. `interfaces` are those it answers on ([] = all), or
 * undefined where this node does not answer; `observed` are all reports on the Service. The new announcer removes what
 * others have left; who does not answer removes its own only.
 */
export function layer2Report(
  reporter: Reporter,
  service: ReportedService,
  interfaces: readonly string[] | undefined,
  observed: readonly ServiceL2Status[],
): ReportChanges<ServiceL2Status> {
  const own = observed.filter((report) => nodeOf(report) === reporter.node)
  if (interfaces === undefined) return { create: [], update: [], remove: names(own) }
  const status = { ...subject(reporter, service), interfaces: interfaces.map((name) => ({ name })) }
  const [kept, ...duplicates] = own
  const remove = names([...observed.filter((report) => !own.includes(report)), ...duplicates])
  if (kept === undefined)
    return { create: [{ ...head('ServiceL2Status', 'l2-', reporter, service), status }], update: [], remove }
  const shown = kept.status?.interfaces?.map(({ name = '' }) => name) ?? []
  const isRight = kept.status?.node !== undefined && shown.join() === interfaces.join()
  return { create: [], update: isRight ? [] : [{ name: kept.metadata.name!, status }], remove }
}

/**
 * ServiceBGPStatus: one a Service and node. `peers` are names of the BGPPeers that the routes are handed to, or
 * undefined where this node does not announce; only this node's reports are touched.
 */
export function bgpReport(
  reporter: Reporter,
  service: ReportedService,
  peers: readonly string[] | undefined,
  observed: readonly ServiceBGPStatus[],
): ReportChanges<ServiceBGPStatus> {
  const own = observed.filter((report) => nodeOf(report) === reporter.node)
  if (peers === undefined) return { create: [], update: [], remove: names(own) }
  const sorted = [...new Set(peers)].sort()
  const status = { ...subject(reporter, service), peers: sorted }
  const [kept, ...duplicates] = own
  const remove = names(duplicates)
  if (kept === undefined)
    return { create: [{ ...head('ServiceBGPStatus', 'bgp-', reporter, service), status }], update: [], remove }
  const isRight = kept.status?.node !== undefined && (kept.status.peers ?? []).join() === sorted.join()
  return { create: [], update: isRight ? [] : [{ name: kept.metadata.name!, status }], remove }
}

interface Report {
  readonly metadata: ObjectMeta
  readonly status?: { readonly node?: string }
}

/** By the status, or, where its writer died before that, by the label. */
function nodeOf(report: Report): string | undefined {
  return report.status?.node ?? report.metadata.labels?.[LABELS.node]
}

function names(reports: readonly Report[]): readonly string[] {
  return reports.map((report) => report.metadata.name!)
}

function subject(reporter: Reporter, service: ReportedService) {
  return { node: reporter.node, serviceName: service.name, serviceNamespace: service.namespace }
}

function head<Kind extends string>(kind: Kind, generateName: string, reporter: Reporter, service: ReportedService) {
  const labels = { [LABELS.node]: reporter.node, ...reportLabels(service) }
  const metadata: ObjectMeta = { generateName, namespace: reporter.namespace, labels }
  if (reporter.owner !== undefined) metadata.ownerReferences = [reporter.owner]
  return { apiVersion: 'metallb.io/v1beta1', kind, metadata } as const
}
