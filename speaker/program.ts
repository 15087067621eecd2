/** The speaker's main thread: follows the cluster, decides who may announce, and reports what its wire thread does. */
import type { Layer2Decision, ViewOptions } from '../core/announce/index.ts'
import type { Reporter } from '../core/status/index.ts'
import {
  type ClientMetrics,
  Configuration,
  ConfigurationStateWriter,
  ENDPOINT_SLICES,
  EventRecorder,
  type EventToRaise,
  type Follow,
  type Informer,
  InvarOperator,
  nameOfKey,
  onRealChange,
  ownerReferenceTo,
  PODS,
  type ProgramOptions,
  type Reconciler,
  SECRETS,
  SERVICES,
  type Secret,
  type Service,
} from '../operator/index.ts'
import type { Check } from '../runtime/http.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { Announcer, BY_SERVICE } from './announcer.ts'
import { ExcludedInterfaces } from './exclude-interfaces.ts'
import { keepEndpointSlice, keepService, serviceKeysOf } from './kept.ts'
import {
  BY_REPORTED_SERVICE,
  Layer2Reports,
  reportedServiceKeys,
  SERVICE_L2_STATUSES,
  type StoredReport,
} from './layer2-reports.ts'
import { MembershipSource } from './membership.ts'
import { exposeSpeaker } from './metrics.ts'
import { Ownership } from './ownership.ts'
import type { WireThread } from './thread.ts'
import type { FromWire } from './wire/messages.ts'

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
  /** Gap between repeated announcements of an address that did not move; 0 = off. */
  readonly refreshIntervalMs: number
  readonly wire: WireThread
  readonly metrics: Metrics
  readonly clientMetrics: ClientMetrics
  /** A fault of ours: the process has to end. */
  readonly onFault: (error: Error) => void
}

/** A Service that nobody may announce is spoken of only after this: its Pods may be starting. */
const SILENCE_TOLD_AFTER_MS = 5_000

export class Speaker extends InvarOperator {
  readonly #options: SpeakerOptions
  readonly #log: Log
  readonly #ownership = new Ownership()
  readonly #events: EventRecorder
  readonly #state: ConfigurationStateWriter
  readonly #excluded: ExcludedInterfaces
  #configuration!: Configuration
  #announcer!: Announcer
  #membership!: MembershipSource
  #reports!: Reconciler
  #silences!: Reconciler
  #services!: Informer<Service>
  #alive: readonly string[] = []
  #owner: Reporter['owner']

