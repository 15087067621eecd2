/**
 * A router for tests, on a TCP port of this process: it takes what a speaker sends through the same decoders that judge
 * every peer, keeps the routes as a peer would, and says only what it must. What real routers make of a speaker is
 * tested in e2e/interop.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { adaptTcp } from '../native/index.ts'
import {
  AdjRibIn,
  decodeBody,
  encodeMessage,
  MAXIMUM_EXTENDED_LENGTH,
  type Message,
  MessageStream,
  type Open,
  type ReceivedRoute,
  type StreamItem,
} from '../net/bgp/index.ts'
import { addressToBytes, parseAddress } from '../net/ip/index.ts'

const AFI = { ipv4: 1, ipv6: 2 } as const
const UNICAST = 1

export interface TestRouterOptions {
  readonly asn: number
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Default 90. */
  readonly holdTimeSeconds?: number
  /** TCP MD5 key for speakers at `host`. Default: none. */
  readonly password?: string
  /** Further capabilities of its OPEN. */
  readonly capabilities?: Open['capabilities']
}

/** One connection of a speaker. */
export interface Caller {
  readonly socket: Socket
  readonly open: Open | undefined
  readonly rib: AdjRibIn
  /** Everything it sent, in order. */
  readonly heard: Message[]
  /** It has closed. */
  readonly gone: Promise<void>
}

export class TestRouter {
  readonly callers: Caller[] = []
  readonly #options: TestRouterOptions
  readonly #server: Server
  #port = 0

  constructor(options: TestRouterOptions) {
    this.#options = options
    this.#server = createServer((socket) => this.#take(socket))
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, this.#options.host ?? '127.0.0.1', resolve))
    this.#port = (this.#server.address() as { port: number }).port
    this.setPassword(this.#options.password)
    return this
  }

  setPassword(password: string | undefined): void {
    const key = password === undefined ? undefined : new TextEncoder().encode(password)
    const remote = addressToBytes(parseAddress(this.#options.host ?? '127.0.0.1')!)
    const path = { remote, scope: 0, local: undefined, device: undefined, key, hopLimit: 64, minimumHopLimit: 0 }
    adaptTcp(this.#server, path)
  }

  get port(): number {
    return this.#port
  }

  /** The newest connection. */
  get caller(): Caller | undefined {
    return this.callers.at(-1)
  }

  /** Routes of the newest connection, by prefix. */
  get routes(): ReadonlyMap<string, ReceivedRoute> {
    return this.caller?.rib.routes ?? new Map()
  }

  async close(): Promise<void> {
    for (const { socket } of this.callers) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(socket: Socket): void {
    const { asn } = this.#options
    const facts = {
      isExternal: true,
      asnWidth: 4,
      families: new Set(['ipv4-unicast', 'ipv6-unicast'] as const),
      hasExtendedNextHop: false,
    } as const
    const caller = {
      socket,
      open: undefined as Open | undefined,
      rib: new AdjRibIn(facts),
      heard: [] as Message[],
      gone: new Promise<void>((resolve) => socket.once('close', () => resolve())),
    }
    this.callers.push(caller)
    const stream = new MessageStream(MAXIMUM_EXTENDED_LENGTH)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      for (const item of stream.push(chunk)) this.#hear(caller, item)
    })
    socket.write(encodeMessage({ kind: 'open', open: openOf(asn, this.#options) }))
  }

  #hear(caller: { -readonly [Name in keyof Caller]: Caller[Name] }, item: StreamItem): void {
    if (item.kind === 'fault') throw new Error('the speaker has sent what is no BGP')
    const message = decodeBody(item.type, item.body.slice())
    caller.heard.push(message)
    if (message.kind === 'open') {
      caller.open = message.open
      caller.socket.write(encodeMessage({ kind: 'keepalive' }))
    }
    if (message.kind === 'update') caller.rib.update(message.update)
    if (message.kind === 'route-refresh') caller.rib.refresh(message.refresh)
  }
}

function openOf(asn: number, { holdTimeSeconds = 90, capabilities = [] }: TestRouterOptions): Open {
  return {
    version: 4,
    myAutonomousSystem: asn > 65_535 ? 23_456 : asn,
    holdTimeSeconds,
    identifier: 0x0a00_0001,
    capabilities: [
      { kind: 'multiprotocol', afi: AFI.ipv4, safi: UNICAST },
      { kind: 'multiprotocol', afi: AFI.ipv6, safi: UNICAST },
      { kind: 'route-refresh' },
      { kind: 'four-octet-asn', asn },
      ...capabilities,
    ],
    otherParameters: [],
  }
}
