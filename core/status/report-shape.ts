import type { ObjectMeta, OwnerReference } from '../../crds/index.ts'

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
  /** Objects whose `status` is to be replaced by this one; null removes a field. */
  readonly update: readonly ReportUpdate[]
  /** Names of objects. */
  readonly remove: readonly string[]
}

export interface ReportUpdate {
  readonly name: string
  readonly status: object
  /** To be set, or with null removed; absent = they are right. */
  readonly annotations?: Readonly<Record<string, string | null>>
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

interface Report {
  readonly metadata: ObjectMeta
  readonly status?: { readonly node?: string }
}

/** Who wrote a report. By the status, or, where that names nobody, by the label. */
export function writerOf(report: Report): string | undefined {
  return report.status?.node ?? report.metadata.labels?.[LABELS.node]
}

export function namesOf(reports: readonly Report[]): readonly string[] {
  return reports.map((report) => report.metadata.name!)
}

/** Everything of a new report but its status. */
export function reportHead<Kind extends string>(
  kind: Kind,
  generateName: string,
  reporter: Reporter,
  service: ReportedService,
) {
  const labels = { [LABELS.node]: reporter.node, ...reportLabels(service) }
  const metadata: ObjectMeta = { generateName, namespace: reporter.namespace, labels }
  if (reporter.owner !== undefined) metadata.ownerReferences = [reporter.owner]
  return { apiVersion: 'metallb.io/v1beta1', kind, metadata } as const
}