  constructor(options: SpeakerOptions) {
    super(options)
    this.#options = options
    const { clock, random, namespace, podName, node, log, excludeInterfacesFile, wire } = options
    this.#log = log.of('speaker')
    this.#events = new EventRecorder({ client: this.client, component: 'metallb-speaker', host: node, clock, random })
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
    const { clock, namespace, clientMetrics, metrics, wire, node, refreshIntervalMs } = this.#options
    const follow: Follow = (resource, options) => this.follow(resource, options)
    this.#configuration = new Configuration(follow, clock, namespace, node)
    this.#services = this.follow(SERVICES, { transform: keepService })
    this.#initAnnouncer()
    this.#initMembership()
    this.#initReports()
    this.#configuration.onCompiled(({ snapshot, problems }) => {
      clientMetrics.configured(problems.some(({ severity }) => severity === 'error'))
      this.#state.judged(problems)
      this.#announcer.configure(snapshot)
    })
    wire.listen((message) => this.#observe(message))
    wire.post({ kind: 'start', node, refreshIntervalMs, probeNewAddresses: false, gatewayProbe: undefined })
    exposeSpeaker(metrics, { node, ownership: this.#ownership, readCounters: () => wire.readCounters() })
    this.#excluded.start()
  }

  protected override async synced(): Promise<void> {
    this.#configuration.begin()
    this.#membership.nodesChanged()
    this.#announcer.start()
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

  /** The addresses are handed over first; then everything else ends. */
  override async stop(): Promise<void> {
    await this.#options.wire.leave()
    this.#excluded.stop()
    this.#announcer.stop()
    this.#configuration.stop()
    await this.#state.stop()
    await this.#events.drain(500)
    await super.stop()
  }

  #initAnnouncer(): void {
    const { node, clock, view, loadBalancerClass, wire, clientMetrics } = this.#options
    const slices = this.follow(ENDPOINT_SLICES, {
      transform: keepEndpointSlice,
      indexes: { [BY_SERVICE]: serviceKeysOf },
    })
    this.#announcer = new Announcer({
      services: this.#services.store,
      slices: slices.store,
      nodes: this.#configuration.nodes.store,
      post: (message) => wire.post(message),
      onDecision: (key, decision) => this.#decided(key, decision),
      ...{ node, clock, view, loadBalancerClass },
    })
    onRealChange(this.#services, ({ key }) => {
      clientMetrics.countUpdate()
      this.#announcer.serviceChanged(key)
      if (!this.#services.store.get(key)) this.#gone(key)
    })
    onRealChange(slices, (change) => {
      const before = change.kind === 'add' ? [] : serviceKeysOf(change.old)
      const after = change.kind === 'delete' ? [] : serviceKeysOf(change.object)
      for (const key of new Set([...before, ...after])) this.#announcer.serviceChanged(key)
    })
  }

  #initMembership(): void {
    const { namespace, membershipSecret, membershipPort, wire, clock } = this.#options
    this.#membership = new MembershipSource({
      isEnabled: membershipSecret !== '',
      port: membershipPort,
      nodes: this.#configuration.nodes.store,
      post: (message) => wire.post(message),
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
    const { namespace, clock } = this.#options
    const reports = this.follow<StoredReport>(SERVICE_L2_STATUSES, {
      selection: { namespace },
      indexes: { [BY_REPORTED_SERVICE]: reportedServiceKeys },
    })
    const layer2 = new Layer2Reports({
      client: this.client,
      reporter: () => this.#reporter(),
      reports: reports.store,
      interfacesOf: (key) => this.#announcedOn(key),
      onAssigned: (key) => this.#assigned(key),
      clock,
    })
    const onFault = (key: string, error: unknown): void => this.#fault(key, error)
    this.#reports = this.work({
      reconcile: (key) => layer2.reconcile(key),
      allKeys: () => this.#ownership.keys(),
      onFault,
      concurrency: 16,
    })
    // Leftovers of an earlier life, and what others write about Services that we answer for.
    reports.onChange((change) => {
      for (const key of reportedServiceKeys(change.kind === 'delete' ? change.old : change.object))
        this.#reports.add(key)
    })
    this.#silences = this.work({
      reconcile: (key) => {
        this.#tellSilence(key)
        return { kind: 'done' }
      },
      allKeys: () => this.#services.store.keys(),
      onFault,
    })
  }

  #observe(message: FromWire): void {
    if (message.kind === 'ownership') {
      this.#ownership.take(message)
      this.#reports.add(message.key)
      const { key, ip, owned, interfaces, reason } = message
      this.#log.info('ownership', `${owned ? 'answering' : 'not answering'} for ${ip}`, { key, interfaces, reason })
    } else if (message.kind === 'members') {
      this.#alive = message.alive
      this.#log.info('members', `alive: ${message.alive.join(', ')}`)
    } else if (message.kind === 'conflict') {
      this.#conflict(message)
    } else if (message.kind === 'fault') {
      this.#log.error('wireFault', message.message, { code: message.code })
    }
  }

  #decided(key: string, decision: Layer2Decision): void {
    this.#ownership.keepOnly(key, decision.kind === 'announce' ? decision.ips : [])
    this.#reports.add(key)
    if (decision.kind === 'silent') this.#silences.addAfter(key, SILENCE_TOLD_AFTER_MS)
  }

  #gone(key: string): void {
    this.#ownership.keepOnly(key, [])
    this.#reports.add(key)
  }

  /** What the report names: [] = all interfaces. */
  #announcedOn(key: string): readonly string[] | undefined {
    if (!this.#ownership.isAnnounced(key)) return undefined
    const decision = this.#announcer.decisionOn(key)
    if (decision?.kind !== 'announce') return undefined
    return decision.interfacesOf.get(this.#options.node) ?? []
  }

  #assigned(key: string): void {
    const message = `announcing from node "${this.#options.node}" with protocol "layer2"`
    this.#raise(key, { type: 'Normal', reason: 'nodeAssigned', message })
  }

  /** All speakers decide alike; the first of those alive speaks for them. */
  #tellSilence(key: string): void {
    const decision = this.#announcer.decisionOn(key)
    if (decision?.kind !== 'silent') return
    const isNobodysBusiness = ['notLoadBalancer', 'otherLoadBalancerClass', 'noIPAllocated'].includes(decision.because)
    const { node } = this.#options
    const isSpokesman = [...this.#alive, node].sort()[0] === node
    if (isNobodysBusiness || !isSpokesman) return
    const message = `not announced (${decision.because}): ${decision.detail}`
    this.#raise(key, { type: 'Warning', reason: 'notAnnounced', message, topic: 'layer2' })
  }

  #conflict({ ip, interface: name, mac }: FromWire & { kind: 'conflict' }): void {
    this.#log.warn('conflict', `${mac} on ${name} answers for ${ip} as well`, { ip, interface: name, mac })
    const message = `another station, ${mac} on interface ${name} of node ${this.#options.node}, uses ${ip}: remove the address from it, or from its pool`
    for (const key of this.#ownership.keys()) {
      const isConcerned = this.#ownership.addressesOf(key).some((address) => address.ip === ip)
      if (isConcerned)
        this.#raise(key, { type: 'Warning', reason: 'addressConflict', message, topic: `conflict ${ip}` })
    }
  }

  #raise(key: string, event: Omit<EventToRaise, 'object'>): void {
    const uid = this.#services.store.get(key)?.metadata.uid
    const { namespace, name } = nameOfKey(key)
    const object = { apiVersion: 'v1', kind: 'Service', name, ...(namespace && { namespace }), ...(uid && { uid }) }
    this.#events.raise({ ...event, object })
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
