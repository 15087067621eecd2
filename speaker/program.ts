/** The speaker's main thread: follows the cluster, decides who may announce, and reports what its wire thread does. */
import type { ViewOptions } from '../core/announce/index.ts'
import type { Reporter } from '../core/status/index.ts'
import {
  type ClientMetrics,
  Configuration,
  ConfigurationStateWriter,
  ENDPOINT_SLICES,
  type EndpointSlice,
  EventRecorder,
  type Follow,
  type Informer,
  InvarOperator,
  loopsTurn,
  nameOfKey,
  onRealChange,
  ownerReferenceTo,
  PeerSecrets,
  PODS,
  type ProgramOptions,
  SECRETS,
  SERVICES,
  type Secret,
  type Service,
} from '../operator/index.ts'
import { collectHeap, HeapTrim } from '../runtime/heap-trim.ts'
import type { Check } from '../runtime/http.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { SpeakerBgp, type SpeakerBgpOptions } from './bgp.ts'
import { ExcludedInterfaces } from './exclude-interfaces.ts'
import { BY_ADDRESS, shownAddresses } from './incumbents.ts'
import { BY_SERVICE, type KeptSlice, keepEndpointSlice, keepService, serviceKeysOf } from './kept.ts'
import { SpeakerLayer2 } from './layer2.ts'
import { MembershipSource } from './membership.ts'
import { exposeSpeaker } from './metrics.ts'
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
  readonly #resumption: Resumption
  readonly #uplinks: Uplinks
  readonly #events: EventRecorder
  readonly #state: ConfigurationStateWriter
  readonly #excluded: ExcludedInterfaces
  readonly #heapTrim: HeapTrim
  #configuration!: Configuration
  #layer2!: SpeakerLayer2
  #bgp!: SpeakerBgp
  #secrets!: PeerSecrets
  #membership!: MembershipSource
  #services!: Informer<Service>
  #owner: Reporter['owner']

  constructor(options: SpeakerOptions) {
    super(options)
    this.#options = options
    const { clock, random, namespace, podName, node, log, excludeInterfacesFile, wire } = options
    this.#log = log.of('speaker')
    this.#heapTrim = new HeapTrim({ clock, collect: collectHeap })
    this.#events = new EventRecorder({ client: this.client, component: 'metallb-speaker', host: node, clock, random })
    this.#resumption = new Resumption({
      post: (message) => wire.post(message),
      file: options.stateFile && { ...options.stateFile, node },
      lastContactAt: () => this.lastContactAt,
      ...{ clock, log },
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
    this.#initAnnouncing()
    this.#initMembership()
    this.#configuration.onCompiled(({ snapshot, problems }) => {
      clientMetrics.configured(problems)
      this.#state.judged(problems)
      this.#layer2.configure(snapshot)
      this.#bgp.configure(snapshot)
    })
    wire.listen((message) => this.#observe(message))
    wire.post({ kind: 'start', node, ...this.#options.announcing })
    exposeSpeaker(metrics, {
      ...{ node, ...this.#layer2.observer.observed },
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
    this.#layer2.start()
    this.#bgp.start()
    this.#state.start()
    this.#heapTrim.worked()
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

  /** Live: the loops of this thread turn. Without an API server they do, too. */
  readonly live: Check = () => loopsTurn([...this.pending(), this.#state.pending], this.#options.clock.now())

  /** How it stands with each BGP peer of this node. */
  get peers(): Iterable<ObservedPeer> {
    // It can be asked before it has begun.
    return this.#bgp?.observer.peers.values() ?? []
  }

  /** The addresses are handed over first; then everything else ends. */
  override async stop(): Promise<void> {
    await this.#options.wire.leave(await this.#bgp.farewell())
    this.#heapTrim.stop()
    this.#excluded.stop()
    this.#layer2.stop()
    this.#bgp.stop()
    await this.#secrets.stop()
    await this.#resumption.stop()
    this.#configuration.stop()
    await this.#state.stop()
    await this.#events.drain(500)
    await super.stop()
  }

  #initAnnouncing(): void {
    const slices = this.follow(ENDPOINT_SLICES, {
      transform: keepEndpointSlice,
      indexes: { [BY_SERVICE]: serviceKeysOf },
    })
    const shared = {
      ...{ ...this.#options, program: this, log: this.#log, services: this.#services.store, slices: slices.store },
      nodes: this.#configuration.nodes.store,
      post: (message: ToWire) => this.#resumption.post(message),
      reporter: () => this.#reporter(),
      raise: (key: string, event: Omit<SpeakerEvent, 'object'>) => this.#raise(key, event),
      forget: (key: string, topic: string) => this.#events.forgetTopic(this.#referenceTo(key), topic),
      onFault: (key: string, error: unknown) => this.#fault(key, error),
    }
    this.#layer2 = new SpeakerLayer2({ ...shared, worked: () => this.#heapTrim.worked() })
    this.#bgp = new SpeakerBgp({
      ...{ ...shared, settings: this.#options.bgp },
      raiseOn: (event) => this.#events.raise(event),
      referenceTo: (kind, name) => this.#configuration.referenceTo(kind, name),
    })
    this.#followChanges(slices)
  }

  #followChanges(slices: Informer<EndpointSlice, KeptSlice>): void {
    onRealChange(this.#services, ({ key }) => {
      this.#options.clientMetrics.countUpdate()
      this.#heapTrim.worked()
      this.#layer2.serviceChanged(key)
      this.#bgp.serviceChanged(key)
    })
    onRealChange(slices, (change) => {
      this.#heapTrim.worked()
      const before = change.kind === 'add' ? [] : serviceKeysOf(change.old)
      const after = change.kind === 'delete' ? [] : serviceKeysOf(change.object)
      for (const key of new Set([...before, ...after])) {
        this.#layer2.slicesChanged(key)
        this.#bgp.serviceChanged(key)
      }
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

  #countUnannounced(): number {
    return countUnannounced({
      keys: () => this.#services.store.keys(),
      layer2DecisionOn: (key) => this.#layer2.announcer.decisionOn(key),
      isReported: (key) => this.#layer2.isReported(key),
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
