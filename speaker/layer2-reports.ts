/** ServiceL2Status: tells the cluster which node answers for a Service. The one who answers writes, and tidies up. */
import {
  type Layer2Standing,
  layer2Report,
  type ReportedService,
  type Reporter,
  writerOf,
} from '../core/status/index.ts'
import type { ServiceL2Status } from '../crds/index.ts'
import {
  type Client,
  type KubernetesObject,
  nameOfKey,
  type Outcome,
  type ReadonlyStore,
  SERVICE_L2_STATUSES,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { Reports } from './reports.ts'
import { Shared } from './shared.ts'

export type StoredReport = ServiceL2Status & KubernetesObject

/** How this node stands to a Service; how long it has done so is found out here. */
export type Situation = Exclude<Layer2Standing, { readonly kind: 'yields' }> | { readonly kind: 'yields' }

type Status = NonNullable<ServiceL2Status['status']>

const texts = new Shared<string>()
const interfaceLists = new Shared<NonNullable<Status['interfaces']>>()

/**
 * What is kept of a report in memory: every node has all of them, so what they say alike is kept once. Labels say of whom
 * it is until the status does.
 */
export function keepReport({ metadata, status }: StoredReport): StoredReport {
  const { name, namespace, labels, annotations, creationTimestamp } = metadata
  const isTold = status?.serviceName !== undefined && status.serviceNamespace !== undefined
  const kept = {
    name,
    namespace: textOf(namespace),
    labels: isTold && status.node !== undefined ? undefined : labels,
    annotations,
    creationTimestamp,
  }
  return { metadata: kept, status: status && keepStatus(status) } as unknown as StoredReport
}

function keepStatus({ node, serviceName, serviceNamespace, interfaces, conditions }: Status): Status {
  const names = interfaces?.map(({ name }) => name).join() ?? ''
  return {
    node: textOf(node),
    serviceName,
    serviceNamespace: textOf(serviceNamespace),
    interfaces: interfaces && interfaceLists.of(names, interfaces),
    conditions,
  } as Status
}

function textOf<Text extends string | undefined>(text: Text): Text {
  return text === undefined ? text : (texts.of(text, text) as Text)
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

/**
 * The report of a node that is to keep the address is not replaced sooner than this, although we answer: we are about to
 * be told to hand over. If we are not, that node cannot answer. Without this the two would replace each other's reports.
 */
const OUTRANKED_MS = 1_000
/** Who ceased to answer leaves its report to the successor for so long. */
const SUCCESSION_MS = 5_000

export class Layer2Reports {
  readonly #options: Layer2ReportsOptions
  readonly #reports: Reports<StoredReport>
  /** Services whose reports are left as they are for a moment, and until when. */
  readonly #pending = new Map<string, { readonly kind: Situation['kind']; readonly untilMs: number }>()

  constructor(options: Layer2ReportsOptions) {
    this.#options = options
    this.#reports = new Reports({ ...options, resource: SERVICE_L2_STATUSES, shown: options.reports })
  }

  /** Makes the reports on one Service right. */
  async reconcile(key: string): Promise<Outcome> {
    const { situationOf, reporter, clock } = this.#options
    const self = await reporter()
    const observed = this.#reports.on(key)
    const situation = situationOf(key)
    const waitMs = this.#waitMs(key, situation, self.node, observed)
    if (waitMs > 0) return { kind: 'retry', because: 'another node is to report', afterMs: waitMs }
    const standing = situation.kind === 'yields' ? { ...situation, isOverdue: true } : situation
    const { namespace, name } = nameOfKey(key)
    const service: ReportedService = { namespace: namespace ?? '', name }
    const changes = layer2Report(self, service, standing, observed, clock.wall())
    const isNew = standing.kind === 'answers' && observed.every(({ status }) => status?.node !== self.node)
    if (isNew) this.#options.onAssigned(key)
    return this.#reports.change(key, self.namespace, changes)
  }

  /** The informer has shown that a report on the Service is no more. */
  removed(key: string, name: string): void {
    this.#reports.removed(key, name)
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
}
