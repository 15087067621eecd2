/** The controller: follows configuration and Services, and gives out addresses while it leads. */
import { randomUUID } from 'node:crypto'
import type { RequestOptions, ServiceEvent } from '../core/allocate/index.ts'
import { Ledger } from '../core/allocate/index.ts'
import {
  Client,
  type ClientMetrics,
  Configuration,
  ConfigurationStateWriter,
  EventRecorder,
  type Fence,
  type Informer,
  InvarOperator,
  Leader,
  loopsTurn,
  type ProgramOptions,
  type Reconciled,
  SERVICES,
  type Service,
} from '../operator/index.ts'
import { collectHeap, HeapTrim } from '../runtime/heap-trim.ts'
import type { Check } from '../runtime/http.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { Allocator } from './allocator.ts'
import { Announcements } from './announcements.ts'
import { Departures } from './departures.ts'
import { keepService } from './kept.ts'
import { MembershipSecret } from './membership-secret.ts'
import { exposeController, reconcileObserver } from './metrics.ts'
import { Page } from './page/index.ts'
import { PoolStatus } from './pool-status.ts'
import { Quarantines } from './quarantines.ts'
import { Terms } from './terms.ts'
import { Webhook, type WebhookSettings } from './webhook/index.ts'

export interface ControllerOptions extends ProgramOptions {
  readonly namespace: string
  readonly podName: string
  /** Secret to create for the speakers; '' = none. */
  readonly membershipSecret: string
  readonly request: RequestOptions
  /** Default false; true: a deleted Service goes only when no speaker announces it any more. */
  readonly cleanupFinalizer?: boolean
  /** undefined = objects are judged at run time only. */
  readonly webhook?: WebhookSettings | undefined
  /** Default true; false: the webhook is all that this program does. */
  readonly givesAddresses?: boolean
  /** Default false; true: it follows what the web page shows. */
  readonly hasPage?: boolean
  readonly metrics: Metrics
  readonly clientMetrics: ClientMetrics
  /** A fault of ours: the process has to end. */
  readonly onFault: (error: Error) => void
}

const LEASE_NAME = 'invar-controller'
/** Another one: whoever gives out addresses may do so without a webhook, and then never looks at its certificates. */
const WEBHOOK_LEASE_NAME = 'invar-webhook'
/** One a connection of the client, so that no write waits in a queue that the fence does not see. */
const WRITES_IN_FLIGHT = 40
/** With so many Services waiting for their status, events wait too. */
const BUSY_DEPTH = 100
/** Each page costs a round trip, and is in memory whole: as text, as bytes and as objects. */
const SERVICES_A_PAGE = 2_000

/** What lives as long as one term of leadership: the ledger is rebuilt from what the API server has. */
interface Term {
  readonly allocator: Allocator
  readonly poolStatus: PoolStatus
  readonly quarantines: Quarantines
  readonly stop: () => Promise<unknown>
}

export class Controller extends InvarOperator {
  readonly #options: ControllerOptions
  readonly #log: Log
  readonly #leaderClient: Client
  readonly #leader: Leader
  readonly #events: EventRecorder
  readonly #state: ConfigurationStateWriter
  readonly #webhook: Webhook | undefined
  readonly #membershipSecret: MembershipSecret | undefined
  readonly #terms: Terms<Term>
  readonly #noLedger = new Ledger()
  readonly #observeReconcile: (result: Reconciled) => void
  readonly #heapTrim: HeapTrim
  #configuration!: Configuration
  #services!: Informer<Service>
  #announcements!: Announcements
  #page: Page | undefined

