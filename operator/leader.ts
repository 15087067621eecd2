/**
 * The shell around {@link stepElection}, and the fence: every write of a program with several replicas goes through
 * {@link Leader.guard}, which lets nothing out that the lease does not cover at the moment of sending.
 *
 * What the fence covers: a lost API server, a lost leader, a clock that is stepped, a process that is frozen and thawed
 * (the check is made when the connection stands and the bytes leave), a machine that is suspended (the wall clock goes
 * on while the monotonic one stands still: both must agree that the lease is fresh). What it cannot cover is a request
 * that has left and is held up on its way for longer than lease duration less renew deadline; against that, a patch
 * carries the resourceVersion that its decision was made on.
 */
import { setMaxListeners } from 'node:events'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { jitter, type Random } from '../runtime/random.ts'
import { ApiError, unless } from './api-error.ts'
import type { Client } from './client.ts'
import {
  DEFAULT_LEASE_TIMING,
  type Election,
  type ElectionAction,
  type ElectionEvent,
  isValidLeader,
  type LeaseSpec,
  type LeaseTiming,
  newElection,
  stepElection,
} from './election.ts'
import type { Pending } from './pending.ts'
import { LEASES, type Lease } from './resources.ts'

export interface LeaderOptions {
  /** One of its own: renewals must not queue behind a thousand status patches for a connection. */
  readonly client: Pick<Client, 'get' | 'create' | 'replace'>
  readonly namespace: string
  /** Name of the Lease. */
  readonly name: string
  /** Different for each start of each replica: pod name and something random. */
  readonly identity: string
  readonly timing?: LeaseTiming
  readonly clock: Clock
  readonly random: Random
  /**
   * From now on guarded writes go out. What decisions rest on must have been read after `vacantSince`, a time of the
   * clock: then it shows all that earlier leaders wrote (election.ts says why).
   */
  readonly onElected: (vacantSince: number) => void
  readonly onDeposed: (because: string) => void
  /** Every failed attempt to read or write the Lease. */
  readonly onError?: (error: ApiError) => void
}

/** Goes into the options of a write. */
export interface Fence {
  readonly signal: AbortSignal
  readonly beforeSend: () => void
}

