/**
 * Typed calls to the API server on client-node's configuration: any resource, many requests in flight at once, a limit
 * of time on everything, errors sorted by {@link ApiError.kind}.
 */
import type { Clock } from '../runtime/clock.ts'
import { type ListBody, type Page, pageOf, parseBody, statusOf } from './answer.ts'
import { ApiError, apiErrorOfStatus, asApiError } from './api-error.ts'
import { type Access, Credentials, type KubeConfigSource } from './credentials.ts'
import { eventsOf } from './event-source.ts'
import {
  apiVersionOf,
  collectionPath,
  type KubernetesObject,
  keyOf,
  type ObjectName,
  objectPath,
  type Resource,
} from './resource.ts'
import { PODS } from './resources.ts'
import { exchange, type HttpRequest, type HttpResponse, openStream } from './transport.ts'
import type { WatchEvent } from './watch-stream.ts'

export interface ClientOptions {
  readonly source: KubeConfigSource
  readonly clock: Clock
  /** `User-Agent`, which API server audit logs show: `invar-controller/0.1.0`. */
  readonly userAgent: string
  /** Connections for short requests; watches have their own. Default 48. */
  readonly maxConnections?: number
  /** For one short request, waiting for a connection included. Default 30 s. */
  readonly timeoutMs?: number
  /** Called once for each request that ended, a watch when its headers came. */
  readonly observe?: (request: ObservedRequest) => void
}

/** For histograms of API latency. */
export interface ObservedRequest {
  readonly verb: Verb
  /** Plural, with the subresource: `services/status`. */
  readonly resource: string
  /** HTTP status, or the kind of error where none came. */
  readonly code: string
  readonly durationMs: number
}

export type Verb = 'list' | 'watch' | 'get' | 'create' | 'replace' | 'patch' | 'delete'

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
  /** See {@link HttpRequest.beforeSend}; `Leader.guard` gives it. */
  readonly beforeSend?: (() => void) | undefined
}

export interface WriteOptions extends RequestOptions {
  readonly subresource?: string | undefined
  /** Name under which the server records who owns which field. */
  readonly fieldManager?: string | undefined
}

export interface PatchOptions extends WriteOptions {
  /**
   * `merge`: RFC 7386, null deletes. `apply`: server-side apply, needs `fieldManager`. `strategic`: built-in kinds only.
   * Default `merge`.
   */
  readonly type?: 'merge' | 'apply' | 'strategic'
  /** With `apply`: take over fields that others own. */
  readonly force?: boolean
}

export interface DeleteOptions extends RequestOptions {
  /** Guards against deleting a namesake. */
  readonly uid?: string
  readonly resourceVersion?: string
  /** `Orphan`: what it owns stays. Default: the kind's own, which deletes that afterwards. */
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
}

export interface PodLogOptions {
  readonly container: string
  /** Of the life before the container was started anew. */
  readonly previous?: boolean
  readonly tailLines: number
}

export interface Selection {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface ListOptions extends RequestOptions, Selection {
  /** Objects a page at most; undefined = all at once. */
  readonly limit?: number | undefined
  /** Token of the page before. */
  readonly continueToken?: string | undefined
  /** '0' = whatever the server has in memory, however old. Default: the most recent. */
  readonly resourceVersion?: string | undefined
}

export interface WatchOptions extends RequestOptions, Selection {
  /** Events after this version are sent. */
  readonly resourceVersion: string
  /** The server ends the watch after this time. */
  readonly timeoutSeconds: number
  /**
   * An open watch fails with `timeout` where not one byte comes for so long; bookmarks come about once a minute. Asked
   * anew whenever bytes came.
   */
  readonly idleTimeoutMs: () => number
}

const PATCH_CONTENT_TYPES = {
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
  strategic: 'application/strategic-merge-patch+json',
} as const

const DEFAULT_MAX_CONNECTIONS = 48
const DEFAULT_TIMEOUT_MS = 30_000

/** All methods throw {@link ApiError} and nothing else. */
export class Client {
  readonly #options: ClientOptions
  readonly #credentials: Credentials

