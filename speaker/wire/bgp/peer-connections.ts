/**
 * The TCP side of one peer's session: the dial under way, what the peer has opened, and the connections in use. Says what
 * happens to them as events of net/bgp.
 */
import type { Socket } from 'node:net'
import { adaptTcp, TcpDial, type TcpPath } from '../../../native/index.ts'
import type { Direction, SessionEvent } from '../../../net/bgp/index.ts'
import { Connection } from './connection.ts'
import { MessageCounts } from './message-counts.ts'

export interface PeerConnectionsOptions {
  readonly post: (event: SessionEvent) => void
  /** A connection takes more again. */
  readonly drained: () => void
  /** Our router id on that connection, where it depends on it. */
  readonly identifierOf: (socket: Socket) => { readonly identifier?: number }
}

export class PeerConnections {
  readonly counts = new MessageCounts()
  readonly #options: PeerConnectionsOptions
  readonly #inUse: Partial<Record<Direction, Connection>> = {}
  #dial: TcpDial | undefined
  #offered: Socket | undefined

  constructor(options: PeerConnectionsOptions) {
    this.#options = options
  }

  get isDialling(): boolean {
    return this.#dial !== undefined
  }

  at(direction: Direction): Connection | undefined {
    return this.#inUse[direction]
  }

  dial(path: TcpPath, port: number): void {
    try {
      this.#dial = new TcpDial(
        path,
        port,
        (socket) => this.#connected(socket),
        (code) => this.#failed(code),
      )
    } catch (error) {
      this.#failed((error as Error).message)
    }
  }

  /** The peer has connected to us; without a path nobody knows yet how it is to be spoken to. */
  offer(socket: Socket, path: TcpPath | undefined): void {
    this.#offered?.destroy()
    this.#offered = socket
    if (path !== undefined) adaptTcp(socket, path)
    this.#options.post({ kind: 'offered', ...this.#options.identifierOf(socket) })
  }

  accept(): void {
    this.#adopt('incoming', this.#takeOffered())
  }

  /** As far as it can be written at once: who connects too often must not fill our memory. */
  refuse(bytes: Uint8Array): void {
    const socket = this.#takeOffered()
    socket.on('error', () => socket.destroy())
    socket.resume()
    socket.end(bytes)
    socket.destroySoon()
  }

  send(direction: Direction, bytes: Uint8Array): void {
    const connection = this.#inUse[direction]
    if (connection === undefined) return
    this.counts.countSent(bytes)
    connection.write(bytes)
  }

  close(direction: Direction, isAbortive: boolean): void {
    if (direction === 'outgoing') {
      this.#dial?.cancel()
      this.#dial = undefined
    }
    this.#inUse[direction]?.end(isAbortive)
    delete this.#inUse[direction]
  }

  /** Another key, on the live connections. */
  rekey(path: TcpPath): void {
    for (const { socket } of Object.values(this.#inUse)) adaptTcp(socket, path)
  }

  /** Ends everything without a word. */
  abandon(): void {
    this.#dial?.cancel()
    this.#offered?.destroy()
    for (const connection of Object.values(this.#inUse)) connection.end(true)
  }

  #connected(socket: Socket): void {
    this.#dial = undefined
    const identifier = this.#options.identifierOf(socket)
    this.#adopt('outgoing', socket)
    this.#options.post({ kind: 'connected', ...identifier })
  }

  #failed(because: string): void {
    this.#dial = undefined
    this.#options.post({ kind: 'disconnected', direction: 'outgoing', because })
  }

  #adopt(direction: Direction, socket: Socket): void {
    const { post, drained } = this.#options
    const connection: Connection = new Connection(socket, {
      item: (item) => {
        if (item.kind === 'fault') post({ kind: 'fault', direction, notification: item.notification })
        else {
          this.counts.received[item.type]++
          post({ kind: 'frame', direction, type: item.type, body: item.body })
        }
      },
      drained,
      closed: (because) => {
        if (this.#inUse[direction] !== connection) return
        delete this.#inUse[direction]
        post({ kind: 'disconnected', direction, because })
      },
    })
    this.#inUse[direction] = connection
  }

  #takeOffered(): Socket {
    const socket = this.#offered!
    this.#offered = undefined
    return socket
  }
}
