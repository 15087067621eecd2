/**
 * A copy in memory of all objects of one resource, that never stops following until it is told to: lists, then watches
 * with bookmarks, goes on after a cut where it was, lists anew when the server has forgotten that place, and delivers
 * what it missed meanwhile by comparing.
 */
import { type Clock, sleep } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Page } from './answer.ts'
import { ApiError } from './api-error.ts'
import type { Backoff } from './backoff.ts'
import type { Client, Selection } from './client.ts'
import type { Pending } from './pending.ts'
import { type KubernetesObject, keyOf, type Resource } from './resource.ts'
import { type Ending, resumeAfter } from './resume.ts'
import { type IndexFunction, type ReadonlyStore, Store } from './store.ts'
import type { WatchEvent } from './watch-stream.ts'

/** A difference between what was known and what is. Several changes on the server may arrive as one. */
export type Change<S> =
  | { readonly kind: 'add'; readonly key: string; readonly object: S }
  | { readonly kind: 'update'; readonly key: string; readonly object: S; readonly old: S }
  | { readonly kind: 'delete'; readonly key: string; readonly old: S }

export interface InformerOptions<T extends KubernetesObject, S = T> {
  readonly client: Pick<Client, 'list' | 'watch'>
  readonly resource: Resource<T>
  readonly selection?: Selection
  /** What to keep of an object. Default: everything but `metadata.managedFields`. */
  readonly transform?: (object: T) => S
  readonly indexes?: Readonly<Record<string, IndexFunction<S>>>
  readonly clock: Clock
  readonly random: Random
  /** Objects a page of a list. Default 500. */
  readonly pageSize?: number
  /**
   * Silence after which a watch is opened anew; longer than the minute between two bookmarks. Default 70 s. Of a kind
   * that has not changed since the API server started there are no bookmarks: its silence is allowed to grow to
   * {@link MAX_PATIENCE} times as much. (A dead peer is noticed sooner, by TCP keep-alive; this is for a hung one.)
   */
  readonly idleTimeoutMs?: number
  /** From asking for a watch until the server agrees. Default 30 s. */
  readonly openTimeoutMs?: number
  /** One page. Default 60 s. */
  readonly listTimeoutMs?: number
  /** After which the server ends a watch; the upper half of this time is random. Default 10 min. */
  readonly watchTimeoutSeconds?: number
  /** Default 100 ms to 10 s. */
  readonly backoff?: Backoff
  /** Called at each end of a list or watch: for counters and the log. */
  readonly observe?: (ending: Ending) => void
}

export interface InformerCounters {
  /** Lists that were completed: 1 is the first, each further one a relist. */
  lists: number
  /** Watches that were opened. */
  watches: number
  /** Lists and watches that failed. */
  failures: number
  /** Events that told nothing new. */
  duplicates: number
  bookmarks: number
}

const DEFAULTS = {
  pageSize: 500,
  idleTimeoutMs: 70_000,
  openTimeoutMs: 30_000,
  listTimeoutMs: 60_000,
  watchTimeoutSeconds: 600,
} as const
/** See {@link InformerOptions.idleTimeoutMs}. */
export const MAX_PATIENCE = 4
const DEFAULT_BACKOFF: Backoff = { baseMs: 100, maxMs: 10_000 }
/** A watch that lasted so long was a good one, whatever ended it. */
const USEFUL_AFTER_MS = 5_000

/** Follows one resource. Handlers are called one after the other in the order of events and must not throw. */
export class Informer<T extends KubernetesObject, S = T> {
  readonly resource: Resource<T>
  readonly counters: InformerCounters = { lists: 0, watches: 0, failures: 0, duplicates: 0, bookmarks: 0 }
  readonly #options: InformerOptions<T, S>
  readonly #store: Store<S>
  /** Resource version of each object in the store: equal versions are equal objects. */
  readonly #versions = new Map<string, string>()
  readonly #handlers = new Set<(change: Change<S>) => void>()
  readonly #synced = Promise.withResolvers<void>()
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  /** Version up to which everything is known; undefined = list first. */
  #position: string | undefined
  #isSynced = false
  #lastContactAt: number | undefined
  /** When it last began or ended an attempt, or heard something; undefined: it does not run. */
  #lastTurnAt: number | undefined
  /** Events that were applied. */
  #progress = 0
  /** By how much the limit of silence is stretched: 1 while bookmarks come. */
  #patience = 1
  #isWatchOpen = false
  #lastError: ApiError | undefined
  /** A continue token expired: the next list comes in one piece. */
  #isUnpaged = false
  #refreshes: (() => void)[] = []
  /** When the list began that was completed last. */
  #listedAt: number | undefined
  #interrupt = new AbortController()

