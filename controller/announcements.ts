/** What the speakers report: who announces which Service, and which addresses somebody outside uses. */
import { conflictsIn, isAnnounced, isWithheld, type ReportedConflict } from '../core/status/index.ts'
import type { ServiceBGPStatus, ServiceL2Status } from '../crds/index.ts'
import {
  type Change,
  type Follow,
  type KubernetesObject,
  type ReadonlyStore,
  SERVICE_BGP_STATUSES,
  SERVICE_L2_STATUSES,
} from '../operator/index.ts'

/** What is kept of a report; ten thousand of them must not weigh much. */
interface KeptReport {
  /** `namespace/name` of the Service that it is about; '' = it does not say. */
  readonly service: string
  readonly node: string
  readonly standing: 'announced' | 'beginning' | 'withheld'
  readonly conflicts: readonly ReportedConflict[]
  /** Layer 2: names of interfaces, [] = all. BGP: names of the BGPPeers that have the routes. */
  readonly over: readonly string[]
}

/** A node that announces a Service, and over what: see `KeptReport.over`. */
export interface AnnouncingNode {
  readonly node: string
  readonly over: readonly string[]
}

export interface SeenConflict extends ReportedConflict {
  readonly node: string
}

const BY_SERVICE = 'service'
const NO_CONFLICTS: readonly ReportedConflict[] = []

export class Announcements {
  readonly #layer2: ReadonlyStore<KeptReport>
  readonly #bgp: ReadonlyStore<KeptReport>
  /** Reports that name a conflict, by kind and key: they are few. */
  readonly #conflicting = new Map<string, KeptReport>()
  readonly #listeners: ((report: { readonly service: string; readonly hasConflict: boolean }) => void)[] = []

  /** @param namespace where the speakers write their reports */
  constructor(follow: Follow, namespace: string) {
    const indexes = { [BY_SERVICE]: (report: KeptReport) => [report.service] }
    const options = { selection: { namespace }, transform: keepReport, indexes }
    const layer2 = follow(SERVICE_L2_STATUSES, options)
    const bgp = follow(SERVICE_BGP_STATUSES, options)
    this.#layer2 = layer2.store
    this.#bgp = bgp.store
    layer2.onChange((change) => this.#changed('layer 2', change))
    bgp.onChange((change) => this.#changed('BGP', change))
  }

  /** Called after a report on a Service came, went or changed; `hasConflict`: it names a conflict, or did before. */
  onChange(listener: (report: { readonly service: string; readonly hasConflict: boolean }) => void): void {
    this.#listeners.push(listener)
  }

  /** Nodes that announce the Service, or begin to. */
  announcersOf(service: string): readonly string[] {
    const announcing = this.#of(service).filter(({ standing }) => standing !== 'withheld')
    return [...new Set(announcing.map(({ node }) => node))].sort()
  }

  /** Whether people can have reached the Service. */
  isServed(service: string): boolean {
    return this.#of(service).some(({ standing }) => standing === 'announced')
  }

  /** All conflicts that are reported now, in the order in which they were. */
  *conflicts(): Iterable<ReportedConflict> {
    for (const { conflicts } of this.#conflicting.values()) yield* conflicts
  }

  /** Who answers for the Service on layer 2, by node. */
  answering(service: string): readonly AnnouncingNode[] {
    return announcing(this.#layer2.by(BY_SERVICE, service))
  }

  /** Who announces routes to the Service, by node. */
  routing(service: string): readonly AnnouncingNode[] {
    return announcing(this.#bgp.by(BY_SERVICE, service))
  }

  /** Conflicts over addresses of the Service, each with the node that saw it. */
  conflictsOf(service: string): readonly SeenConflict[] {
    const reports = this.#layer2.by(BY_SERVICE, service)
    return reports.flatMap(({ node, conflicts }) => conflicts.map((conflict) => ({ ...conflict, node })))
  }

  #of(service: string): readonly KeptReport[] {
    return [this.#layer2, this.#bgp].flatMap((store) => store.by(BY_SERVICE, service))
  }

  #changed(kind: string, change: Change<KeptReport>): void {
    const id = `${kind} ${change.key}`
    const hadConflict = this.#conflicting.has(id)
    const report = change.kind === 'delete' ? undefined : change.object
    const hasConflict = report !== undefined && report.conflicts.length > 0
    if (hasConflict) this.#conflicting.set(id, report)
    else this.#conflicting.delete(id)
    const { service } = report ?? (change as { old: KeptReport }).old
    for (const listener of this.#listeners) listener({ service, hasConflict: hasConflict || hadConflict })
  }
}

function announcing(reports: readonly KeptReport[]): readonly AnnouncingNode[] {
  const announced = reports.filter(({ standing }) => standing === 'announced')
  return announced.map(({ node, over }) => ({ node, over })).sort((a, b) => (a.node < b.node ? -1 : 1))
}

type Report = (ServiceL2Status | ServiceBGPStatus) & KubernetesObject

function keepReport(report: Report): KeptReport {
  const { labels = {} } = report.metadata
  const { node, serviceName, serviceNamespace } = report.status ?? {}
  const name = serviceName ?? labels['metallb.io/service-name']
  const namespace = serviceNamespace ?? labels['metallb.io/service-namespace']
  const conflicts = conflictsIn(report)
  return {
    service: name === undefined || namespace === undefined ? '' : `${namespace}/${name}`,
    node: node ?? labels['metallb.io/node'] ?? '',
    standing: standingOf(report),
    conflicts: conflicts.length === 0 ? NO_CONFLICTS : conflicts,
    over: shared(overOf(report)),
  }
}

function overOf({ status = {} }: Report): readonly string[] {
  if ('peers' in status) return status.peers ?? []
  return 'interfaces' in status ? (status.interfaces ?? []).map(({ name = '' }) => name) : []
}

/** Ten thousand reports name a handful of lists. */
const LISTS = new Map<string, readonly string[]>()
/** More than any cluster has; what comes after is kept by each report for itself. */
const MOST_LISTS = 1_000

function shared(list: readonly string[]): readonly string[] {
  const text = list.join()
  const known = LISTS.get(text)
  if (known !== undefined || LISTS.size >= MOST_LISTS) return known ?? list
  LISTS.set(text, list)
  return list
}

function standingOf(report: Report): KeptReport['standing'] {
  if (isWithheld(report)) return 'withheld'
  return isAnnounced(report) ? 'announced' : 'beginning'
}
