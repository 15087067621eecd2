/**
 * A socket for whoever is on the node as the speaker's user or root: `invarctl probe --local` asks the network through
 * it. HTTP on a Unix socket; in a folder and of a mode that nobody else gets through.
 *
 *   GET /probe?address=192.0.2.10&wait=1000   →   { address, node, waitedMs, answers: [{ interface, mac, afterMs }] }
 */
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { dirname } from 'node:path'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import type { Answer } from './wire/messages.ts'

export interface LocalSocketOptions {
  readonly path: string
  readonly node: string
  /** undefined = the wire thread does not answer. */
  readonly ask: (ip: string, timeoutMs: number) => Promise<readonly Answer[] | undefined>
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

async function respond({ node, ask }: LocalSocketOptions, method: string, target: string): Promise<Response> {
  const url = new URL(target, 'http://speaker')
  if (method !== 'GET' || url.pathname !== '/probe') return { status: 404, body: 'there is GET /probe' }
  const parsed = parseAddress(url.searchParams.get('address') ?? '')
  if (parsed === undefined) return { status: 400, body: 'address is not an IP address' }
  const waitMs = Number(url.searchParams.get('wait') ?? DEFAULT_WAIT_MS)
  if (!Number.isInteger(waitMs) || waitMs < 1 || waitMs > MAX_WAIT_MS) {
    return { status: 400, body: `wait is not a number of milliseconds up to ${MAX_WAIT_MS}` }
  }
  const address = formatAddress(parsed)
  const answers = await ask(address, waitMs)
  if (answers === undefined) return { status: 503, body: 'the wire thread does not answer' }
  return { status: 200, body: JSON.stringify({ address, node, waitedMs: waitMs, answers }) }
}
