/**
 * A socket for whoever is on the node as the speaker's user or root: `invarctl --local` asks the network and the speaker
 * through it. HTTP on a Unix socket; in a folder and of a mode that nobody else gets through.
 *
 *   GET /probe?address=192.0.2.10&wait=1000   →   { address, node, waitedMs, answers: [{ interface, mac, afterMs }] }
 *   GET /peers                                →   { node, peers: LocalPeer[] }
 *   GET /routes?peer=tor                      →   { node, peers: LocalRoutes[] }
 *   GET /node                                 →   { node, ...LocalNode }
 *   GET /activity                             →   { node, ...LocalActivity }
 *   GET /metrics                              →   { node, text }, for who may not scrape
 */
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { dirname } from 'node:path'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import { type LocalBgpSource, localPeers, localRoutes } from './local-bgp.ts'
import { type LocalNodeSource, localActivity, localNode } from './local-node.ts'
import type { Answer } from './wire/messages.ts'

export interface LocalSocketOptions {
  readonly path: string
  readonly node: string
  /** undefined = the wire thread does not answer. */
  readonly ask: (ip: string, timeoutMs: number) => Promise<readonly Answer[] | undefined>
  readonly bgp: LocalBgpSource
  readonly about: LocalNodeSource
}

const DEFAULT_WAIT_MS = 1_000
const MAX_WAIT_MS = 10_000
const MAX_CONNECTIONS = 8

interface Response {
  readonly status: number
  readonly body: string
}

/** @throws Error of the file system or the socket */
export async function serveLocally(options: LocalSocketOptions): Promise<Server> {
  const { path } = options
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // Left by a former life; two speakers on one socket would be refused by their other ports.
  rmSync(path, { force: true })
  const server = createServer((request, response) => {
    void respond(options, request.method ?? '', request.url ?? '').then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${body}\n`)
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  return server
}

type Page = (options: LocalSocketOptions, query: URLSearchParams) => Promise<Response>

const PAGES: Readonly<Record<string, Page>> = {
  '/probe': probe,
  '/peers': async ({ node, bgp }) => json({ node, peers: await localPeers(bgp) }),
  '/routes': async ({ node, bgp }, query) =>
    json({ node, peers: await localRoutes(bgp, query.get('peer') ?? undefined) }),
  '/node': async ({ node, about }) => json({ node, ...localNode(about) }),
  '/metrics': async ({ node, about }) => json({ node, text: await about.readMetrics() }),
  '/activity': async ({ node, about }) => {
    const activity = await localActivity(about)
    return activity === undefined ? DEAF : json({ node, ...activity })
  },
}

const DEAF: Response = { status: 503, body: 'the wire thread does not answer' }

async function respond(options: LocalSocketOptions, method: string, target: string): Promise<Response> {
  const url = new URL(target, 'http://speaker')
  const page = method === 'GET' && Object.hasOwn(PAGES, url.pathname) ? PAGES[url.pathname] : undefined
  if (page === undefined) return { status: 404, body: `there is GET ${Object.keys(PAGES).join(', ')}` }
  return page(options, url.searchParams)
}

function json(value: object): Response {
  return { status: 200, body: JSON.stringify(value) }
}

async function probe({ node, ask }: LocalSocketOptions, query: URLSearchParams): Promise<Response> {
  const parsed = parseAddress(query.get('address') ?? '')
  if (parsed === undefined) return { status: 400, body: 'address is not an IP address' }
  const waitMs = Number(query.get('wait') ?? DEFAULT_WAIT_MS)
  if (!Number.isInteger(waitMs) || waitMs < 1 || waitMs > MAX_WAIT_MS) {
    return { status: 400, body: `wait is not a number of milliseconds up to ${MAX_WAIT_MS}` }
  }
  const address = formatAddress(parsed)
  const answers = await ask(address, waitMs)
  if (answers === undefined) return DEAF
  return json({ address, node, waitedMs: waitMs, answers })
}
