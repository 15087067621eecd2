/**
 * Gives addresses to Services: one ledger, one decision at a time, many writes in flight. Everything that it decides
 * by is in the ledger and the Services; everything that it changes goes through `writeStatus`.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  adopt,
  type Decision,
  decide,
  Ledger,
  passOrder,
  type Quarantine,
  type RequestOptions,
  requestOf,
  type ServiceEvent,
} from '../core/allocate/index.ts'
import type { Snapshot } from '../core/config/snapshot.ts'
import { serviceStatusPatch } from '../core/status/index.ts'
import {
  DONE,
  type Outcome,
  type Pending,
  type ReadonlyStore,
  type Reconciled,
  Reconciler,
  type Service,
} from '../operator/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { AssumedServices } from './assumed-services.ts'
import type { Departures } from './departures.ts'

export interface AllocatorOptions {
  /** All Services there are, as the informer keeps them. */
  readonly services: ReadonlyStore<Service>
  /**
   * Patches `services/status` of the version that the Service has, and of no other; resolves to the Service as the
   * server then has it. Refuses unless we lead.
   */
  readonly writeStatus: (service: Service, patch: object) => Promise<Service>
  readonly raise: (service: Service, event: ServiceEvent) => void
  /** Called when what pools have in use may have changed. */
  readonly onPoolsTouched: () => void
  /** Called when a decision is in force: what it changes is written. */
  readonly onDecided?: (made: DecisionInForce) => void
  /** Called when a Service is gone that held addresses. */
  readonly onReleased?: (key: string, addresses: readonly string[]) => void
  readonly onFault: (key: string, error: unknown) => void
  readonly observe: (result: Reconciled) => void
  readonly departures: Departures
  /** Whether the configuration says which pools the namespace may use. */
  readonly isNamespaceJudged: (namespace: string) => boolean
  readonly request: RequestOptions
  readonly clock: Clock
  readonly random: Random
  /** Status writes in flight at once. */
  readonly concurrency: number
}

/** A decision, and what it was made on. */
export interface DecisionInForce {
  /** As it was before. */
  readonly service: Service
  /** Addresses that the ledger had for it before: a Service that ceases to be a load balancer shows none any more. */
  readonly held: readonly string[]
  readonly decision: Decision
  /** What was said of it. */
  readonly events: readonly ServiceEvent[]
}

/** A Namespace is read within milliseconds of its first Service; where it never comes, it keeps nobody waiting for ever. */
const NAMESPACE_PATIENCE_MS = 5_000

/** Events kept for a Service while its writes fail; older ones tell of what was never seen. */
const MOST_UNRAISED = 10

export class Allocator {
  readonly #options: AllocatorOptions
  readonly #ledger = new Ledger()
  readonly #assumed: AssumedServices
  readonly #reconciler: Reconciler
  /** Raised once the write that they speak of has succeeded. */
  readonly #unraised = new Map<string, readonly ServiceEvent[]>()
  /** Services whose Namespace has not been read yet, with the time until which they wait for it. */
  readonly #strangers = new Map<string, number>()
  #isRunning = false
  /** Until the next address has rested. */
  #restTimer: TimerHandle | undefined

