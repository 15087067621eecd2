/** Where the API server is and how to show who we are; read anew as files are rotated. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions } from 'node:https'
import { createSecureContext, type SecureContext } from 'node:tls'
import { KubeConfig } from '@kubernetes/client-node'
import type { Clock } from '../runtime/clock.ts'

/** Where the kubeconfig comes from. */
export type KubeConfigSource =
  /** `$KUBECONFIG`, `~/.kube/config`, or the service account of the pod, in this order (as kubectl does). */
  | { readonly kind: 'default'; readonly context?: string | undefined }
  | { readonly kind: 'file'; readonly path: string; readonly context?: string | undefined }
  /** The service account of the pod. */
  | { readonly kind: 'in-cluster' }
  /** Already loaded; called again whenever credentials are read anew. */
  | { readonly kind: 'custom'; readonly load: () => KubeConfig }

/**
 * Loads the kubeconfig.
 * @throws Error that names file or context, where one of them is missing
 */
export function loadKubeConfig(source: KubeConfigSource): KubeConfig {
  if (source.kind === 'custom') return source.load()
  const config = new KubeConfig()
  if (source.kind === 'in-cluster') {
    config.loadFromCluster()
    return config
  }
  if (source.kind === 'file') config.loadFromFile(source.path)
  else config.loadFromDefault()
  if (source.context !== undefined) {
    if (config.getContextObject(source.context) === null) {
      const known = config.getContexts().map((context) => context.name)
      throw new Error(`no context "${source.context}" in the kubeconfig; there are: ${known.join(', ') || 'none'}`)
    }
    config.setCurrentContext(source.context)
  }
  return config
}

/** Namespace of the pod's service account, or of the kubeconfig's context; undefined where neither says one. */
export function currentNamespace(config: KubeConfig): string | undefined {
  return config.getContextObject(config.getCurrentContext())?.namespace?.trim()
}

/** What one request needs. */
export interface Access {
  readonly server: URL
  readonly headers: Readonly<Record<string, string>>
  /** Keeps connections open and bounds their number; the same one until TLS material changes. */
  readonly agent: HttpAgent | HttpsAgent
  /** For watches: connections of their own, so that they never take one from short requests. */
  readonly watchAgent: HttpAgent | HttpsAgent
}

export interface CredentialsOptions {
  readonly source: KubeConfigSource
  readonly clock: Clock
  /** Connections for short requests. */
  readonly maxConnections: number
}

/** The kubelet replaces a projected token at 80 % of its life, an hour at least: a minute is often enough. */
const REREAD_AFTER_MS = 60_000

/**
 * The credentials in use. They are read anew each minute and after a 401; where certificates changed, new connections
 * use them and old ones finish what they are doing.
 */
export class Credentials {
  readonly #options: CredentialsOptions
  #current: { readonly access: Access; readonly tls: string; readonly readAt: number } | undefined
  #reading: Promise<Access> | undefined

  constructor(options: CredentialsOptions) {
    this.#options = options
  }

  /** The access that was read last, where it is fresh: lets a request go out without a turn of the event loop. */
  fresh(): Access | undefined {
    const { clock } = this.#options
    return this.#current !== undefined && clock.now() - this.#current.readAt < REREAD_AFTER_MS
      ? this.#current.access
      : undefined
  }

  /** @throws Error where files cannot be read or the kubeconfig is not usable */
  access(): Promise<Access> {
    const fresh = this.fresh()
    if (fresh !== undefined) return Promise.resolve(fresh)
    return this.reread()
  }

  /** Reads everything anew; callers at the same time share one reading. */
  reread(): Promise<Access> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Closes idle connections; those in use close when they are done. */
  close(): void {
    const { access } = this.#current ?? {}
    if (access === undefined) return
    retire(access.agent)
    retire(access.watchAgent)
  }

  async #read(): Promise<Access> {
    const config = loadKubeConfig(this.#options.source)
    const cluster = config.getCurrentCluster()
    if (cluster === null) throw new Error('the kubeconfig names no cluster')
    const options: RequestOptions = { headers: {} }
    await config.applyToHTTPSOptions(options)
    const server = new URL(cluster.server)
    const tls = tlsOf(options)
    const isSame = this.#current?.tls === tls && this.#current.access.server.href === server.href
    const agents = isSame
      ? { agent: this.#current!.access.agent, watchAgent: this.#current!.access.watchAgent }
      : this.#agents(server, options, cluster.proxyUrl !== undefined && cluster.proxyUrl !== '')
    if (!isSame) this.close()
    const access = { server, headers: headersOf(options), ...agents }
    this.#current = { access, tls, readAt: this.#options.clock.now() }
    return access
  }

  #agents(server: URL, options: RequestOptions, isProxied: boolean): Pick<Access, 'agent' | 'watchAgent'> {
    // Only client-node knows how to go through a proxy; it is then used for watches as well.
    if (isProxied) return { agent: options.agent as HttpsAgent, watchAgent: options.agent as HttpsAgent }
    const tls = server.protocol === 'http:' ? undefined : tlsSettings(options)
    const make = (maxSockets: number): HttpAgent | HttpsAgent => {
      const shared = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets, maxFreeSockets: maxSockets }
      return toOneServer(tls === undefined ? new HttpAgent(shared) : new HttpsAgent({ ...shared, ...tls }))
    }
    return { agent: make(this.#options.maxConnections), watchAgent: make(Number.POSITIVE_INFINITY) }
  }
}

/** Left to itself, Node reads authority, certificate and key anew, and keeps a copy, for each connection. */
function tlsSettings({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): object {
  return { secureContext: secureContextOf({ ca, cert, key }), ...defined({ rejectUnauthorized, servername }) }
}

/** An authority that is no certificate is no error here: then no server is trusted, and each connection says so. */
function secureContextOf(material: Pick<RequestOptions, 'ca' | 'cert' | 'key'>): SecureContext {
  try {
    return createSecureContext(defined(material))
  } catch (error) {
    throw new Error(`client certificate and key are not usable (${(error as Error).message})`, { cause: error })
  }
}

/** Node writes server and TLS material of each request into one long key, to find a connection of the same; all are. */
function toOneServer<T extends HttpAgent>(agent: T): T {
  return Object.assign(agent, { getName: () => 'kube-apiserver' })
}

function retire(agent: HttpAgent | HttpsAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  // Node reads this when a socket becomes free: those in use are then closed instead of kept.
  Object.assign(agent, { keepAlive: false })
}

function tlsOf({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): string {
  return JSON.stringify([ca, cert, key].map(String).concat(String(rejectUnauthorized), servername ?? ''))
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim()
  if (typeof options.auth === 'string') headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`
  return headers
}

function defined(options: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
