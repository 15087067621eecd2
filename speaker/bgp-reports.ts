/** ServiceBGPStatus: tells the cluster to which peers this node hands the routes of a Service. Each node has its own. */
import { bgpReport, type Reporter } from '../core/status/index.ts'
import type { ServiceBGPStatus } from '../crds/index.ts'
import {
  type Client,
  type KubernetesObject,
  nameOfKey,
  type Outcome,
  type ReadonlyStore,
  SERVICE_BGP_STATUSES,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { Reports } from './reports.ts'

export type StoredBgpReport = ServiceBGPStatus & KubernetesObject

export interface BgpReportsOptions {
  readonly client: Pick<Client, 'create' | 'patch' | 'delete'>
  readonly reporter: () => Promise<Reporter>
  readonly reports: ReadonlyStore<StoredBgpReport>
  /** undefined = this node does not announce the Service. */
  readonly peersOf: (key: string) => readonly string[] | undefined
  /** This node has begun to announce the Service; called again with each attempt to write the report. */
  readonly onAssigned: (key: string) => void
  /** This node does not announce the Service, or does so no more. */
  readonly onWithdrawn: (key: string) => void
  readonly clock: Clock
}

export class BgpReports {
  readonly #options: BgpReportsOptions
  readonly #reports: Reports<StoredBgpReport>

  constructor(options: BgpReportsOptions) {
    this.#options = options
    this.#reports = new Reports({ ...options, resource: SERVICE_BGP_STATUSES, shown: options.reports })
  }

  /** Makes this node's report on one Service right. */
  async reconcile(key: string): Promise<Outcome> {
    const { peersOf, reporter, onAssigned, onWithdrawn } = this.#options
    const self = await reporter()
    const { namespace, name } = nameOfKey(key)
    const peers = peersOf(key)
    const changes = bgpReport(self, { namespace: namespace ?? '', name }, peers, this.#reports.on(key))
    if (peers === undefined) onWithdrawn(key)
    else if (changes.create.length > 0) onAssigned(key)
    return this.#reports.change(key, self.namespace, changes)
  }

  /** The informer has shown that a report on the Service is no more. */
  removed(key: string, name: string): void {
    this.#reports.removed(key, name)
  }
}