  constructor(options: AllocatorOptions) {
    this.#options = options
    this.#assumed = new AssumedServices(options.services)
    this.#reconciler = new Reconciler({
      clock: options.clock,
      random: options.random,
      concurrency: options.concurrency,
      reconcile: (key) => this.#reconcile(key),
      allKeys: () => this.#keysInPassOrder(),
      onFault: options.onFault,
      observe: options.observe,
    })
  }

  /** For reading only: what is held, by whom, in which pool. */
  get ledger(): Ledger {
    return this.#ledger
  }

  /** Services that wait to be looked at. */
  get depth(): number {
    return this.#reconciler.depth
  }

  /** The Service that has been worked on the longest. */
  get pending(): Pending | undefined {
    return this.#reconciler.pending
  }

  /** Deleted Services that wait for speakers. */
  get departing(): number {
    return this.#options.departures.size
  }

  /** Another configuration: what is still allowed stays where it is, then everybody is decided anew. */
  configure(snapshot: Snapshot): void {
    this.#ledger.configure(snapshot)
    if (this.#isRunning) this.#reconciler.addAll()
  }

  /**
   * Adopts what the statuses show, then begins to give out. To be called once, configured, with all Services in the
   * store.
   */
  start(): void {
    const inOrder = passOrder(this.#requests())
    adopt(this.#ledger, inOrder, this.#options.clock.now())
    this.#isRunning = true
    for (const { key } of inOrder) this.#reconciler.add(key, 'bulk')
    this.#reconciler.start()
    this.#options.onPoolsTouched()
  }

  /** Begins nothing new; resolves when no write is in flight. */
  stop(): Promise<void> {
    this.#isRunning = false
    if (this.#restTimer !== undefined) this.#options.clock.clearTimeout(this.#restTimer)
    return this.#reconciler.stop()
  }

  /** The Service was created, changed or deleted. */
  serviceChanged(key: string): void {
    // What our own write made of the Service was decided when it was written.
    if (this.#isRunning && !this.#assumed.caughtUp(key)) this.#reconciler.add(key)
  }

  /** Nobody is given the address any more; who holds it is decided anew. */
  quarantine(quarantine: Quarantine): void {
    this.#ledger.quarantine(quarantine)
    this.#reviewHolders(quarantine.address)
  }

  endQuarantine(address: string): void {
    this.#ledger.endQuarantine(address)
    this.#reviewHolders(address)
    if (this.#isRunning) this.#stir()
  }

  /** A speaker announces the Service: from now on it is not moved for what strangers do. */
  served(key: string): void {
    if (this.#ledger.assignmentOf(key) !== undefined) this.#ledger.markServed(key)
  }

  #reviewHolders(address: string): void {
    if (!this.#isRunning) return
    for (const key of this.#ledger.holdersOf(address)) this.#reconciler.add(key)
  }

  /** Resolves when every Service has been looked at. */
  whenIdle(): Promise<void> {
    return this.#reconciler.whenIdle()
  }

  async #reconcile(key: string): Promise<Outcome> {
    const service = this.#assumed.get(key)
    if (service === undefined) return this.#forget(key)
    const held = this.#ledger.assignmentOf(key)?.addresses ?? []
    const namespaceMs = held.length > 0 ? 0 : this.#awaitsNamespaceMs(key, service.metadata.namespace ?? '')
    if (namespaceMs > 0) {
      // The configuration that the Namespace makes has everybody looked at sooner.
      return { kind: 'retry', because: 'its Namespace has not been read yet', afterMs: namespaceMs }
    }
    const decision = decide(this.#ledger, requestOf(service, this.#options.request), this.#options.clock.now())
    this.#stir()
    const { holdsDeletion, afterMs, event } = this.#options.departures.judge(service)
    this.#remember(key, event === undefined ? decision.events : [...decision.events, event])
    await this.#write(service, decision, holdsDeletion)
    const events = this.#unraised.get(key) ?? []
    for (const event of events) this.#options.raise(service, event)
    this.#unraised.delete(key)
    this.#options.onDecided?.({ service, held, decision, events })
    if (afterMs === undefined) return DONE
    return { kind: 'retry', because: 'the Service is deleted, and speakers still announce it', afterMs }
  }

  /**
   * Given an address now, a Service of a new namespace would keep it, though a pool may be meant for that namespace.
   * @returns for how long it may still wait
   */
  #awaitsNamespaceMs(key: string, namespace: string): number {
    const { isNamespaceJudged, clock } = this.#options
    const now = clock.now()
    const until = this.#strangers.get(key) ?? now + NAMESPACE_PATIENCE_MS
    const awaits = !isNamespaceJudged(namespace) && now < until
    if (awaits) this.#strangers.set(key, until)
    else this.#strangers.delete(key)
    return awaits ? until - now : 0
  }

  async #write(service: Service, decision: Decision, holdsDeletion: boolean): Promise<void> {
    const { clock, writeStatus, onPoolsTouched } = this.#options
    const patch = serviceStatusPatch(service, decision, clock.wall(), holdsDeletion)
    if (patch === undefined) return
    const after = await writeStatus(service, patch)
    // Somebody's admission webhook may have changed it: then the Service is looked at again.
    const isSettled = serviceStatusPatch(after, decision, clock.wall(), holdsDeletion) === undefined
    this.#assumed.wrote(after, isSettled)
    if (isSettled) this.#ledger.markShown(decision.key)
    onPoolsTouched()
  }

  #forget(key: string): Outcome {
    const { addresses } = this.#ledger.assignmentOf(key) ?? {}
    if (addresses !== undefined) this.#options.onReleased?.(key, addresses)
    this.#ledger.forget(key, this.#options.clock.now())
    this.#assumed.forget(key)
    this.#unraised.delete(key)
    this.#strangers.delete(key)
    this.#options.departures.forget(key)
    this.#stir()
    this.#options.onPoolsTouched()
    return DONE
  }

  /** What this decision freed or changed may help others. */
  #stir(): void {
    for (const key of this.#ledger.waiting.takeStirred()) this.#reconciler.add(key, 'bulk')
    this.#awaitRests()
  }

  /** Freed addresses of some pools rest; where somebody waits, time alone may help. */
  #awaitRests(): void {
    const { clock } = this.#options
    const endMs = this.#ledger.waiting.size === 0 ? undefined : this.#ledger.nextRestEndMs()
    if (endMs === undefined || this.#restTimer !== undefined || !this.#isRunning) return
    this.#restTimer = clock.setTimeout(() => {
      this.#restTimer = undefined
      this.#ledger.endRests(clock.now())
      this.#stir()
    }, endMs - clock.now())
  }

  /** A decision whose write failed is made again, and tells the same again: each is raised once. */
  #remember(key: string, events: readonly ServiceEvent[]): void {
    const before = this.#unraised.get(key) ?? []
    const isNew = (event: ServiceEvent) => !before.some((known) => isDeepStrictEqual(known, event))
    const all = [...before, ...events.filter(isNew)]
    if (all.length > 0) this.#unraised.set(key, all.slice(-MOST_UNRAISED))
  }

  *#requests() {
    for (const service of this.#options.services.values()) yield requestOf(service, this.#options.request)
  }

  #keysInPassOrder(): string[] {
    return passOrder(this.#requests()).map((request) => request.key)
  }
}