  constructor(options: InformerOptions<T, S>) {
    this.resource = options.resource
    this.#options = options
    this.#store = new Store(options.indexes)
  }

  get store(): ReadonlyStore<S> {
    return this.#store
  }

  /** Whether the store has held everything once. It stays true while the API server is away. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  /** Clock time of the last byte from the API server; undefined before the first. */
  get lastContactAt(): number | undefined {
    return this.#lastContactAt
  }

  /** Why the last list or watch failed; undefined once the next one works. */
  get lastError(): ApiError | undefined {
    return this.#lastError
  }

  /** What it waits for; undefined: it does not run. */
  get pending(): Pending | undefined {
    const since = this.#lastTurnAt
    return since === undefined ? undefined : { what: `following ${this.resource.plural}`, since }
  }

  whenSynced(): Promise<void> {
    return this.#synced.promise
  }

  /** Calls the handler for all that is in the store (as `add`), then for each change. @returns unsubscribe */
  onChange(handler: (change: Change<S>) => void): () => void {
    for (const key of this.#store.keys()) handler({ kind: 'add', key, object: this.#store.get(key)! })
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  start(): void {
    this.#running ??= this.#run(this.#stopping.signal)
  }

  /** Settles when it runs no more: after {@link stop}, or, rejected, when a handler has thrown. */
  get stopped(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#interrupt.abort()
    await this.#running
    this.#lastTurnAt = undefined
  }

  /**
   * Resolves when a list that began at this time of the clock, or later, is in the store: whoever becomes the leader
   * thereby knows all that the leaders before it wrote.
   */
  listedSince(since: number): Promise<void> {
    return this.#listedAt !== undefined && this.#listedAt >= since ? Promise.resolve() : this.refresh()
  }

  /** Resolves when a list that began after this call is in the store. */
  refresh(): Promise<void> {
    return new Promise((resolve) => {
      this.#refreshes.push(resolve)
      this.#interrupt.abort()
    })
  }

  async #run(stopping: AbortSignal): Promise<void> {
    const { clock, random, backoff = DEFAULT_BACKOFF, observe } = this.#options
    let failures = 0
    while (!stopping.aborted) {
      this.#lastTurnAt = clock.now()
      this.#interrupt = new AbortController()
      if (this.#refreshes.length > 0) this.#position = undefined
      const ending = await this.#listOrWatch(this.#interrupt.signal)
      if (stopping.aborted) return
      observe?.(ending)
      this.#lastError = ending.kind === 'failed' ? ending.error : undefined
      const next = resumeAfter(ending, failures, backoff, random)
      failures = next.failures
      this.#lastTurnAt = clock.now()
      if (next.relist) this.#position = undefined
      if (next.delayMs > 0) await sleep(clock, next.delayMs, this.#interrupt.signal)
    }
  }

  async #listOrWatch(signal: AbortSignal): Promise<Ending> {
    const { clock } = this.#options
    const startedAt = clock.now()
    const progress = this.#progress
    this.#isWatchOpen = false
    const wasUseful = (): boolean =>
      this.#position !== undefined && (this.#progress > progress || clock.now() - startedAt > USEFUL_AFTER_MS)
    try {
      if (this.#position === undefined) {
        await this.#list(signal)
        return { kind: 'listed' }
      }
      await this.#watch(this.#position, signal)
      return { kind: 'closed', wasUseful: wasUseful() }
    } catch (error) {
      // Anything else is a fault of ours, in a handler for example, and must not pass for the network's.
      if (!(error instanceof ApiError)) throw error
      if (error.kind === 'aborted' && signal.aborted) return { kind: 'interrupted' }
      if (error.kind === 'timeout' && this.#isWatchOpen) {
        if (this.#progress === progress) this.#patience = Math.min(MAX_PATIENCE, this.#patience * 2)
        return { kind: 'silent' }
      }
      this.counters.failures++
      const during = this.#position === undefined ? 'list' : 'watch'
      if (during === 'list' && error.kind === 'gone') this.#isUnpaged = true
      return { kind: 'failed', during, error, wasUseful: wasUseful() }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, selection, pageSize = DEFAULTS.pageSize } = this.#options
    const timeoutMs = this.#options.listTimeoutMs ?? DEFAULTS.listTimeoutMs
    const beganAt = this.#options.clock.now()
    const refreshes = [...this.#refreshes]
    const limit = this.#isUnpaged ? undefined : pageSize
    const ask = (continueToken?: string): Promise<Page<T>> =>
      client.list(resource, { ...selection, limit, continueToken, timeoutMs, signal })
    const found = new Map<string, { readonly version: string; readonly object: S }>()
    let page = await ask()
    while (true) {
      this.#touch()
      // The server makes the next page while this one is looked through.
      const next = page.continueToken === undefined ? undefined : ask(page.continueToken)
      // Its failure is heard below; where this page cannot be read, nobody asks for it any more.
      next?.catch(() => undefined)
      for (const object of page.items) {
        found.set(keyOf(object.metadata), { version: versionOf(object), object: this.#kept(object) })
      }
      if (next === undefined) break
      page = await next
    }
    for (const [key, { version, object }] of found) this.#set(key, version, object)
    this.#deleteAllBut(found)
    this.#isUnpaged = false
    this.#position = page.resourceVersion
    this.#listedAt = beganAt
    this.counters.lists++
    this.#isSynced = true
    this.#synced.resolve()
    // Those that came while it was listed need a list that begins after them.
    this.#refreshes = this.#refreshes.filter((resolve) => !refreshes.includes(resolve))
    for (const resolve of refreshes) resolve()
  }

  async #watch(position: string, signal: AbortSignal): Promise<void> {
    const { client, resource, selection, random } = this.#options
    const seconds = this.#options.watchTimeoutSeconds ?? DEFAULTS.watchTimeoutSeconds
    const batches = await client.watch(resource, {
      ...selection,
      resourceVersion: position,
      // Spread, so that not all watches of a fleet end in the same second.
      timeoutSeconds: seconds * (0.5 + 0.5 * random()),
      idleTimeoutMs: () => (this.#options.idleTimeoutMs ?? DEFAULTS.idleTimeoutMs) * this.#patience,
      timeoutMs: this.#options.openTimeoutMs ?? DEFAULTS.openTimeoutMs,
      signal,
    })
    this.counters.watches++
    this.#isWatchOpen = true
    for await (const batch of batches) {
      this.#touch()
      for (const event of batch) this.#apply(event)
      if (signal.aborted) throw new ApiError('aborted', `watch ${resource.plural}: given up`)
    }
  }

  #apply(event: WatchEvent<T>): void {
    if (event.kind === 'error') throw event.error
    this.#progress++
    this.#patience = 1
    if (event.kind === 'bookmark') {
      this.counters.bookmarks++
      this.#position = event.resourceVersion
      return
    }
    const key = keyOf(event.object.metadata)
    if (event.kind === 'deleted') this.#delete(key)
    else this.#set(key, versionOf(event.object), this.#kept(event.object))
    this.#position = versionOf(event.object)
  }

  #set(key: string, version: string, object: S): void {
    if (this.#versions.get(key) === version) {
      this.counters.duplicates++
      return
    }
    this.#versions.set(key, version)
    const old = this.#store.set(key, object)
    this.#tell(old === undefined ? { kind: 'add', key, object } : { kind: 'update', key, object, old })
  }

  #delete(key: string): void {
    this.#versions.delete(key)
    const old = this.#store.delete(key)
    if (old !== undefined) this.#tell({ kind: 'delete', key, old })
  }

  #deleteAllBut(present: { has(key: string): boolean }): void {
    for (const key of [...this.#store.keys()]) if (!present.has(key)) this.#delete(key)
  }

  #tell(change: Change<S>): void {
    for (const handler of this.#handlers) handler(change)
  }

  #touch(): void {
    this.#lastContactAt = this.#options.clock.now()
    this.#lastTurnAt = this.#lastContactAt
  }

  #kept(object: T): S {
    const { transform } = this.#options
    return transform === undefined ? (withoutManagedFields(object) as unknown as S) : transform(object)
  }
}

function versionOf(object: KubernetesObject): string {
  const version = object.metadata.resourceVersion
  if (version === undefined) throw new ApiError('malformed', `${keyOf(object.metadata)} has no resourceVersion`)
  return version
}

/** Who set which field is half of many an object, and nothing that a program of ours reads. */
function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown }
  return { ...object, metadata }
}
