/**
 * A stand-in for the API server that does what the real one cannot be made to do on demand: cut a watch at a given
 * byte, forget a version, stay silent. It serves one collection (`configmaps` of all namespaces) by list and watch and
 * nothing else; all other tests use the real API server.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import type { KubeConfigSource } from '../operator/credentials.ts'

/** What is done to one request instead of answering it properly. */
export type Fault =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly reason?: string
      /** Instead of a Status: what a proxy on the way might say. */
      readonly text?: string
    }
  /** The request is read and never answered. */
  | { readonly kind: 'silence' }
  /** The answer begins, and after so many bytes of its body the connection is reset. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** A watch that begins with these lines and then stays open. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** The connection is reset before an answer. */
  | { readonly kind: 'reset' }
  /** A watch that ends in good order after what it has to say at once. */
  | { readonly kind: 'end' }

export interface FakeObject {
  readonly apiVersion: 'v1'
  readonly kind: 'ConfigMap'
  readonly metadata: { readonly namespace: string; readonly name: string; readonly resourceVersion: string }
  readonly data: Readonly<Record<string, string>>
}

interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: FakeObject
}

export interface FakeRequest {
  readonly verb: 'list' | 'watch'
  readonly query: URLSearchParams
  readonly authorization: string | undefined
}

interface Watcher {
  send(line: string): void
}

