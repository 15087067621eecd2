import { HEADER_LENGTH, type Header, MAXIMUM_MESSAGE_LENGTH, type MessageType, readHeader } from './header.ts'
import type { Notification } from './notification.ts'

/** One message cut out of the stream, or the reason why nothing more can be cut out of it. */
export type StreamItem =
  | { readonly kind: 'frame'; readonly type: MessageType; readonly body: Uint8Array }
  | { readonly kind: 'fault'; readonly notification: Notification }

/**
 * Cuts a TCP stream into messages, however it arrives. It buffers one message at most, and no more than the peer has
 * really sent of it; the cost is linear in the bytes also when they come one at a time. After a fault it is deaf.
 */
export class MessageStream {
  readonly #maximumLength: number
  #buffer = new Uint8Array(0)
  #length = 0
  #header: Header | undefined
  #isBroken = false

  constructor(maximumLength: number = MAXIMUM_MESSAGE_LENGTH) {
    this.#maximumLength = maximumLength
  }

  /** Bytes held back because their message is not complete. */
  get buffered(): number {
    return this.#length
  }

  /**
   * The messages that `chunk` completes. A body is a view of the chunk or of the inner buffer: it is good until the
   * next one is asked for.
   */
  *push(chunk: Uint8Array): Generator<StreamItem, void, undefined> {
    let rest = chunk
    while (!this.#isBroken && (rest.length > 0 || this.#isComplete())) {
      rest = this.#fill(rest)
      const item = this.#next()
      if (item !== undefined) yield item
    }
  }

  /** Moves bytes from the chunk until the header, then until the message is whole; returns what is left of it. */
  #fill(chunk: Uint8Array): Uint8Array {
    const wanted = (this.#header?.length ?? HEADER_LENGTH) - this.#length
    const taken = chunk.subarray(0, wanted)
    this.#reserve(this.#length + taken.length)
    this.#buffer.set(taken, this.#length)
    this.#length += taken.length
    return chunk.subarray(taken.length)
  }

  #next(): StreamItem | undefined {
    if (this.#header === undefined && this.#length === HEADER_LENGTH) {
      const header = readHeader(this.#buffer, this.#maximumLength)
      if ('code' in header) {
        this.#isBroken = true
        return { kind: 'fault', notification: header }
      }
      this.#header = header
    }
    if (!this.#isComplete()) return undefined
    const { type, length } = this.#header!
    this.#header = undefined
    this.#length = 0
    return { kind: 'frame', type, body: this.#buffer.subarray(HEADER_LENGTH, length) }
  }

  #isComplete(): boolean {
    return this.#header !== undefined && this.#length === this.#header.length
  }

  /** Doubles, so that a length that was only announced costs nothing and a message costs its size twice at most. */
  #reserve(needed: number): void {
    if (needed <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}
