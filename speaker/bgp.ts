/** BGP on the main thread: what is decided, posted, reported and measured, put together. */
import type { NodeView, ViewOptions } from '../core/announce/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { Reporter } from '../core/status/index.ts'
import {
  type Configuration,
  type InvarOperator,
  type ReadonlyStore,
  SERVICE_BGP_STATUSES,
  type Service,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { BgpAnnouncer, type BgpAnnouncerOptions } from './bgp-announcer.ts'
import { daemonSetFate, farewellOf } from './bgp-farewell.ts'
import { exposeBgp } from './bgp-metrics.ts'
import { BgpObserver } from './bgp-observer.ts'
import { BgpReports, type StoredBgpReport } from './bgp-reports.ts'
import type { KeptSlice } from './kept.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'
import type { SpeakerEvent } from './speaker-event.ts'
import type { WireThread } from './thread.ts'
import type { Farewell, FromWire, ToWire } from './wire/messages.ts'

/** Topic of the event that this node announces. A report that could not be written is tried again; the event is not. */
const ASSIGNMENT = 'bgp assignment'

export interface SpeakerBgpOptions {
  readonly program: Pick<InvarOperator, 'follow' | 'work' | 'client'>
  readonly node: string
  readonly namespace: string
  readonly podName: string
  readonly view: ViewOptions
  readonly loadBalancerClass: string
  readonly settings: Pick<BgpAnnouncerOptions, 'listenPort' | 'ignoreCordon'>
  readonly services: ReadonlyStore<Service>
  readonly slices: ReadonlyStore<KeptSlice>
  readonly nodes: ReadonlyStore<NodeView>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly wire: Pick<WireThread, 'readCounters'>
  readonly post: (message: ToWire) => void
  readonly reporter: () => Promise<Reporter>
  /** On a Service, by key. */
  readonly raise: (key: string, event: Omit<SpeakerEvent, 'object'>) => void
  /** What the topic told of a Service is over. */
  readonly forget: (key: string, topic: string) => void
  readonly raiseOn: (event: SpeakerEvent) => void
  readonly referenceTo: Configuration['referenceTo']
  readonly onFault: (key: string, error: unknown) => void
}

export class SpeakerBgp {
  readonly announcer: BgpAnnouncer
  readonly observer: BgpObserver
  readonly #options: SpeakerBgpOptions

  /** To be made in `init`: it follows and works. */
  constructor(options: SpeakerBgpOptions) {
    this.#options = options
    const { node, raiseOn, referenceTo, log, metrics, wire } = options
    const reports = this.#report()
    this.announcer = new BgpAnnouncer({
      ...{ ...options, ...options.settings },
      onDecision: (key) => reports.add(key),
      onConflict: (conflict) => this.observer.tellConflict(conflict),
    })
    this.observer = new BgpObserver({
      ...{ node, log },
      raise: (kind, name, event) => raiseOn({ ...event, object: referenceTo(kind, name) }),
    })
    exposeBgp(metrics, async () => (await wire.readCounters())?.peers ?? [])
  }

  configure(snapshot: Snapshot): void {
    this.announcer.configure(snapshot)
  }

  serviceChanged(key: string): void {
    this.announcer.serviceChanged(key)
  }

  start(): void {
    this.announcer.start()
  }

  stop(): void {
    this.announcer.stop()
  }

  take(message: FromWire): void {
    this.observer.take(message)
  }

  /** How the sessions are to end now. */
  async farewell(): Promise<Farewell> {
    const { program, nodes, node, namespace, podName } = this.#options
    // Without peers there is nobody to say it to, and nobody to ask.
    if (this.observer.peers.size === 0) return { kind: 'restart' }
    const fate = podName === '' ? 'unknown' : await daemonSetFate(program.client, { namespace, name: podName })
    return farewellOf(nodes.get(node), fate)
  }

  #report() {
    const { program, node, namespace, reporter, raise, forget, clock, onFault } = this.#options
    const stored = program.follow<StoredBgpReport>(SERVICE_BGP_STATUSES, {
      // Every node has a report on every Service: those of the others are none of our business, and many.
      selection: { namespace, labelSelector: `metallb.io/node=${node}` },
      indexes: { [BY_REPORTED_SERVICE]: reportedServiceKeys },
    })
    const reports = new BgpReports({
      ...{ client: program.client, reporter, reports: stored.store, clock },
      peersOf: (key) => this.announcer.peersOf(key),
      onAssigned: (key) => {
        const message = `announcing from node "${node}" with protocol "bgp"`
        raise(key, { type: 'Normal', reason: 'nodeAssigned', message, topic: ASSIGNMENT })
      },
      onWithdrawn: (key) => forget(key, ASSIGNMENT),
    })
    const work = program.work({
      reconcile: (key) => reports.reconcile(key),
      allKeys: () => [...new Set([...this.announcer.announced()].map(({ service }) => service))],
      onFault,
      concurrency: 16,
    })
    // Leftovers of an earlier life, and what others write about Services that we announce.
    stored.onChange((change) => {
      const report = change.kind === 'delete' ? change.old : change.object
      for (const key of reportedServiceKeys(report)) {
        if (change.kind === 'delete') reports.removed(key, report.metadata.name)
        work.add(key)
      }
    })
    return work
  }
}