export class FakeApiServer {
  /** Every list and watch that came in. */
  readonly requests: FakeRequest[] = []
  /** The only bearer token that is accepted; undefined = anybody may ask. */
  token: string | undefined
  /** The token that clients are given when they read their credentials. */
  clientToken: string | undefined
  readonly #server: Server
  readonly #objects = new Map<string, FakeObject>()
  readonly #faults: Record<'list' | 'watch', Fault[]> = { list: [], watch: [] }
  readonly #watchers = new Set<Watcher>()
  readonly #continued = new Map<string, readonly FakeObject[]>()
  #history: Change[] = []
  #version = 100
  /** Watches from before this version are refused as gone. */
  #oldest = 0
  #requestWaiters: { readonly verb: 'list' | 'watch'; readonly count: number; readonly resolve: () => void }[] = []

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => this.#answer(request, response))
  }

  static async start(): Promise<FakeApiServer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new FakeApiServer(server)
  }

  /** For `new Client({ source })`. */
  get source(): KubeConfigSource {
    const { port } = this.#server.address() as AddressInfo
    const load = (): KubeConfig => {
      const config = new KubeConfig()
      const cluster = { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }
      const user = this.clientToken === undefined ? { name: 'fake' } : { name: 'fake', token: this.clientToken }
      config.loadFromClusterAndUser(cluster, user)
      return config
    }
    return { kind: 'custom', load }
  }

  /** The state: key → resourceVersion. */
  versions(): Record<string, string> {
    return Object.fromEntries([...this.#objects].map(([key, object]) => [key, object.metadata.resourceVersion]))
  }

  put(name: string, data: Readonly<Record<string, string>> = {}): FakeObject {
    const key = `default/${name}`
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED'
    const object = this.#make(name, data)
    this.#objects.set(key, object)
    this.#record(type, object)
    return object
  }

  remove(name: string): void {
    const key = `default/${name}`
    const old = this.#objects.get(key)
    if (old === undefined) throw new Error(`no ${key}`)
    this.#objects.delete(key)
    this.#record('DELETED', this.#make(name, old.data))
  }

  /** Tells all watches how far the history is. */
  bookmark(): void {
    this.#version++
    const metadata = { resourceVersion: String(this.#version) }
    this.#broadcast(lineOf('BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata }))
  }

  /** Forgets the history, as etcd's compaction does. */
  compact(): void {
    this.#history = []
    this.#oldest = this.#version
  }

  /** The next request of this verb meets this fault; several wait in line. */
  next(verb: 'list' | 'watch', ...faults: readonly Fault[]): void {
    this.#faults[verb].push(...faults)
  }

  /** Fulfils when so many requests of the verb have come in all. */
  whenRequested(verb: 'list' | 'watch', count: number): Promise<void> {
    if (this.#count(verb) >= count) return Promise.resolve()
    return new Promise((resolve) => this.#requestWaiters.push({ verb, count, resolve }))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #make(name: string, data: Readonly<Record<string, string>>): FakeObject {
    const metadata = { namespace: 'default', name, resourceVersion: String(++this.#version) }
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }
  }

  #record(type: Change['type'], object: FakeObject): void {
    this.#history.push({ version: Number(object.metadata.resourceVersion), type, object })
    this.#broadcast(lineOf(type, object))
  }

  #broadcast(line: string): void {
    for (const watcher of this.#watchers) watcher.send(line)
  }

  #count(verb: 'list' | 'watch'): number {
    return this.requests.filter((request) => request.verb === verb).length
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { searchParams: query } = new URL(request.url ?? '/', 'http://fake')
    const verb = query.get('watch') === 'true' ? 'watch' : 'list'
    this.requests.push({ verb, query, authorization: request.headers.authorization })
    for (const waiter of this.#requestWaiters) if (this.#count(waiter.verb) >= waiter.count) waiter.resolve()
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      answerStatus(response, 401, 'Unauthorized')
      return
    }
    const fault = this.#faults[verb].shift()
    if (fault?.kind === 'silence') return
    if (fault?.kind === 'reset') request.socket.destroy()
    else if (fault?.kind === 'answer') answerFault(response, fault)
    else if (verb === 'list') this.#list(query, response, fault)
    else this.#watch(query, response, fault)
  }

  #list(query: URLSearchParams, response: ServerResponse, fault: Fault | undefined): void {
    const token = query.get('continue')
    const all = token === null ? [...this.#objects.values()] : this.#continued.get(token)
    if (all === undefined) {
      answerStatus(response, 410, 'Expired')
      return
    }
    // A list in pages is of one moment: what comes after the first page is kept as it was then.
    const [version = String(this.#version)] = token?.split('/') ?? []
    const limit = Number(query.get('limit') ?? all.length)
    const rest = all.slice(limit)
    const metadata: Record<string, string> = { resourceVersion: version }
    if (rest.length > 0) {
      metadata.continue = `${version}/${this.#continued.size}`
      this.#continued.set(metadata.continue, rest)
    }
    const body = JSON.stringify({ kind: 'ConfigMapList', apiVersion: 'v1', metadata, items: all.slice(0, limit) })
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    if (fault?.kind === 'cut') cutAfter(response, Buffer.from(body), fault.afterBytes)
    else response.end(body)
  }

  #watch(query: URLSearchParams, response: ServerResponse, fault: Fault | undefined): void {
    const from = Number(query.get('resourceVersion') ?? 0)
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.flushHeaders()
    const begin = this.#eventsAfter(from)
    const send = sender(response, fault)
    const watcher: Watcher = { send }
    if (from < this.#oldest) {
      send(lineOf('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }))
      response.end()
      return
    }
    this.#watchers.add(watcher)
    response.on('close', () => this.#watchers.delete(watcher))
    for (const line of [...(fault?.kind === 'lines' ? fault.lines : []), ...begin]) send(line)
    if (fault?.kind === 'end') response.end()
  }

  #eventsAfter(version: number): string[] {
    return this.#history.filter((change) => change.version > version).map(({ type, object }) => lineOf(type, object))
  }
}

/** One line of a watch. */
export function lineOf(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`
}

function sender(response: ServerResponse, fault: Fault | undefined): (line: string) => void {
  if (fault?.kind !== 'cut') return (line) => void response.write(line)
  let left = fault.afterBytes
  return (line) => {
    const bytes = Buffer.from(line)
    if (bytes.length < left) response.write(bytes)
    else cutAfter(response, bytes, left)
    left -= bytes.length
  }
}

function cutAfter(response: ServerResponse, bytes: Buffer, length: number): void {
  const part = bytes.subarray(0, Math.max(0, length))
  if (part.length === 0) response.socket?.destroy()
  else response.write(part, () => response.socket?.destroy())
}

function answerStatus(response: ServerResponse, status: number, reason: string): void {
  answerFault(response, { kind: 'answer', status, reason })
}

function answerFault(response: ServerResponse, fault: Extract<Fault, { kind: 'answer' }>): void {
  const status = { kind: 'Status', status: 'Failure', code: fault.status, reason: fault.reason, message: fault.reason }
  response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers })
  response.end(fault.text ?? JSON.stringify(status))
}
