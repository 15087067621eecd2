/** The small HTTP servers of both programs: health, metrics, the web page. */
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { SecureContextOptions } from 'node:tls'

export interface Answer {
  readonly status: number
  readonly body: string
  readonly contentType?: string
  readonly headers?: OutgoingHttpHeaders
}

/** An answer that goes on: `begin` writes to it, and whoever asked ends it, or we do. */
export interface Stream {
  readonly headers: OutgoingHttpHeaders
  readonly begin: (response: ServerResponse) => void
}

/** Routes by exact path; only GET is answered. */
export type Routes = Readonly<Record<string, (request: IncomingMessage) => Answer | Stream | Promise<Answer | Stream>>>

export interface ListenOptions {
  readonly port: number
  /** Default: all addresses, IPv6 and IPv4. */
  readonly host?: string
  /** With it the server speaks HTTPS. */
  readonly tls?: SecureContextOptions
}

/**
 * Starts to listen.
 * @throws the socket's error, with host and port in its message
 */
export async function serve(routes: Routes, options: ListenOptions): Promise<Server> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void respond(routes, request, response)
  }
  const server =
    options.tls === undefined
      ? createServer(listener)
      : (createSecureServer(options.tls, listener) as unknown as Server)
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.maxConnections = 100
  server.listen(options.port, options.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new Error(`cannot listen on ${options.host ?? '*'}:${options.port}`, { cause })
  }
  return server
}

/** Stops listening and closes what is open. */
export async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function respond(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(routes, request)
  if ('begin' in answer) {
    response.writeHead(200, answer.headers)
    if (request.method === 'HEAD') response.end()
    else answer.begin(response)
    return
  }
  const { status, body, contentType = 'text/plain; charset=utf-8', headers } = answer
  response.writeHead(status, { ...headers, 'content-type': contentType })
  response.end(body)
}

async function answerTo(routes: Routes, request: IncomingMessage): Promise<Answer | Stream> {
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) return { status: 404, body: `no such page; there are: ${Object.keys(routes).join(', ')}\n` }
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'only GET\n' }
  try {
    return await route(request)
  } catch (error) {
    return { status: 500, body: `${error instanceof Error ? error.message : String(error)}\n` }
  }
}

/** One condition of health; `false` with the reason that the reader needs. */
export type Check = () => { readonly ok: true } | { readonly ok: false; readonly because: string }

/** `/healthz` or `/readyz`: 200 when all hold; else 503 and every reason, a line each. */
export function healthRoute(checks: Readonly<Record<string, Check>>): () => Answer {
  return () => {
    const lines = Object.entries(checks).map(([name, check]) => {
      const result = check()
      return { ok: result.ok, line: result.ok ? `[+]${name} ok` : `[-]${name} failed: ${result.because}` }
    })
    const ok = lines.every((line) => line.ok)
    const body = [...lines.map((line) => line.line), ok ? 'ok' : 'not ok', ''].join('\n')
    return { status: ok ? 200 : 503, body }
  }
}
