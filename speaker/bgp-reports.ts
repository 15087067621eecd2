/** ServiceBGPStatus: tells the cluster to which peers this node hands the routes of a Service. Each node has its own. */
import { bgpReport, type Reporter, type ReportUpdate } from '../core/status/index.ts'
import type { ServiceBGPStatus } from '../crds/index.ts'
import {
  type Client,
  DONE,
  type KubernetesObject,
  nameOfKey,
  type Outcome,
  type ReadonlyStore,
  SERVICE_BGP_STATUSES,
  unless,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { BY_REPORTED_SERVICE } from './reported-service.ts'

export type StoredBgpReport = ServiceBGPStatus & KubernetesObject

export interface BgpReportsOptions {
  readonly client: Pick<Client, 'create' | 'patch' | 'delete'>
  readonly reporter: () => Promise<Reporter>
  readonly reports: ReadonlyStore<StoredBgpReport>
  /** undefined = this node does not announce the Service. */
  readonly peersOf: (key: string) => readonly string[] | undefined
  /** This node has begun to announce the Service. */
  readonly onAssigned: (key: string) => void
  readonly clock: Clock
}

/** A report that we created is taken for present for so long before the informer has shown it. */
const UNSEEN_MS = 5_000

export class BgpReports {
  readonly #options: BgpReportsOptions
  /** Created by us and perhaps not seen yet, by Service. */
  readonly #created = new Map<string, { readonly report: StoredBgpReport; readonly untilMs: number }>()

  constructor(options: BgpReportsOptions) {
    this.#options = options
  }

  /** Makes this node's report on one Service right. */
  async reconcile(key: string): Promise<Outcome> {
    const { peersOf, reporter, onAssigned } = this.#options
    const self = await reporter()
    const observed = this.#observed(key)
    const { namespace, name } = nameOfKey(key)
    const changes = bgpReport(self, { namespace: namespace ?? '', name }, peersOf(key), observed)
    if (changes.create.length > 0) onAssigned(key)
    for (const report of changes.create) await this.#create(key, report as StoredBgpReport)
    for (const update of changes.update) await this.#write(self.namespace, update)
    for (const report of changes.remove) await this.#remove(self.namespace, report)
    return DONE
  }

  #observed(key: string): readonly StoredBgpReport[] {
    const seen = this.#options.reports.by(BY_REPORTED_SERVICE, key)
    const created = this.#created.get(key)
    if (created === undefined) return seen
    const isSeen = seen.some(({ metadata }) => metadata.name === created.report.metadata.name)
    if (!isSeen && this.#options.clock.now() < created.untilMs) return [...seen, created.report]
    this.#created.delete(key)
    return seen
  }

  async #create(key: string, report: StoredBgpReport): Promise<void> {
    const { client, clock } = this.#options
    const created = await client.create(SERVICE_BGP_STATUSES, report)
    const complete = { ...created, status: report.status } as StoredBgpReport
    this.#created.set(key, { report: complete, untilMs: clock.now() + UNSEEN_MS })
    const { name, namespace = '' } = created.metadata
    await this.#write(namespace, { name, status: report.status ?? {} })
  }

  async #write(namespace: string, { name, status }: ReportUpdate): Promise<void> {
    const options = { subresource: 'status' }
    await unless(
      ['not-found'],
      this.#options.client.patch(SERVICE_BGP_STATUSES, { namespace, name }, { status }, options),
    )
  }

  /** Somebody else may have removed it first. */
  async #remove(namespace: string, name: string): Promise<void> {
    for (const [key, { report }] of this.#created) if (report.metadata.name === name) this.#created.delete(key)
    await unless(['not-found'], this.#options.client.delete(SERVICE_BGP_STATUSES, { namespace, name }))
  }
}
