/** The loop around every reconciler: keys in, outcomes out, several keys at once, one worker a key. */
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { ApiError } from './api-error.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import type { Pending } from './pending.ts'
import { KeyQueue, type Lane } from './queue.ts'

/** What is to happen after one key was looked at. */
export type Outcome =
  /** The world is as it should be for this key, as far as it depends on us. */
  | { readonly kind: 'done' }
  /** Look again: after `afterMs`, or, where that is absent, after a time that grows with each retry in a row. */
  | { readonly kind: 'retry'; readonly because: string; readonly afterMs?: number }

export const DONE: Outcome = { kind: 'done' }

export interface ReconcilerOptions {
  readonly clock: Clock
  readonly random: Random
  /**
   * Looks at one key and makes the world right. Level-triggered: it reads what is, whatever the events were. An
   * ApiError that it throws is a retry; anything else is a fault of ours and goes to `onFault`.
   */
  readonly reconcile: (key: string) => Promise<Outcome> | Outcome
  /** All keys, in the order in which they are worked on; asked for by {@link Reconciler.addAll}. */
  readonly allKeys: () => Iterable<string>
  /** A fault of ours. The key is not tried again; most programs rethrow, which ends the process. */
  readonly onFault: (key: string, error: unknown) => void
  /** Keys worked on at once. Default 32: each may wait for the API server. */
  readonly concurrency?: number
  /** Default 50 ms to 60 s. */
  readonly backoff?: Backoff
  readonly observe?: (result: Reconciled) => void
}

/** For the queue's metrics and the log. */
export interface Reconciled {
  readonly key: string
  readonly outcome: Outcome
  /** From being added to being taken. */
  readonly waitedMs: number
  readonly workedMs: number
}

const DEFAULT_CONCURRENCY = 32
const DEFAULT_BACKOFF: Backoff = { baseMs: 50, maxMs: 60_000 }

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #queue = new KeyQueue()
  /** When work on each key began that is worked on now, oldest first. */
  readonly #startedAt = new Map<string, number>()
  /** Keys that will be added later. */
  readonly #delayed = new Map<string, TimerHandle>()
  readonly #failures = new Map<string, number>()
  #idleWaiters: (() => void)[] = []
  #isRunning = false

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** Keys that wait to be worked on. */
  get depth(): number {
    return this.#queue.depth
  }

  /** Keys being worked on now. */
  get working(): number {
    return this.#queue.working
  }

  /** The key that has been worked on the longest; undefined where nothing is to be done. */
  get pending(): Pending | undefined {
    const oldest = this.#startedAt.entries().next()
    if (oldest.done === true) return undefined
    const [key, since] = oldest.value
    return { what: `work on ${key}`, since }
  }

  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.size
  }

  /** May be called before {@link start}: the key waits. */
  add(key: string, lane: Lane = 'live'): void {
    // A fresh reason to look makes waiting for the next retry pointless, but does not forgive the failures.
    this.#cancelDelay(key)
    this.#queue.add(key, this.#options.clock.now(), lane)
    this.#pump()
  }

  addAll(lane: Lane = 'bulk'): void {
    for (const key of this.#options.allKeys()) this.add(key, lane)
  }

  addAfter(key: string, delayMs: number): void {
    this.#cancelDelay(key)
    const handle = this.#options.clock.setTimeout(() => {
      this.#delayed.delete(key)
      this.add(key)
    }, delayMs)
    this.#delayed.set(key, handle)
  }

  start(): void {
    this.#isRunning = true
    this.#pump()
  }

  /** Takes no further key; resolves when those being worked on are finished. What waits stays, for another start. */
  async stop(): Promise<void> {
    this.#isRunning = false
    for (const key of [...this.#delayed.keys()]) {
      this.#cancelDelay(key)
      this.#queue.add(key, this.#options.clock.now())
    }
    if (this.#queue.working > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  /** Resolves when nothing waits and nothing is being worked on; delayed keys do not count. */
  whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  #isIdle(): boolean {
    return this.#queue.working === 0 && (this.#queue.depth === 0 || !this.#isRunning)
  }

  #cancelDelay(key: string): void {
    const handle = this.#delayed.get(key)
    if (handle === undefined) return
    this.#options.clock.clearTimeout(handle)
    this.#delayed.delete(key)
  }

  #pump(): void {
    const { clock, concurrency = DEFAULT_CONCURRENCY } = this.#options
    while (this.#isRunning && this.#queue.working < concurrency) {
      const taken = this.#queue.take()
      if (taken === undefined) break
      void this.#work(taken.key, clock.now() - taken.addedAt)
    }
    if (!this.#isIdle()) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  async #work(key: string, waitedMs: number): Promise<void> {
    const { clock, observe } = this.#options
    const startedAt = clock.now()
    this.#startedAt.set(key, startedAt)
    // A turn later, so that adding many keys in a row is not interrupted by working on the first.
    await Promise.resolve()
    try {
      const outcome = await this.#outcomeOf(key)
      if (outcome === undefined) return
      observe?.({ key, outcome, waitedMs, workedMs: clock.now() - startedAt })
      this.#settle(key, outcome)
    } finally {
      this.#startedAt.delete(key)
      this.#queue.done(key)
      this.#pump()
    }
  }

  async #outcomeOf(key: string): Promise<Outcome | undefined> {
    try {
      return await this.#options.reconcile(key)
    } catch (error) {
      if (error instanceof ApiError) return outcomeOfApiError(error)
      this.#options.onFault(key, error)
      return undefined
    }
  }

  #settle(key: string, outcome: Outcome): void {
    if (outcome.kind === 'done') {
      this.#failures.delete(key)
      return
    }
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    // It is looked at again at once, and then says anew whether it is to be looked at later.
    if (this.#queue.waitsAgain(key)) return
    const { backoff = DEFAULT_BACKOFF, random } = this.#options
    this.addAfter(key, outcome.afterMs ?? backoffMs(backoff, failures, random))
  }
}

/** Every failure to talk to the API server is tried again: even `invalid` and `forbidden` may be put right outside. */
export function outcomeOfApiError(error: ApiError): Outcome {
  const because = error.message
  return error.retryAfterMs === undefined
    ? { kind: 'retry', because }
    : { kind: 'retry', because, afterMs: error.retryAfterMs }
}
