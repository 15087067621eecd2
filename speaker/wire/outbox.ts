import type { PacketSocket } from '../../native/index.ts'

/** Collects announcements in the socket's slots, so that a burst of many addresses is few system calls. */
export class Outbox {
  readonly #socket: PacketSocket
  #count = 0

  constructor(socket: PacketSocket) {
    this.#socket = socket
  }

  add(frame: Uint8Array): void {
    const { bytes, lengths, slotBytes } = this.#socket.sending
    bytes.set(frame, this.#count * slotBytes)
    lengths[this.#count] = frame.length
    this.#count += 1
    if (this.#count === lengths.length) this.flush()
  }

  /** To be called before the event loop turns: replies use the same slots. */
  flush(): void {
    if (this.#count > 0) this.#socket.send(this.#count)
    this.#count = 0
  }
}
