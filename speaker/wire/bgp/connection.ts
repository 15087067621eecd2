/** One TCP connection of a session: bytes in, messages out, and how much of what was written the peer has taken. */
import type { Socket } from 'node:net'
import { unacknowledgedBytes } from '../../../native/index.ts'
import { MAXIMUM_EXTENDED_LENGTH, MessageStream, type StreamItem } from '../../../net/bgp/index.ts'

/**
 * What a peer sends is read for so long in a turn of the loop; libuv alone would hand over two megabytes of a flood at
 * once, and who asks by ARP or is watched by BFD would wait for 400 ms.
 */
const TURN_MS = 1
/** After our last word the peer gets so long to read it and to close its side. */
const LINGER_MS = 2_000

export interface ConnectionEvents {
  /** The body is good until this returns. */
  readonly item: (item: StreamItem) => void
  /** The peer or the system ended it; `code` as in ECONNRESET, or EOF. Not called after `end`. */
  readonly closed: (code: string) => void
  /** All that was written has left for the kernel: there is room again. */
  readonly drained: () => void
}

export class Connection {
  readonly #socket: Socket
  readonly #events: ConnectionEvents
  readonly #stream = new MessageStream(MAXIMUM_EXTENDED_LENGTH)
  #isOver = false
  #hasRoom = true
  #takenBefore = 0
  /** What is left of the chunk at hand; nothing more is read meanwhile. */
  #rest: Generator<StreamItem, void> | undefined

  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket
    this.#events = events
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => this.#drain())
    socket.on('end', () => this.#close('EOF'))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#close(error.code ?? error.message))
    socket.on('close', () => this.#close('EOF'))
  }

  get socket(): Socket {
    return this.#socket
  }

  /** False while the peer reads slowly: what is written then waits in our memory. */
  get hasRoom(): boolean {
    return this.#hasRoom && !this.#isOver
  }

  write(bytes: Uint8Array): void {
    if (!this.#isOver) this.#hasRoom = this.#socket.write(bytes)
  }

  /** Writes made within the call go out together. */
  together(write: () => void): void {
    this.#socket.cork()
    write()
    this.#socket.uncork()
  }

  /** Whether the peer's TCP has taken all, or more than when this was asked last (RFC 9687). */
  hasProgressed(): boolean {
    if (this.#isOver) return false
    const waiting = this.#socket.writableLength + (unacknowledgedBytes(this.#socket) ?? 0)
    const taken = this.#socket.bytesWritten - waiting
    const hasMoved = waiting === 0 || taken > this.#takenBefore
    this.#takenBefore = taken
    return hasMoved
  }

  /** Says nothing more to anybody. What was written is still delivered, unless the end is abortive. */
  end(isAbortive: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    if (isAbortive) {
      this.#socket.resetAndDestroy()
      return
    }
    // What the peer still sends is read and dropped: closing with unread input would reset the connection, and our last
    // message could be lost with it.
    this.#socket.removeAllListeners('data')
    this.#socket.resume()
    this.#socket.end()
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }

  #read(chunk: Uint8Array): void {
    this.#rest = this.#stream.push(chunk)
    this.#readOn()
  }

  #readOn(): void {
    const untilMs = performance.now() + TURN_MS
    for (let next = this.#rest?.next(); next?.done === false && !this.#isOver; next = this.#rest?.next()) {
      this.#events.item(next.value)
      if (performance.now() < untilMs) continue
      this.#socket.pause()
      setImmediate(() => this.#readOn())
      return
    }
    this.#rest = undefined
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  #drain(): void {
    this.#hasRoom = true
    if (!this.#isOver) this.#events.drained()
  }

  #close(code: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#socket.destroy()
    this.#events.closed(code)
  }
}
