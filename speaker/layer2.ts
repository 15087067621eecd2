/** All that the main thread does about layer 2: it decides who may answer, and tells the cluster who does. */
import type { NodeView, ViewOptions } from '../core/announce/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { Reporter } from '../core/status/index.ts'
import {
  type Informer,
  type InvarOperator,
  type ReadonlyStore,
  SERVICE_L2_STATUSES,
  type Service,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { Announcer } from './announcer.ts'
import { incumbentsOf, sharersOf } from './incumbents.ts'
import type { KeptSlice } from './kept.ts'
import { Layer2Observer } from './layer2-observer.ts'
import { keepReport, Layer2Reports, type StoredReport } from './layer2-reports.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'
import type { SpeakerEvent } from './speaker-event.ts'
import type { FromWire, ToWire } from './wire/messages.ts'

export interface SpeakerLayer2Options {
  readonly program: Pick<InvarOperator, 'follow' | 'work' | 'client'>
  readonly node: string
  readonly namespace: string
  readonly view: ViewOptions
  readonly loadBalancerClass: string
  readonly services: ReadonlyStore<Service>
  readonly slices: ReadonlyStore<KeptSlice>
  readonly nodes: ReadonlyStore<NodeView>
  readonly clock: Clock
  readonly log: Log
  readonly post: (message: ToWire) => void
  readonly reporter: () => Promise<Reporter>
  /** On a Service, by key. */
  readonly raise: (key: string, event: Omit<SpeakerEvent, 'object'>) => void
  /** What the topic told of a Service is over. */
  readonly forget: (key: string, topic: string) => void
  /** One piece of work was done. */
  readonly worked: () => void
  readonly onFault: (key: string, error: unknown) => void
}

export class SpeakerLayer2 {
  readonly announcer: Announcer
  readonly observer: Layer2Observer
  readonly #options: SpeakerLayer2Options
  readonly #reports: Informer<StoredReport>

  /** To be made in `init`: it follows and works. */
  constructor(options: SpeakerLayer2Options) {
    this.#options = options
    const { program, namespace, services } = options
    this.#reports = program.follow<StoredReport>(SERVICE_L2_STATUSES, {
      selection: { namespace },
      transform: keepReport,
      indexes: { [BY_REPORTED_SERVICE]: reportedServiceKeys },
    })
    const reporters = (key: string) => incumbentsOf(key, { services, reports: this.#reports.store })
    this.observer = new Layer2Observer({
      ...options,
      decisionOn: (key) => this.announcer.decisionOn(key),
      reportersOf: reporters,
    })
    this.announcer = new Announcer({
      ...options,
      incumbentsOf: reporters,
      onDecision: (key, decision) => this.observer.decided(key, decision),
    })
    this.#report()
  }

  /** Whether some node reports that it answers for the Service. */
  isReported(key: string): boolean {
    return this.#reports.store.by(BY_REPORTED_SERVICE, key).some(({ status }) => status?.node !== undefined)
  }

  configure(snapshot: Snapshot): void {
    this.announcer.configure(snapshot)
  }

  serviceChanged(key: string): void {
    this.announcer.serviceChanged(key)
    if (this.#options.services.get(key) === undefined) this.observer.gone(key)
  }

  slicesChanged(key: string): void {
    this.announcer.serviceChanged(key)
  }

  start(): void {
    this.announcer.start()
    this.observer.keepOnly((key) => this.#options.services.get(key) !== undefined)
  }

  stop(): void {
    this.announcer.stop()
  }

  take(message: FromWire): void {
    this.observer.take(message)
  }

  #report(): void {
    const { program, reporter, clock, services, worked, onFault } = this.#options
    const { observer } = this
    const reports = new Layer2Reports({
      ...{ client: program.client, reporter, reports: this.#reports.store, clock },
      situationOf: (key) => observer.situationOf(key),
      isPreferred: (key, node) => observer.isPreferred(key, node),
      onAssigned: (key) => observer.assigned(key),
    })
    const writing = program.work({
      reconcile: (key) => reports.reconcile(key),
      allKeys: () => observer.ownership.keys(),
      onFault,
      concurrency: 16,
      observe: worked,
    })
    const telling = program.work({
      reconcile: (key) => observer.tellSilence(key),
      allKeys: () => services.keys(),
      onFault,
    })
    observer.tell(writing, telling)
    // Leftovers of an earlier life, and what others write about Services that we answer for.
    this.#reports.onChange((change) => {
      worked()
      const report = change.kind === 'delete' ? change.old : change.object
      for (const key of reportedServiceKeys(report)) {
        if (change.kind === 'delete') reports.removed(key, report.metadata.name)
        writing.add(key)
        if (!this.#options.view.isSticky) continue
        for (const sharer of sharersOf(key, services)) this.announcer.serviceChanged(sharer)
      }
    })
  }
}
