import { endianness } from 'node:os'
import { addon, type Handle } from './addon.ts'

const BATCH = 32
const RECORD_BYTES = 44
const ENCODER = new TextEncoder()

/** One datagram and the way it came. All bytes are valid until the callback returns. */
export interface Arrival {
  readonly bytes: Uint8Array
  /** 4 or 16 bytes. */
  readonly sender: Uint8Array
  readonly senderPort: number
  /** Our address that it was sent to. */
  readonly destination: Uint8Array
  /** TTL or hop limit on arrival. */
  readonly hopLimit: number
  readonly interfaceIndex: number
}

export interface HopsSocketOptions {
  readonly family: 4 | 6
  readonly port: number
  readonly device: string | undefined
  readonly maxDatagramBytes: number
  readonly onArrival: (arrival: Arrival) => void
  readonly onError: (error: Error) => void
}

/** Receives UDP on any address of this host and tells the TTL of each datagram, which node:dgram cannot. */
export class HopsSocket {
  readonly #options: HopsSocketOptions
  readonly #descriptor: number
  readonly #watch: Handle
  readonly #datagrams: Uint8Array
  readonly #origins = new Uint8Array(BATCH * RECORD_BYTES)
  readonly #view = new DataView(this.#origins.buffer)
  #isClosed = false

  /** Throws an Error with `code`: `EADDRINUSE`, `ENODEV`. */
  constructor(options: HopsSocketOptions) {
    this.#options = options
    this.#datagrams = new Uint8Array(BATCH * options.maxDatagramBytes)
    this.#descriptor = addon.hopsOpen(options.family === 6, options.port, ENCODER.encode(options.device ?? ''))
    this.#watch = addon.watch(this.#descriptor, false, () => this.drain())
  }

  /** Hands over what waits, up to one batch; also called by itself when something comes. */
  drain(): void {
    const count = this.#receive()
    for (let slot = 0; slot < count && !this.#isClosed; slot++) this.#options.onArrival(this.#arrival(slot))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    addon.unwatch(this.#watch)
    addon.closeDescriptor(this.#descriptor)
  }

  #receive(): number {
    if (this.#isClosed) return 0
    try {
      return addon.hopsReceive(this.#descriptor, this.#datagrams, this.#origins)
    } catch (error) {
      this.close()
      this.#options.onError(error as Error)
      return 0
    }
  }

  #arrival(slot: number): Arrival {
    const { family, maxDatagramBytes } = this.#options
    const at = slot * RECORD_BYTES
    const addressBytes = family === 4 ? 4 : 16
    const length = this.#view.getUint32(at + 20, IS_LITTLE_ENDIAN)
    return {
      bytes: this.#datagrams.subarray(slot * maxDatagramBytes, slot * maxDatagramBytes + length),
      sender: this.#origins.subarray(at, at + addressBytes),
      senderPort: this.#view.getUint16(at + 16, IS_LITTLE_ENDIAN),
      destination: this.#origins.subarray(at + 28, at + 28 + addressBytes),
      hopLimit: this.#view.getUint16(at + 18, IS_LITTLE_ENDIAN),
      interfaceIndex: this.#view.getUint32(at + 24, IS_LITTLE_ENDIAN),
    }
  }
}

/** The addon writes numbers in the machine's own order. */
const IS_LITTLE_ENDIAN = endianness() === 'LE'
