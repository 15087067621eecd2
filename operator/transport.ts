/**
 * One HTTP request to the API server and its answer: connections kept open, a limit of time on everything, and a guard
 * that is asked at the moment when the bytes leave.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Clock } from '../runtime/clock.ts'
import { ApiError, asApiError } from './api-error.ts'
import type { Access } from './credentials.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly userAgent?: string | undefined
  readonly contentType?: string | undefined
  readonly body?: string | undefined
  /** From now until the answer is complete; for a stream, until its headers are there. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /**
   * Called when the connection stands, immediately before the request is written; throws to keep it from going out.
   * A check made earlier would say nothing about a process that was frozen while it waited for a connection.
   */
  readonly beforeSend?: (() => void) | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

/** A list of 50,000 Services is about 100 MB; beyond this something is wrong, and V8 could not hold the string. */
const MAX_BODY_BYTES = 400 * 1024 * 1024

/**
 * Sends, and reads the whole answer.
 * @param what names the request in errors
 * @throws ApiError `unavailable`, `timeout`, `aborted`, or what `beforeSend` threw
 */
export async function exchange(
  access: Access,
  clock: Clock,
  what: string,
  request: HttpRequest,
): Promise<HttpResponse> {
  const call = new Call(access, clock, what, request, access.agent)
  try {
    const response = await call.response
    const body = await call.whileOpen(readAll(response))
    return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body }
  } finally {
    call.finish()
  }
}

/** An answer that goes on: its status is there, its bytes follow. */
export interface HttpStream {
  readonly status: number
  readonly retryAfter: string | undefined
  /** Ends when the server ends it; throws ApiError when the connection breaks, or `close` gave another reason. */
  readonly chunks: AsyncIterable<Uint8Array>
  close(reason: ApiError): void
}

/**
 * Sends, and hands over the answer as soon as its headers are there.
 * @throws ApiError as {@link exchange}
 */
export async function openStream(
  access: Access,
  clock: Clock,
  what: string,
  request: HttpRequest,
): Promise<HttpStream> {
  const call = new Call(access, clock, what, request, access.watchAgent)
  try {
    const response = await call.response
    call.disarm()
    return {
      status: response.statusCode ?? 0,
      retryAfter: response.headers['retry-after'],
      chunks: chunksOf(response, call),
      close: (reason) => call.fail(reason),
    }
  } catch (error) {
    call.finish()
    throw error
  }
}

async function* chunksOf(response: IncomingMessage, call: Call): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array
  } catch (error) {
    throw call.reasonOf(error)
  } finally {
    call.finish()
    response.destroy()
  }
}

function readAll(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length <= MAX_BODY_BYTES) return
      response.destroy(new ApiError('malformed', `the answer is longer than ${MAX_BODY_BYTES} bytes`))
    })
    response.on('end', () => resolve(textOf(chunks, length)))
    response.on('error', reject)
    // An answer that is cut ends in an error or, destroyed without one, in nothing but this.
    response.on('close', () => {
      if (!response.readableEnded) reject(new ApiError('unavailable', 'the answer was cut'))
    })
  })
}

function textOf(chunks: readonly Buffer[], length: number): string {
  return chunks.length === 1 ? chunks[0]!.toString('utf8') : Buffer.concat(chunks, length).toString('utf8')
}

/** A request under way: every way to end early (time, signal, guard, server) is one reason, given once. */
class Call {
  readonly response: Promise<IncomingMessage>
  readonly #what: string
  readonly #clock: Clock
  readonly #request: ClientRequest
  readonly #signal: AbortSignal | undefined
  #timer: ReturnType<Clock['setTimeout']> | undefined
  #reason: ApiError | undefined
  readonly #reject: (reason: ApiError) => void
  readonly #onAbort = (): void => this.fail(abortReason(this.#what, this.#signal))

  constructor(access: Access, clock: Clock, what: string, request: HttpRequest, agent: Access['agent']) {
    this.#what = what
    this.#clock = clock
    this.#signal = request.signal
    this.#request = start(access, request, agent)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    this.response = promise
    this.#reject = reject
    this.#request.on('response', resolve)
    this.#request.on('error', (error) => reject(this.reasonOf(error)))
    // Whoever waits for the response hears of the failure there; a failure before anybody waits is not a crash.
    this.response.catch(() => undefined)
    this.#timer = clock.setTimeout(() => {
      this.fail(new ApiError('timeout', `${what}: no answer in ${request.timeoutMs} ms`))
    }, request.timeoutMs)
    if (this.#signal?.aborted === true) this.#onAbort()
    this.#signal?.addEventListener('abort', this.#onAbort)
    this.#sendWhenConnected(request)
  }

  /** What went wrong: our own reason to give up, where there was one, rather than the socket's error that it caused. */
  reasonOf(error: unknown): ApiError {
    return this.#reason ?? asApiError(this.#what, error)
  }

  async whileOpen<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      throw this.reasonOf(error)
    }
  }

  fail(reason: ApiError): void {
    this.#reason ??= reason
    this.#request.destroy(this.#reason)
    // A request that still waits for a connection would say so only when it gets one.
    this.#reject(this.#reason)
  }

  disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  finish(): void {
    this.disarm()
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  #sendWhenConnected(request: HttpRequest): void {
    const send = (): void => {
      try {
        request.beforeSend?.()
      } catch (error) {
        this.fail(asApiError(this.#what, error))
        return
      }
      this.#request.end(request.body)
    }
    this.#request.on('socket', (socket: Socket) => {
      socket.setNoDelay(true)
      const isReady = !socket.connecting && !('secureConnecting' in socket && socket.secureConnecting === true)
      if (isReady) send()
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', send)
    })
  }
}

function start(access: Access, request: HttpRequest, agent: Access['agent']): ClientRequest {
  const { server } = access
  const headers: Record<string, string | number> = { Accept: 'application/json', ...access.headers }
  if (request.userAgent !== undefined) headers['User-Agent'] = request.userAgent
  if (request.body !== undefined) {
    headers['Content-Type'] = request.contentType ?? 'application/json'
    headers['Content-Length'] = Buffer.byteLength(request.body)
  }
  const options: RequestOptions = {
    method: request.method,
    protocol: server.protocol,
    hostname: server.hostname.replace(/^\[(.*)\]$/, '$1'),
    path: `${server.pathname.replace(/\/$/, '')}${request.path}${queryOf(request.query)}`,
    headers,
    agent,
  }
  if (server.port !== '') options.port = server.port
  return server.protocol === 'http:' ? httpRequest(options) : httpsRequest(options)
}

function queryOf(query: HttpRequest['query']): string {
  const present = Object.entries(query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return present.length === 0 ? '' : `?${new URLSearchParams(present)}`
}

function abortReason(what: string, signal: AbortSignal | undefined): ApiError {
  const reason: unknown = signal?.reason
  return reason instanceof ApiError ? reason : new ApiError('aborted', `${what}: given up`, { cause: reason })
}
