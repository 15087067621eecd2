/**
 * The page on an address of this machine, so that the browser needs neither token nor certificate. Only who knows the
 * random part of the path is answered: other users of the machine, and other pages in the same browser, do not.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, Agent as HttpAgent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface LocalProxyOptions {
  /** TCP port on 127.0.0.1; 0 = any. */
  readonly port: number
  /** A connection to the server of the page, with TLS where that speaks it. */
  readonly dial: () => Promise<Duplex>
  readonly token: () => Promise<string>
  /** A request that could not be handed on. */
  readonly onFault: (error: Error) => void
}

export interface LocalProxy {
  /** Who knows it may look. */
  readonly url: string
  readonly stop: () => Promise<void>
}

const HOST = '127.0.0.1'
const KEY_BYTES = 24
/** A browser opens six, and the stream of changes takes one for good. */
const MOST_CONNECTIONS = 8
/** Nothing else of what the browser sends is anybody's business. */
const HANDED_ON = ['accept', 'last-event-id'] as const

/** @throws the socket's error where it cannot listen */
export async function startLocalProxy(options: LocalProxyOptions): Promise<LocalProxy> {
  const key = randomBytes(KEY_BYTES).toString('base64url')
  const agent = new DialingAgent(options.dial)
  const server = createServer((incoming, response) => {
    const { port } = server.address() as AddressInfo
    const path = pathOf(incoming, `${HOST}:${port}`, key)
    if (path === undefined) response.writeHead(403, { 'content-type': 'text/plain' }).end('not for you\n')
    else void handOn({ incoming, response, path, agent }, options)
  })
  server.listen(options.port, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://${HOST}:${port}/${key}/page`, stop }
}

/** Path at the server of the page; undefined = whoever asks may not. */
function pathOf({ method, headers, url = '/' }: IncomingMessage, host: string, key: string): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  // A name of somebody else's that leads to 127.0.0.1 is how another page would get here (DNS rebinding).
  if (headers.host !== host) return undefined
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) return undefined
  const [, given = '', ...rest] = url.split('/')
  return isSame(given, key) ? `/${rest.join('/')}` : undefined
}

function isSame(given: string, key: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(key)]
  return a.length === b.length && timingSafeEqual(a, b)
}

interface Handing {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly agent: HttpAgent
}

async function handOn({ incoming, response, path, agent }: Handing, options: LocalProxyOptions): Promise<void> {
  try {
    const headers = Object.fromEntries(
      HANDED_ON.flatMap((name) => [[name, incoming.headers[name]]]).filter(([, value]) => value),
    )
    const authorization = `Bearer ${await options.token()}`
    const asked = request({ agent, path, method: incoming.method, headers: { ...headers, authorization, host: HOST } })
    response.on('close', () => asked.destroy())
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...kept } = answer.headers
    response.writeHead(answer.statusCode ?? 502, kept)
    // The end of a stream in the middle is the browser's to notice.
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  } catch (error) {
    if (response.destroyed) return
    options.onFault(error as Error)
    if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(`${(error as Error).message}\n`)
  }
}

class DialingAgent extends HttpAgent {
  readonly #dial: () => Promise<Duplex>

  constructor(dial: () => Promise<Duplex>) {
    super({ keepAlive: true, maxSockets: MOST_CONNECTIONS })
    this.#dial = dial
  }

  override createConnection(
    _options: object,
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    this.#dial().then(
      (stream) => done?.(null, stream),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }
}
