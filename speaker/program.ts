/** The speaker's main thread: follows the cluster, decides who may announce, and reports what its wire thread does. */
import type { ViewOptions } from '../core/announce/index.ts'
import type { Reporter } from '../core/status/index.ts'
import {
  type ClientMetrics,
  Configuration,
  ConfigurationStateWriter,
  ENDPOINT_SLICES,
  EventRecorder,
  type Follow,
  type Informer,
  InvarOperator,
  nameOfKey,
  onRealChange,
  ownerReferenceTo,
  PeerSecrets,
  PODS,
  type ProgramOptions,
  type ReadonlyStore,
  SECRETS,
  SERVICE_L2_STATUSES,
  SERVICES,
  type Secret,
  type Service,
} from '../operator/index.ts'
import type { Check } from '../runtime/http.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { Announcer } from './announcer.ts'
import { SpeakerBgp, type SpeakerBgpOptions } from './bgp.ts'
import { ExcludedInterfaces } from './exclude-interfaces.ts'
import { BY_ADDRESS, incumbentsOf, sharersOf, shownAddresses } from './incumbents.ts'
import { BY_SERVICE, type KeptSlice, keepEndpointSlice, keepService, serviceKeysOf } from './kept.ts'
import { Layer2Observer } from './layer2-observer.ts'
import { keepReport, Layer2Reports, type StoredReport } from './layer2-reports.ts'
import { MembershipSource } from './membership.ts'
import { exposeSpeaker } from './metrics.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'
import { Resumption } from './resumption.ts'
import type { SpeakerEvent } from './speaker-event.ts'
import type { WireThread } from './thread.ts'
import { countUnannounced } from './unannounced.ts'
import { Uplinks } from './uplinks.ts'
import type { FromWire, ObservedPeer, ToWire } from './wire/messages.ts'

type Start = Extract<ToWire, { readonly kind: 'start' }>

export interface SpeakerOptions extends ProgramOptions {
  readonly node: string
  readonly namespace: string
  readonly podName: string
  readonly loadBalancerClass: string
  readonly view: ViewOptions
  /** '' = no membership: every node counts as alive. */
  readonly membershipSecret: string
  readonly membershipPort: number
  readonly excludeInterfacesFile: string
  /** How addresses are announced and uplinks watched. */
  readonly announcing: Pick<Start, 'refreshIntervalMs' | 'probeNewAddresses' | 'gatewayProbe'>
  /** Where the last known state is kept for a start without API server; undefined = nowhere. */
  readonly stateFile: { readonly path: string; readonly maxAgeMs: number } | undefined
  readonly bgp: SpeakerBgpOptions['settings']
  readonly wire: WireThread
  readonly metrics: Metrics
  readonly clientMetrics: ClientMetrics
  /** A fault of ours: the process has to end. */
  readonly onFault: (error: Error) => void
}

export class Speaker extends InvarOperator {
  readonly #options: SpeakerOptions
  readonly #log: Log
  readonly #layer2: Layer2Observer
  readonly #resumption: Resumption
  readonly #uplinks: Uplinks
  readonly #events: EventRecorder
  readonly #state: ConfigurationStateWriter
  readonly #excluded: ExcludedInterfaces
  #configuration!: Configuration
  #announcer!: Announcer
  #bgp!: SpeakerBgp
  #secrets!: PeerSecrets
  #membership!: MembershipSource
  #services!: Informer<Service>
  #reports!: Informer<StoredReport>
  #owner: Reporter['owner']