  constructor(options: ControllerOptions) {
    super(options)
    this.#options = options
    const { clock, random, namespace, podName, source, userAgent } = options
    this.#log = options.log.of('controller')
    this.#heapTrim = new HeapTrim({ clock, collect: collectHeap })
    const observeReconcile = reconcileObserver(options.metrics)
    this.#observeReconcile = (result) => {
      this.#heapTrim.worked()
      observeReconcile(result)
    }
    this.#leaderClient = new Client({ source, clock, userAgent: `${userAgent} leader`, maxConnections: 2 })
    this.#leader = new Leader({
      client: this.#leaderClient,
      ...{ namespace, clock, random, name: options.givesAddresses === false ? WEBHOOK_LEASE_NAME : LEASE_NAME },
      identity: `${podName === '' ? 'controller' : podName}_${randomUUID()}`,
      onElected: (vacantSince) => void this.#elected(vacantSince),
      onDeposed: (because) => this.#deposed(because),
      onError: (error) => this.#log.warn('leaseFailed', `the Lease could not be read or written: ${error.message}`),
    })
    const guard = <T>(write: (fence: Fence) => Promise<T>): Promise<T> => this.#leader.guard(write)
    this.#events = new EventRecorder({
      client: this.client,
      component: 'metallb-controller',
      ...{ clock, random, guard },
      isBusy: () => (this.#terms.current?.allocator.depth ?? 0) > BUSY_DEPTH,
    })
    this.#state = new ConfigurationStateWriter({
      client: this.client,
      component: { kind: 'controller' },
      ...{ namespace, podName, clock, random, guard },
      onFault: (error) => this.#fault('ConfigurationState', error),
    })
    this.#webhook = options.webhook && this.#newWebhook(options.webhook)
    this.#terms = new Terms({
      readSince: (time) => this.#services.listedSince(time),
      open: () => this.#openTerm(),
    })
    if (options.membershipSecret === '') return
    const name = options.membershipSecret
    this.#membershipSecret = new MembershipSecret({
      client: this.client,
      namespace,
      name,
      guard,
      clock,
      log: this.#log,
    })
  }

  protected async init(): Promise<void> {
    const { clock, namespace, metrics, clientMetrics } = this.#options
    // First, for it is the longest list: the API server makes its first page while the other connections are opened.
    this.#services = this.follow(SERVICES, { transform: keepService, pageSize: SERVICES_A_PAGE })
    this.#configuration = new Configuration((resource, options) => this.follow(resource, options), clock, namespace)
    this.#services.onChange(({ key }) => {
      clientMetrics.countUpdate()
      this.#heapTrim.worked()
      this.#terms.current?.allocator.serviceChanged(key)
      this.#page?.feed.serviceChanged(key)
    })
    this.#announcements = new Announcements((resource, options) => this.follow(resource, options), namespace)
    // Also where somebody else wrote the status, or our last look was at an older one.
    this.#configuration.onPoolChanged(() => this.#terms.current?.poolStatus.touched())
    this.#announcements.onChange((report) => this.#reported(report))
    if (this.#options.hasPage) this.#page = this.#newPage()
    this.#configuration.onCompiled(({ snapshot, problems }) => {
      clientMetrics.configured(problems)
      this.#state.judged(problems)
      this.#terms.current?.allocator.configure(snapshot)
      this.#terms.current?.poolStatus.touched()
    })
    exposeController(metrics, () => ({
      ledger: this.#terms.current?.allocator.ledger ?? this.#noLedger,
      depth: this.#terms.current?.allocator.depth ?? 0,
      departing: this.#terms.current?.allocator.departing ?? 0,
      isLeader: this.#leader.isLeader,
    }))
    this.#page?.start()
    // The Lease before the Services are listed: where nobody leads, that list is the one to adopt from.
    await Promise.all([this.#webhook?.start(), this.#leader.look()])
  }

  protected override synced(): void {
    this.#configuration.begin()
    this.#leader.start()
    this.#heapTrim.worked()
  }

  /** Ready: everything was read and compiled. A replica that does not lead is ready to. */
  readonly ready: Check = () => {
    const waiting = this.notSynced()
    if (waiting.length > 0) return { ok: false, because: `waiting for ${waiting.join('; ')}` }
    if (this.#configuration.snapshot === undefined)
      return { ok: false, because: 'the configuration is not compiled yet' }
    return { ok: true }
  }

  /** Live: the loops turn. Without an API server they do, too. */
  readonly live: Check = () => {
    const { allocator, poolStatus } = this.#terms.current ?? {}
    const parts = [this.#leader, this.#state, allocator, poolStatus]
    return loopsTurn([...this.pending(), ...parts.map((part) => part?.pending)], this.#options.clock.now())
  }

  /** undefined where there is no webhook. */
  get webhookReady(): Check | undefined {
    return this.#webhook?.ready
  }

  /** undefined where there is none, or it has not started yet. */
  get page(): Page | undefined {
    return this.#page
  }

  override async stop(): Promise<void> {
    this.#heapTrim.stop()
    await this.#page?.stop()
    this.#membershipSecret?.stop()
    await this.#terms.end()
    await this.#webhook?.stop()
    await this.#state.stop()
    await this.#events.drain(1_000)
    await this.#leader.stop()
    this.#configuration.stop()
    this.#leaderClient.close()
    await super.stop()
  }

  /** Only what holds all that the leaders before us wrote may be adopted, and only then may anything be given out. */
  async #elected(vacantSince: number): Promise<void> {
    this.#webhook?.lead()
    if (this.#options.givesAddresses === false) return
    this.#log.info('elected', 'this replica gives out addresses from now on')
    const term = await this.#terms.begin(vacantSince)
    this.#page?.feed.sectionsChanged('about')
    if (term !== undefined) await this.#membershipSecret?.ensure()
  }

  #openTerm(): Term {
    const term = this.#newTerm()
    term.allocator.configure(this.#configuration.snapshot!)
    term.quarantines.reported()
    term.allocator.start()
    term.poolStatus.start()
    this.#state.start()
    return term
  }

  #newTerm(): Term {
    const { clock, random, namespace, request } = this.#options
    const guard = <T>(write: (fence: Fence) => Promise<T>): Promise<T> => this.#leader.guard(write)
    const onFault = (key: string, error: unknown): void => this.#fault(key, error)
    const announcersOf = (key: string): readonly string[] => this.#announcements.announcersOf(key)
    const allocator = new Allocator({
      services: this.#services.store,
      writeStatus: (service, patch) => guard((fence) => this.#patchStatus(service, patch, fence)),
      raise: (service, event) => this.#raise(service, event),
      onPoolsTouched: () => this.#terms.current?.poolStatus.touched(),
      onDecided: (made) => this.#page?.feed.decided(made),
      onReleased: (key, addresses) => this.#page?.feed.released(key, addresses),
      observe: this.#observeReconcile,
      isNamespaceJudged: (namespace) => this.#configuration.hasJudgedNamespace(namespace),
      departures: new Departures({ isOn: this.#options.cleanupFinalizer ?? false, announcersOf, clock }),
      ...{ request, clock, random, onFault, concurrency: WRITES_IN_FLIGHT },
    })
    const poolStatus = new PoolStatus({
      client: this.client,
      pools: this.#configuration.pools,
      ledger: allocator.ledger,
      ...{ namespace, guard, onFault, clock, random },
    })
    const quarantines = new Quarantines({
      conflicts: () => this.#announcements.conflicts(),
      quarantine: (quarantine) => allocator.quarantine(quarantine),
      endQuarantine: (address) => allocator.endQuarantine(address),
      clock,
    })
    const stop = (): Promise<unknown> => {
      quarantines.stop()
      return Promise.all([allocator.stop(), poolStatus.stop(), this.#state.stop()])
    }
    return { allocator, poolStatus, quarantines, stop }
  }

  /** A speaker's report on a Service came, went or changed. */
  #reported({ service, hasConflict }: { readonly service: string; readonly hasConflict: boolean }): void {
    if (this.#terms.current === undefined) return
    const { allocator, quarantines } = this.#terms.current
    if (this.#announcements.isServed(service)) allocator.served(service)
    if (hasConflict) quarantines.reported()
    if (this.#services.store.get(service)?.metadata.deletionTimestamp !== undefined) allocator.serviceChanged(service)
  }

  /**
   * With the version that the decision was made on: a write that was held up on its way, longer than any lease covers,
   * is refused then instead of undoing what another leader has written since.
   */
  async #patchStatus(service: Service, patch: object, fence: Fence): Promise<Service> {
    const { resourceVersion } = service.metadata
    const metadata = { ...(patch as { metadata?: object }).metadata, ...(resourceVersion && { resourceVersion }) }
    const options = { ...fence, subresource: 'status' }
    // Ten thousand answers may wait for the informer to catch up: of each no more is kept than of what it keeps.
    return keepService(await this.client.patch(SERVICES, service.metadata, { ...patch, metadata }, options))
  }

  #newWebhook(settings: WebhookSettings): Webhook {
    const { namespace, clock, random, log, metrics } = this.#options
    return new Webhook({
      ...settings,
      ...{ client: this.client, namespace, clock, random, log, metrics },
      guard: (write) => this.#leader.guard(write),
      live: () => this.#configuration.resources,
      onFault: (error) => this.#fault('the webhook', error),
    })
  }

  #newPage(): Page {
    const { namespace, podName, request, clock, metrics } = this.#options
    return new Page({
      ...{ namespace, podName, clock, metrics, loadBalancerClass: request.loadBalancerClass },
      follow: (resource, options) => this.followAside(resource, options),
      configuration: this.#configuration,
      services: this.#services.store,
      announcements: this.#announcements,
      isLeader: () => this.#leader.isLeader,
    })
  }

  #deposed(because: string): void {
    void this.#webhook?.follow()
    this.#page?.feed.sectionsChanged('about')
    this.#log.warn('deposed', `this replica gives out no more addresses: ${because}`)
    void this.#terms.end()
  }

  #raise(service: Service, { type, reason, message }: ServiceEvent): void {
    const { name, namespace, uid } = service.metadata
    const object = { apiVersion: 'v1', kind: 'Service', name, ...(namespace && { namespace }), ...(uid && { uid }) }
    this.#events.raise({ object, type, reason, message })
  }

  #fault(key: string, error: unknown): void {
    this.#options.onFault(new Error(`reconciling ${key}: ${sentenceOf(error)}`, { cause: error }))
  }
}
