/** ServiceL2Status: tells the cluster which node answers for a Service. The one who answers writes, and tidies up. */
import {
  type Layer2Standing,
  layer2Report,
  type ReportedService,
  type Reporter,
  type ReportUpdate,
  writerOf,
} from '../core/status/index.ts'
import type { ServiceL2Status } from '../crds/index.ts'
import {
  type Client,
  DONE,
  type KubernetesObject,
  nameOfKey,
  type Outcome,
  type ReadonlyStore,
  SERVICE_L2_STATUSES,
  unless,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { BY_REPORTED_SERVICE } from './reported-service.ts'

export type StoredReport = ServiceL2Status & KubernetesObject

/** How this node stands to a Service; how long it has done so is found out here. */
export type Situation = Exclude<Layer2Standing, { readonly kind: 'yields' }> | { readonly kind: 'yields' }

/** What is kept of a report in memory. */
export function keepReport({ metadata, ...report }: StoredReport): StoredReport {
  const { name, namespace, labels, annotations, creationTimestamp } = metadata
  return { ...report, metadata: { name, namespace, labels, annotations, creationTimestamp } } as StoredReport
}

export interface Layer2ReportsOptions {
  readonly client: Pick<Client, 'create' | 'patch' | 'delete'>
  readonly reporter: () => Promise<Reporter>
  readonly reports: ReadonlyStore<StoredReport>
  readonly situationOf: (key: string) => Situation
  /** Whether a node that is alive may rather answer for the Service than this one. */
  readonly isPreferred: (key: string, node: string) => boolean
  /** This node has begun to answer for the Service. */
  readonly onAssigned: (key: string) => void
  readonly clock: Clock
}

/** A report that we created is taken for present for so long before the informer has shown it. */
const UNSEEN_MS = 5_000
/**
 * The report of a node that is to keep the address is not replaced sooner than this, although we answer: we are about to
 * be told to hand over. If we are not, that node cannot answer. Without this the two would replace each other's reports.
 */
const OUTRANKED_MS = 1_000
/** Who ceased to answer leaves its report to the successor for so long. */
const SUCCESSION_MS = 5_000

export class Layer2Reports {
  readonly #options: Layer2ReportsOptions
  /** Created by us and perhaps not seen yet, by Service. */
  readonly #created = new Map<string, { readonly report: StoredReport; readonly untilMs: number }>()
  /** Services whose reports are left as they are for a moment, and until when. */
  readonly #pending = new Map<string, { readonly kind: Situation['kind']; readonly untilMs: number }>()

  constructor(options: Layer2ReportsOptions) {
    this.#options = options
  }

  /** Makes the reports on one Service right. */
  async reconcile(key: string): Promise<Outcome> {
    const { situationOf, reporter, clock } = this.#options
    const self = await reporter()
    const observed = this.#observed(key)
    const situation = situationOf(key)
    const waitMs = this.#waitMs(key, situation, self.node, observed)
    if (waitMs > 0) return { kind: 'retry', because: 'another node is to report', afterMs: waitMs }
    const standing = situation.kind === 'yields' ? { ...situation, isOverdue: true } : situation
    const { namespace, name } = nameOfKey(key)
    const service: ReportedService = { namespace: namespace ?? '', name }
    const changes = layer2Report(self, service, standing, observed, clock.wall())
    const isNew = standing.kind === 'answers' && observed.every(({ status }) => status?.node !== self.node)
    if (isNew) this.#options.onAssigned(key)
    for (const report of changes.create) await this.#create(key, report as StoredReport)
    for (const update of changes.update) await this.#write(update, observed)
    for (const report of changes.remove) await this.#remove(report, observed)
    return DONE
  }

  /** 0 = now is the time. */
  #waitMs(key: string, situation: Situation, self: string, observed: readonly StoredReport[]): number {
    const limitMs = this.#patienceMs(key, situation, self, observed)
    const pending = this.#pending.get(key)
    if (limitMs === 0) {
      this.#pending.delete(key)
      return 0
    }
    const now = this.#options.clock.now()
    const untilMs = pending?.kind === situation.kind ? pending.untilMs : now + limitMs
    this.#pending.set(key, { kind: situation.kind, untilMs })
    return Math.max(0, untilMs - now)
  }

  #patienceMs(key: string, { kind }: Situation, self: string, observed: readonly StoredReport[]): number {
    if (kind === 'withdrawn') return 0
    const others = observed.filter((report) => writerOf(report) !== self)
    if (kind === 'yields') return observed.length > 0 && others.length === 0 ? SUCCESSION_MS : 0
    const isOutranked = others.some(({ status }) => {
      return status?.node !== undefined && this.#options.isPreferred(key, status.node)
    })
    return isOutranked ? OUTRANKED_MS : 0
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
    const { client, clock } = this.#options
    const created = await client.create(SERVICE_L2_STATUSES, report)
    const complete = { ...created, status: report.status } as StoredReport
    this.#created.set(key, { report: complete, untilMs: clock.now() + UNSEEN_MS })
    await this.#write({ name: created.metadata.name, status: report.status ?? {} }, [complete])
  }

  async #write({ name, status, annotations }: ReportUpdate, observed: readonly StoredReport[]): Promise<void> {
    const { client } = this.#options
    const target = { namespace: namespaceOf(name, observed), name }
    const options = { subresource: 'status' }
    await unless(['not-found'], client.patch(SERVICE_L2_STATUSES, target, { status }, options))
    // The status subresource takes no annotations.
    if (annotations === undefined) return
    await unless(['not-found'], client.patch(SERVICE_L2_STATUSES, target, { metadata: { annotations } }))
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