  constructor(options: SpeakerOptions) {
    super(options)
    this.#options = options
    const { clock, random, namespace, podName, node, log, excludeInterfacesFile, wire } = options
    this.#log = log.of('speaker')
    this.#events = new EventRecorder({ client: this.client, component: 'metallb-speaker', host: node, clock, random })
    this.#resumption = new Resumption({
      post: (message) => wire.post(message),
      file: options.stateFile && { ...options.stateFile, node },
      lastContactAt: () => this.lastContactAt,
      ...{ clock, log },
    })
    this.#layer2 = new Layer2Observer({
      node,
      decisionOn: (key) => this.#announcer.decisionOn(key),
      reportersOf: (key) => incumbentsOf(key, { services: this.#services.store, reports: this.#reports.store }),
      raise: (key, event) => this.#raise(key, event),
      forget: (key, topic) => this.#events.forgetTopic(this.#referenceTo(key), topic),
      log: this.#log,
    })
    this.#uplinks = new Uplinks({
      ...{ node, log: this.#log, metrics: options.metrics },
      raise: (event) => this.#events.raise(event),
    })
    this.#state = new ConfigurationStateWriter({
      client: this.client,
      component: { kind: 'speaker', node },
      guard: (write) => write({}),
      ...{ namespace, podName, clock, random },
      onFault: (error) => this.#fault('ConfigurationState', error),
    })
    this.#excluded = new ExcludedInterfaces(excludeInterfacesFile, clock, log, (patterns) =>
      wire.post({ kind: 'exclude-interfaces', patterns }),
    )
  }

  protected async init(): Promise<void> {
    const { clock, namespace, clientMetrics, metrics, wire, node } = this.#options
    const follow: Follow = (resource, options) => this.follow(resource, options)
    this.#secrets = new PeerSecrets({
      ...{ client: this.client, namespace, clock, random: this.#options.random },
      onChange: () => this.#configuration.secretsChanged(),
    })
    this.#configuration = new Configuration(follow, clock, namespace, node, (names) => this.#secrets.of(names))
    this.#services = this.follow(SERVICES, { transform: keepService, indexes: { [BY_ADDRESS]: shownAddresses } })
    this.#reports = this.follow<StoredReport>(SERVICE_L2_STATUSES, {
      selection: { namespace },
      transform: keepReport,
      indexes: { [BY_REPORTED_SERVICE]: reportedServiceKeys },
    })
    this.#initAnnouncer()
    this.#initMembership()
    this.#initReports()
    this.#configuration.onCompiled(({ snapshot, problems }) => {
      clientMetrics.configured(problems)
      this.#state.judged(problems)
      this.#announcer.configure(snapshot)
      this.#bgp.configure(snapshot)
    })
    wire.listen((message) => this.#observe(message))
    wire.post({ kind: 'start', node, ...this.#options.announcing })
    exposeSpeaker(metrics, {
      ...{ node, ...this.#layer2.observed },
      announcedByBgp: () => this.#bgp.announcer.announced(),
      unannounced: () => this.#countUnannounced(),
      readCounters: () => wire.readCounters(),
    })
    this.#excluded.start()
    this.#resumption.begin()
  }

  protected override async synced(): Promise<void> {
    this.#configuration.begin()
    this.#resumption.end()
    this.#membership.begin()
    this.#announcer.start()
    this.#bgp.start()
    this.#layer2.keepOnly((key) => this.#services.store.get(key) !== undefined)
    this.#state.start()
    this.#log.info('announcing', 'everything is read; the wire thread knows what is desired')
  }

  /** Ready: everything was read, the sockets are open, the other speakers can be known. */
  readonly ready: Check = () => {
    const waiting = this.notSynced()
    if (waiting.length > 0) return { ok: false, because: `waiting for ${waiting.join('; ')}` }
    if (!this.#options.wire.ready) return { ok: false, because: 'the wire thread has not opened its sockets' }
    if (!this.#membership.hasKey) {
      const { namespace, membershipSecret } = this.#options
      return { ok: false, because: `waiting for the key in Secret ${namespace}/${membershipSecret}` }
    }
    return { ok: true }
  }

  /** How it stands with each BGP peer of this node. */
  get peers(): Iterable<ObservedPeer> {
    // It can be asked before it has begun.
    return this.#bgp?.observer.peers.values() ?? []
  }

  /** The addresses are handed over first; then everything else ends. */
  override async stop(): Promise<void> {
    await this.#options.wire.leave(await this.#bgp.farewell())
    this.#excluded.stop()
    this.#announcer.stop()
    this.#bgp.stop()
    await this.#secrets.stop()
    await this.#resumption.stop()
    this.#configuration.stop()
    await this.#state.stop()
    await this.#events.drain(500)
    await super.stop()
  }

  #initAnnouncer(): void {
    const { node, clock, view, loadBalancerClass, clientMetrics } = this.#options
    const slices = this.follow(ENDPOINT_SLICES, {
      transform: keepEndpointSlice,
      indexes: { [BY_SERVICE]: serviceKeysOf },
    })
    this.#announcer = new Announcer({
      services: this.#services.store,
      slices: slices.store,
      nodes: this.#configuration.nodes.store,
      post: (message) => this.#resumption.post(message),
      incumbentsOf: (key) => incumbentsOf(key, { services: this.#services.store, reports: this.#reports.store }),
      onDecision: (key, decision) => this.#layer2.decided(key, decision),
      ...{ node, clock, view, loadBalancerClass },
    })
    this.#initBgp(slices.store)
    onRealChange(this.#services, ({ key }) => {
      clientMetrics.countUpdate()
      this.#announcer.serviceChanged(key)
      this.#bgp.serviceChanged(key)
      if (!this.#services.store.get(key)) this.#layer2.gone(key)
    })
    onRealChange(slices, (change) => {
      const before = change.kind === 'add' ? [] : serviceKeysOf(change.old)
      const after = change.kind === 'delete' ? [] : serviceKeysOf(change.object)
      for (const key of new Set([...before, ...after])) {
        this.#announcer.serviceChanged(key)
        this.#bgp.serviceChanged(key)
      }
    })
  }

  #initBgp(slices: ReadonlyStore<KeptSlice>): void {
    this.#bgp = new SpeakerBgp({
      ...this.#options,
      ...{ program: this, log: this.#log, slices, settings: this.#options.bgp },
      services: this.#services.store,
      nodes: this.#configuration.nodes.store,
      post: (message) => this.#resumption.post(message),
      reporter: () => this.#reporter(),
      raise: (key, event) => this.#raise(key, event),
      raiseOn: (event) => this.#events.raise(event),
      referenceTo: (kind, name) => this.#configuration.referenceTo(kind, name),
      onFault: (key, error) => this.#fault(key, error),
    })
  }

  #initMembership(): void {
    const { namespace, membershipSecret, membershipPort, clock } = this.#options
    this.#membership = new MembershipSource({
      isEnabled: membershipSecret !== '',
      port: membershipPort,
      nodes: this.#configuration.nodes.store,
      post: (message) => this.#resumption.post(message),
      clock,
    })
    onRealChange(this.#configuration.nodes, () => this.#membership.nodesChanged())
    if (membershipSecret === '') return
    const fieldSelector = `metadata.name=${membershipSecret}`
    const secrets = this.follow(SECRETS, { selection: { namespace, fieldSelector } })
    secrets.onChange((change) =>
      this.#membership.secretChanged(change.kind === 'delete' ? undefined : (change.object as Secret)),
    )
  }

  #initReports(): void {
    const layer2 = this.#layer2
    const reports = new Layer2Reports({
      client: this.client,
      reporter: () => this.#reporter(),
      reports: this.#reports.store,
      situationOf: (key) => layer2.situationOf(key),
      isPreferred: (key, node) => layer2.isPreferred(key, node),
      onAssigned: (key) => layer2.assigned(key),
      clock: this.#options.clock,
    })
    const onFault = (key: string, error: unknown): void => this.#fault(key, error)
    const writing = this.work({
      reconcile: (key) => reports.reconcile(key),
      allKeys: () => layer2.ownership.keys(),
      onFault,
      concurrency: 16,
    })
    const telling = this.work({
      reconcile: (key) => layer2.tellSilence(key),
      allKeys: () => this.#services.store.keys(),
      onFault,
    })
    layer2.tell(writing, telling)
    // Leftovers of an earlier life, and what others write about Services that we answer for.
    this.#reports.onChange((change) => {
      for (const key of reportedServiceKeys(change.kind === 'delete' ? change.old : change.object)) {
        writing.add(key)
        if (!this.#options.view.isSticky) continue
        for (const sharer of sharersOf(key, this.#services.store)) this.#announcer.serviceChanged(sharer)
      }
    })
  }

  #countUnannounced(): number {
    const nodesOf = (key: string) => this.#reports.store.by(BY_REPORTED_SERVICE, key).map(({ status }) => status?.node)
    return countUnannounced({
      keys: () => this.#services.store.keys(),
      layer2DecisionOn: (key) => this.#announcer.decisionOn(key),
      isReported: (key) => nodesOf(key).some((node) => node !== undefined),
      isAnnouncedByBgp: (key) => this.#bgp.announcer.isAnnounced(key),
    })
  }

  #observe(message: FromWire): void {
    if (message.kind === 'fault') this.#log.error('wireFault', message.message, { code: message.code })
    else {
      this.#layer2.take(message)
      this.#bgp.take(message)
      this.#uplinks.take(message)
    }
  }

  #raise(key: string, event: Omit<SpeakerEvent, 'object'>): void {
    this.#events.raise({ ...event, object: this.#referenceTo(key) })
  }

  #referenceTo(key: string): SpeakerEvent['object'] {
    const uid = this.#services.store.get(key)?.metadata.uid
    const { namespace, name } = nameOfKey(key)
    return { apiVersion: 'v1', kind: 'Service', name, ...(namespace && { namespace }), ...(uid && { uid }) }
  }

  async #reporter(): Promise<Reporter> {
    const { node, namespace, podName } = this.#options
    if (this.#owner === undefined && podName !== '') {
      this.#owner = { ...ownerReferenceTo(PODS, await this.client.get(PODS, { namespace, name: podName })) }
    }
    return { node, namespace, owner: this.#owner }
  }

  #fault(key: string, error: unknown): void {
    this.#options.onFault(new Error(`reconciling ${key}: ${sentenceOf(error)}`, { cause: error }))
  }
}
