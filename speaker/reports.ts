/** This node's reports on Services, as objects on the API server: what ServiceL2Status and ServiceBGPStatus have in common. */
import type { ReportChanges, ReportUpdate } from '../core/status/index.ts'
import {
  type Client,
  DONE,
  type KubernetesObject,
  type Outcome,
  type ReadonlyStore,
  type Resource,
  unless,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { BY_REPORTED_SERVICE } from './reported-service.ts'

export interface ReportsOptions<Report extends KubernetesObject> {
  readonly client: Pick<Client, 'create' | 'patch' | 'delete'>
  readonly resource: Resource<Report>
  /** What the informer shows. */
  readonly shown: ReadonlyStore<Report>
  readonly clock: Clock
}

/** A report that we created is taken for present for so long before the informer has shown it. */
const UNSEEN_MS = 5_000

export class Reports<Report extends KubernetesObject & { readonly status?: object }> {
  readonly #options: ReportsOptions<Report>
  /** Created by us and perhaps not seen yet, by Service. */
  readonly #created = new Map<string, { readonly report: Report; readonly untilMs: number }>()

  constructor(options: ReportsOptions<Report>) {
    this.#options = options
  }

  /** All reports on a Service, in whatever node's name. */
  on(key: string): readonly Report[] {
    const { shown, clock } = this.#options
    const seen = shown.by(BY_REPORTED_SERVICE, key)
    const created = this.#created.get(key)
    if (created === undefined) return seen
    const isSeen = seen.some(({ metadata }) => metadata.name === created.report.metadata.name)
    if (!isSeen && clock.now() < created.untilMs) return [...seen, created.report]
    this.#created.delete(key)
    return seen
  }

  /**
   * Makes the reports on one Service right. All lie in the install namespace.
   * @returns a retry while the informer has not shown what we created: somebody may have removed it before it could
   */
  async change(key: string, namespace: string, changes: ReportChanges<unknown>): Promise<Outcome> {
    for (const report of changes.create) await this.#create(key, namespace, report as Report)
    for (const update of changes.update) await this.#write(namespace, update)
    for (const name of changes.remove) await this.#remove(key, namespace, name)
    const created = this.#created.get(key)
    if (created === undefined) return DONE
    const afterMs = Math.max(0, created.untilMs - this.#options.clock.now())
    return { kind: 'retry', because: 'the report that was created has not been seen yet', afterMs }
  }

  /** The informer has shown that a report is no more. */
  removed(key: string, name: string): void {
    if (this.#created.get(key)?.report.metadata.name === name) this.#created.delete(key)
  }

  async #create(key: string, namespace: string, report: Report): Promise<void> {
    const { client, resource, clock } = this.#options
    const { metadata } = await client.create(resource, report)
    this.#created.set(key, { report: { ...report, metadata }, untilMs: clock.now() + UNSEEN_MS })
    await this.#write(namespace, { name: metadata.name, status: report.status ?? {} })
  }

  async #write(namespace: string, { name, status, annotations }: ReportUpdate): Promise<void> {
    const { client, resource } = this.#options
    const target = { namespace, name }
    await unless(['not-found'], client.patch(resource, target, { status }, { subresource: 'status' }))
    // The status subresource takes no annotations.
    if (annotations === undefined) return
    await unless(['not-found'], client.patch(resource, target, { metadata: { annotations } }))
  }

  /** Somebody else may have removed it first. */
  async #remove(key: string, namespace: string, name: string): Promise<void> {
    this.removed(key, name)
    await unless(['not-found'], this.#options.client.delete(this.#options.resource, { namespace, name }))
  }
}