  constructor(options: ClientOptions) {
    this.#options = options
    this.#credentials = new Credentials({
      source: options.source,
      clock: options.clock,
      maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    })
  }

  /** One page, or everything where no limit is given. */
  async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}): Promise<Page<T>> {
    const query = {
      ...selectionQuery(options),
      limit: options.limit?.toString(),
      continue: options.continueToken,
      resourceVersion: options.resourceVersion,
    }
    const path = collectionPath(resource, options.namespace)
    const list = await this.#call<ListBody<T>>('list', resource, options.namespace ?? '', {
      method: 'GET',
      path,
      query,
      ...this.#limits(options),
    })
    return pageOf(list, resource)
  }

  get<T extends KubernetesObject>(resource: Resource<T>, name: ObjectName, options: RequestOptions = {}): Promise<T> {
    const path = objectPath(resource, name)
    return this.#call('get', resource, keyOf(name), { method: 'GET', path, ...this.#limits(options) })
  }

  /** The last lines that a container of a Pod wrote. */
  podLog(pod: ObjectName, lines: PodLogOptions, options: RequestOptions = {}): Promise<string> {
    const { container, previous = false, tailLines } = lines
    const query = { container, previous: String(previous), tailLines: String(tailLines) }
    const request: HttpRequest = { method: 'GET', path: objectPath(PODS, pod, 'log'), query, ...this.#limits(options) }
    return this.#ask('get', 'pods/log', `get pods/log ${keyOf(pod)}`, request)
  }

  /** Kind and apiVersion are filled in where the object does not say them. */
  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = collectionPath(resource, object.metadata.namespace)
    return this.#write('create', 'POST', path, resource, keyOf(object.metadata), typed(resource, object), options)
  }

  /** Replaces the whole object (or subresource); with `metadata.resourceVersion` only where nobody changed it since. */
  replace<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(resource, object.metadata, options.subresource)
    return this.#write('replace', 'PUT', path, resource, keyOf(object.metadata), typed(resource, object), options)
  }

  /** @param patch in the form that `type` says; with `metadata.resourceVersion` in it, only where nobody changed it */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: object,
    options: PatchOptions = {},
  ): Promise<T> {
    const path = objectPath(resource, name, options.subresource)
    const type = options.type ?? 'merge'
    const force = options.force === undefined ? undefined : String(options.force)
    return this.#write('patch', 'PATCH', path, resource, keyOf(name), patch, options, {
      contentType: PATCH_CONTENT_TYPES[type],
      query: { force },
    })
  }

  /** Deletes; `not-found` is thrown where there is nothing. */
  async delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const { uid, resourceVersion, propagationPolicy } = options
    const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion }
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy }
    await this.#write('delete', 'DELETE', objectPath(resource, name), resource, keyOf(name), body, options)
  }

  /**
   * Opens a watch.
   * @returns its events; the iteration ends when the server ends the watch, and throws ApiError when the connection
   *   breaks, idles or the signal aborts. A refusal of the request is thrown before anything is returned.
   */
  async watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): Promise<AsyncIterable<readonly WatchEvent<T>[]>> {
    const what = `watch ${resource.plural}`
    const { clock } = this.#options
    const query = {
      ...selectionQuery(options),
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(Math.ceil(options.timeoutSeconds)),
      resourceVersion: options.resourceVersion,
    }
    const path = collectionPath(resource, options.namespace)
    const limits = this.#limits(options)
    const open = (access: Access) =>
      openStream(access, clock, what, this.#agentOf({ method: 'GET', path, query, ...limits }))
    const stream = await this.#observed('watch', resource.plural, () =>
      this.#authorized(what, open, async (refused) => {
        let body = ''
        for await (const chunk of refused.chunks) body += Buffer.from(chunk).toString('utf8')
        return apiErrorOfStatus(what, refused.status, statusOf(body), refused.retryAfter)
      }),
    )
    return eventsOf<T>(what, stream, clock, options.idleTimeoutMs)
  }

  /** Closes idle connections; requests under way finish. */
  close(): void {
    this.#credentials.close()
  }

  #limits(options: RequestOptions): Pick<HttpRequest, 'timeoutMs' | 'signal' | 'beforeSend'> {
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    return { timeoutMs, signal: options.signal, beforeSend: options.beforeSend }
  }

  #write<T>(
    verb: Verb,
    method: HttpRequest['method'],
    path: string,
    resource: Resource,
    key: string,
    body: object,
    options: WriteOptions,
    more: Pick<HttpRequest, 'contentType' | 'query'> = {},
  ): Promise<T> {
    const query = { ...more.query, fieldManager: options.fieldManager }
    const request = { method, path, query, contentType: more.contentType, body: JSON.stringify(body) }
    return this.#call(verb, resource, key, { ...request, ...this.#limits(options) }, options.subresource)
  }

  #agentOf(request: HttpRequest): HttpRequest {
    return { ...request, userAgent: this.#options.userAgent }
  }

  async #call<T>(verb: Verb, resource: Resource, key: string, request: HttpRequest, subresource?: string): Promise<T> {
    const plural = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`
    const what = `${verb} ${plural} ${key}`.trimEnd()
    return parseBody<T>(what, await this.#ask(verb, plural, what, request))
  }

  /** @returns the body of the answer */
  async #ask(verb: Verb, plural: string, what: string, request: HttpRequest): Promise<string> {
    const send = (access: Access) => exchange(access, this.#options.clock, what, this.#agentOf(request))
    const refuse = async (response: HttpResponse) =>
      apiErrorOfStatus(what, response.status, statusOf(response.body), response.retryAfter)
    const response = await this.#observed(verb, plural, () => this.#authorized(what, send, refuse))
    return response.body
  }

  /** Sends with the credentials at hand, and once more with those read anew where the server refuses them. */
  async #authorized<R extends { readonly status: number }>(
    what: string,
    send: (access: Access) => Promise<R>,
    refuse: (response: R) => Promise<ApiError>,
  ): Promise<R> {
    const access = this.#credentials.fresh() ?? (await this.#credentials.access().catch(unusable(what)))
    const response = await send(access)
    if (response.status < 300) return response
    const refusal = await refuse(response)
    if (refusal.kind !== 'unauthorized') throw refusal
    const second = await send(await this.#credentials.reread().catch(unusable(what)))
    if (second.status < 300) return second
    throw await refuse(second)
  }

  async #observed<R extends { readonly status: number }>(
    verb: Verb,
    resource: string,
    run: () => Promise<R>,
  ): Promise<R> {
    const { clock, observe } = this.#options
    const startedAt = clock.now()
    const tell = (code: string): void => observe?.({ verb, resource, code, durationMs: clock.now() - startedAt })
    try {
      const response = await run()
      tell(String(response.status))
      return response
    } catch (error) {
      const failure = asApiError(`${verb} ${resource}`, error)
      tell(failure.code?.toString() ?? failure.kind)
      throw failure
    }
  }
}

function selectionQuery(selection: Selection): Record<string, string | undefined> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector }
}

function typed<T extends KubernetesObject>(resource: Resource<T>, object: T): T {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
}

function unusable(what: string): (error: unknown) => never {
  return (error) => {
    const because = error instanceof Error ? error.message : String(error)
    throw new ApiError('unauthorized', `${what}: credentials cannot be used: ${because}`, { cause: error })
  }
}