export class Leader {
  readonly #options: LeaderOptions
  #election: Election
  #term: AbortController | undefined
  /** Wall clock at the beginning of the last renewal that was accepted. */
  #renewedAtWall = 0
  #timer: TimerHandle | undefined
  #expiry: TimerHandle | undefined
  #request: Promise<void> = Promise.resolve()
  #isStopping = false
  /** undefined: it does not stand for election. */
  #lastTurnAt: number | undefined
  readonly #writes = new Set<Promise<unknown>>()

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#election = newElection(options.identity, options.timing ?? DEFAULT_LEASE_TIMING)
  }

  /**
   * Reads the Lease without standing for election, and resolves when that has ended, well or not. What is read from the
   * API server afterwards need not be read again where the Lease was vacant and is claimed as it was.
   */
  async look(): Promise<void> {
    try {
      this.#handle({ kind: 'looked', lease: await this.#get() })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // Nothing is known then, and what follows is read again once this candidate is elected.
      this.#options.onError?.(error)
    }
  }

  /** Stands for election. */
  start(): void {
    this.#lastTurnAt = this.#options.clock.now()
    this.#handle({ kind: 'tick' })
  }

  /** Whether a write may go out now. */
  get isLeader(): boolean {
    const { clock } = this.#options
    const { timing } = this.#election
    // The monotonic clock stands still while the machine is suspended. A wall clock that was set forward looks the same
    // and costs no more than a pause until the next renewal; one that was set back proves nothing and is ignored.
    const isFreshByWall = clock.wall() - this.#renewedAtWall < timing.renewDeadlineMs
    return isValidLeader(this.#election, clock.now()) && isFreshByWall
  }

  /** The next look at the Lease; undefined where it does not stand for election. */
  get pending(): Pending | undefined {
    const since = this.#lastTurnAt
    return since === undefined || this.#isStopping
      ? undefined
      : { what: `looking at the Lease ${this.#options.name}`, since }
  }

  /**
   * Runs a write that only the leader may make. It must pass the fence on to the client.
   * @throws ApiError `fenced` where leadership cannot be shown: before the write, when its bytes are to leave, or while
   *   it waits for its answer
   */
  async guard<T>(write: (fence: Fence) => Promise<T>): Promise<T> {
    this.#check()
    const running = write({ signal: this.#term!.signal, beforeSend: () => this.#check() })
    this.#writes.add(running)
    try {
      return await running
    } finally {
      this.#writes.delete(running)
    }
  }

  /** Waits for guarded writes under way, then gives the lease back, so that a successor need not wait for its end. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#clear('timer')
    await Promise.allSettled([...this.#writes])
    await this.#request
    const { lease } = this.#election.seen ?? {}
    const wasLeader = this.isLeader
    this.#depose('stopped')
    if (wasLeader && lease !== undefined) await this.#release(lease)
  }

  #check(): void {
    if (!this.isLeader) throw new ApiError('fenced', 'not sent: leadership cannot be shown valid')
  }

  #handle(event: ElectionEvent): void {
    const now = this.#options.clock.now()
    const { election, actions } = stepElection(this.#election, event, now)
    this.#election = election
    if (this.#lastTurnAt !== undefined) this.#lastTurnAt = now
    this.#armExpiry()
    for (const action of actions) this.#execute(action)
  }

  #execute(action: ElectionAction): void {
    if (action.kind === 'deposed') this.#endTerm(action.because)
    else if (action.kind === 'elected') this.#elect(action.vacantSince)
    else if (this.#isStopping) return
    else if (action.kind === 'tick-after') this.#tickAfter(action.delayMs)
    else this.#request = action.kind === 'read' ? this.#read() : this.#write(action.spec, action.replaces)
  }

  #elect(vacantSince: number): void {
    // The answer to a claim that was under way when stopping began: the lease is given back in a moment.
    if (this.#isStopping) return
    this.#term = new AbortController()
    // One listener for each write under way.
    setMaxListeners(0, this.#term.signal)
    this.#options.onElected(vacantSince)
  }

  #depose(because: string): void {
    this.#election = { ...this.#election, validUntil: undefined }
    this.#clear('expiry')
    this.#endTerm(because)
  }

  #endTerm(because: string): void {
    if (this.#term === undefined) return
    this.#term.abort(new ApiError('fenced', `given up: ${because}`))
    this.#term = undefined
    this.#options.onDeposed(because)
  }

  #tickAfter(delayMs: number): void {
    const { clock, random } = this.#options
    this.#clear('timer')
    this.#timer = clock.setTimeout(() => this.#handle({ kind: 'tick' }), jitter(delayMs, 0.1, random))
  }

  /** Writes under way end when the lease does, not when somebody next looks at it. */
  #armExpiry(): void {
    this.#clear('expiry')
    const { clock } = this.#options
    const { validUntil } = this.#election
    if (validUntil === undefined) return
    this.#expiry = clock.setTimeout(() => {
      // The request that should have renewed in time is still under way and will say how it ended.
      if (!isValidLeader(this.#election, clock.now())) this.#depose('the lease could not be renewed in time')
    }, validUntil - clock.now())
  }

  #clear(which: 'timer' | 'expiry'): void {
    const handle = which === 'timer' ? this.#timer : this.#expiry
    if (handle !== undefined) this.#options.clock.clearTimeout(handle)
    if (which === 'timer') this.#timer = undefined
    else this.#expiry = undefined
  }

  async #read(): Promise<void> {
    await this.#ask(async () => ({ kind: 'read', lease: await this.#get() }))
  }

  #get(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options
    return unless(['not-found'], client.get(LEASES, { namespace, name }, this.#limits()))
  }

  async #write(spec: LeaseSpec, replaces: Lease | undefined): Promise<void> {
    const { client, clock } = this.#options
    const startedAt = clock.now()
    const startedAtWall = clock.wall()
    const lease = this.#leaseOf(spec, replaces, startedAtWall)
    await this.#ask(async () => {
      const limits = this.#limits()
      const written = await (replaces === undefined
        ? client.create(LEASES, lease, limits)
        : client.replace(LEASES, lease, limits))
      this.#renewedAtWall = startedAtWall
      return { kind: 'written', lease: written, startedAt }
    })
  }

  async #ask(request: () => Promise<ElectionEvent>): Promise<void> {
    let event: ElectionEvent
    try {
      event = await request()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#options.onError?.(error)
      // `not-found`: somebody deleted the Lease between reading and writing.
      event = { kind: error.kind === 'conflict' || error.kind === 'not-found' ? 'refused' : 'failed' }
    }
    this.#handle(event)
  }

  #limits(): { readonly timeoutMs: number } {
    return { timeoutMs: this.#election.timing.renewDeadlineMs / 2 }
  }

  #leaseOf(spec: LeaseSpec, replaces: Lease | undefined, wall: number): Lease {
    const { namespace, name } = this.#options
    const { isNewTerm, ...rest } = spec
    const now = microTime(wall)
    const acquireTime = isNewTerm ? now : (replaces?.spec?.acquireTime ?? now)
    return { metadata: replaces?.metadata ?? { namespace, name }, spec: { ...rest, acquireTime, renewTime: now } }
  }

  async #release(lease: Lease): Promise<void> {
    const now = microTime(this.#options.clock.wall())
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now }
    try {
      await this.#options.client.replace(LEASES, { metadata: lease.metadata, spec }, this.#limits())
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // The successor waits for the end of the lease instead.
      this.#options.onError?.(error)
    }
  }
}

/** meta/v1 MicroTime: six digits after the point. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z')
}
