/** The HTTPS server that the API server calls. It knows paths, bodies and certificates, and nothing of what they mean. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureVersion } from 'node:tls'
import type { ServerTexts } from './certificate-texts.ts'

/** An object and its old form, each at most what etcd stores (1.5 MiB), and what the review says beside them. */
const MAX_BODY_BYTES = 4 << 20
/** The API server keeps a few connections open, each of its replicas its own. */
const MAX_CONNECTIONS = 200
/** Calls under way get so much time when the server stops. */
const DRAIN_MS = 1_000

export interface Answer {
  readonly status: number
  /** An object is sent as JSON, text as it is. */
  readonly body: object | string
}

export interface WebhookServerOptions {
  /** 0 = any free one. */
  readonly port: number
  /** Default: all addresses, IPv6 and IPv4. */
  readonly host?: string | undefined
  readonly minimumTls: SecureVersion
  readonly hasPath: (path: string) => boolean
  /** Called with the parsed body of a POST to a path that there is; must not throw. */
  readonly answer: (path: string, body: unknown) => Answer
  readonly setTimeout: (callback: () => void, delayMs: number) => void
}

export class WebhookServer {
  readonly #options: WebhookServerOptions
  readonly #server: Server

  constructor(options: WebhookServerOptions) {
    this.#options = options
    this.#server = createServer({ minVersion: options.minimumTls }, (request, response) => {
      void this.#respond(request, response)
    })
    this.#server.headersTimeout = 5_000
    this.#server.requestTimeout = 10_000
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** Calls are answered once there is a certificate as well. @throws the socket's error, with the port in its message */
  async listen(): Promise<void> {
    const { port, host } = this.#options
    this.#server.listen(port, host)
    try {
      await once(this.#server, 'listening')
    } catch (cause) {
      throw new Error(`cannot listen on ${host ?? '*'}:${port}: ${(cause as Error).message}`, { cause })
    }
  }

  /** From the next connection on; those that are open go on with what they began with. */
  use({ certificate, key }: ServerTexts): void {
    this.#server.setSecureContext({ cert: certificate, key, minVersion: this.#options.minimumTls })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Takes no further calls; those under way are answered. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeIdleConnections()
    this.#options.setTimeout(() => this.#server.closeAllConnections(), DRAIN_MS)
    await closed
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answerTo(request)
    // Nobody is there any more.
    if (answer === undefined || response.destroyed) return
    const isText = typeof answer.body === 'string'
    const headers = { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' }
    // What is left of a body that was not read must not be taken for the next request.
    const close = request.complete ? {} : { connection: 'close' }
    response.writeHead(answer.status, { ...headers, ...close })
    response.end(isText ? `${answer.body}\n` : JSON.stringify(answer.body))
  }

  async #answerTo(request: IncomingMessage): Promise<Answer | undefined> {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (!this.#options.hasPath(path)) return { status: 404, body: 'no such webhook' }
    if (request.method !== 'POST') return { status: 405, body: 'only POST' }
    const body = await bodyOf(request)
    if (body.kind === 'aborted') return undefined
    if (body.kind === 'too-large') return { status: 413, body: `more than ${MAX_BODY_BYTES} bytes` }
    const parsed = parse(body.text)
    return parsed === undefined
      ? { status: 400, body: 'the body is not JSON' }
      : this.#options.answer(path, parsed.value)
  }
}

type Body =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'aborted' }

async function bodyOf(request: IncomingMessage): Promise<Body> {
  // NaN compares as not larger: Node has refused such headers already.
  if (Number(request.headers['content-length']) > MAX_BODY_BYTES) return { kind: 'too-large' }
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > MAX_BODY_BYTES) return { kind: 'too-large' }
      chunks.push(chunk)
    }
  } catch {
    // The caller hung up in the middle.
    return { kind: 'aborted' }
  }
  return { kind: 'read', text: Buffer.concat(chunks).toString('utf8') }
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
