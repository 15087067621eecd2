/** ServiceL2Status: tells the cluster which node answers for a Service. The one who answers writes, and tidies up. */
import { layer2Report, type ReportedService, type Reporter } from '../core/status/index.ts'
import type { ServiceL2Status } from '../crds/index.ts'
import {
  type Client,
  DONE,
  type KubernetesObject,
  metallbResource,
  nameOfKey,
  type Outcome,
  type ReadonlyStore,
  type Resource,
  unless,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'

export type StoredReport = ServiceL2Status & KubernetesObject

export const SERVICE_L2_STATUSES: Resource<StoredReport> = metallbResource(
  'ServiceL2Status',
  'servicel2statuses',
  'v1beta1',
)

/** Name of the index of reports by `namespace/name` of their Service. */
export const BY_REPORTED_SERVICE = 'reported-service'

export function reportedServiceKeys({ metadata, status }: StoredReport): readonly string[] {
  const labels = metadata.labels ?? {}
  const namespace = status?.serviceNamespace ?? labels['metallb.io/service-namespace']
  const name = status?.serviceName ?? labels['metallb.io/service-name']
  return namespace === undefined || name === undefined ? [] : [`${namespace}/${name}`]
}

export interface Layer2ReportsOptions {
  readonly client: Pick<Client, 'create' | 'patch' | 'delete'>
  readonly reporter: () => Promise<Reporter>
  readonly reports: ReadonlyStore<StoredReport>
  /** On which interfaces this node answers for the Service; [] = all; undefined = it does not. */
  readonly interfacesOf: (key: string) => readonly string[] | undefined
  /** This node has begun to answer for the Service. */
  readonly onAssigned: (key: string) => void
  readonly clock: Clock
}

/** A report that we created is taken for present for so long before the informer has shown it. */
const UNSEEN_MS = 5_000

export class Layer2Reports {
  readonly #options: Layer2ReportsOptions
  /** Created by us and perhaps not seen yet, by Service. */
  readonly #created = new Map<string, { readonly report: StoredReport; readonly untilMs: number }>()

  constructor(options: Layer2ReportsOptions) {
    this.#options = options
  }

  /** Makes the reports on one Service right. */
  async reconcile(key: string): Promise<Outcome> {
    const { interfacesOf, reporter } = this.#options
    const { namespace, name } = nameOfKey(key)
    const service: ReportedService = { namespace: namespace ?? '', name }
    const observed = this.#observed(key)
    const changes = layer2Report(await reporter(), service, interfacesOf(key), observed)
    for (const report of changes.create) await this.#create(key, report as StoredReport)
    for (const { name: report, status } of changes.update) await this.#write(report, status, observed)
    for (const report of changes.remove) await this.#remove(report, observed)
    return DONE
  }

  #observed(key: string): readonly StoredReport[] {
    const seen = this.#options.reports.by(BY_REPORTED_SERVICE, key)
    const created = this.#created.get(key)
    if (created === undefined) return seen
    const isSeen = seen.some(({ metadata }) => metadata.name === created.report.metadata.name)
    if (!isSeen && this.#options.clock.now() < created.untilMs) return [...seen, created.report]
    this.#created.delete(key)
    return seen
  }

  async #create(key: string, report: StoredReport): Promise<void> {
    const { client, clock, onAssigned } = this.#options
    onAssigned(key)
    const created = await client.create(SERVICE_L2_STATUSES, report)
    const complete = { ...created, status: report.status } as StoredReport
    this.#created.set(key, { report: complete, untilMs: clock.now() + UNSEEN_MS })
    await this.#write(created.metadata.name, report.status ?? {}, [complete])
  }

  async #write(name: string, status: object, observed: readonly StoredReport[]): Promise<void> {
    const namespace = namespaceOf(name, observed)
    const patch = this.#options.client.patch(
      SERVICE_L2_STATUSES,
      { namespace, name },
      { status },
      { subresource: 'status' },
    )
    await unless(['not-found'], patch)
  }

  /** Somebody else may have removed it first. */
  async #remove(name: string, observed: readonly StoredReport[]): Promise<void> {
    const namespace = namespaceOf(name, observed)
    for (const [key, { report }] of this.#created) if (report.metadata.name === name) this.#created.delete(key)
    await unless(['not-found'], this.#options.client.delete(SERVICE_L2_STATUSES, { namespace, name }))
  }
}

function namespaceOf(name: string, observed: readonly StoredReport[]): string | undefined {
  return observed.find(({ metadata }) => metadata.name === name)?.metadata.namespace
}
