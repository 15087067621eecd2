import { endianness } from 'node:os'
import { addon, type Handle } from './addon.ts'

const BATCH = 32
const RECORD_BYTES = 48
/** More than the kernel keeps for a socket, at the sizes that Linux starts with: 208 kB, and 768 octets and more each. */
const MOST_BATCHES = 16
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
  /** Milliseconds that it has waited since the kernel took it off the wire. */
  readonly ageMs: number
}

export interface HopsSocketOptions {
  readonly family: 4 | 6
  readonly port: number
  readonly device: string | undefined
  readonly maxDatagramBytes: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly onArrival: (arrival: Arrival) => void
  readonly onError: (error: Error) => void
}

/** Receives UDP on any address of this host and tells TTL and age of each datagram, which node:dgram cannot. */
export class HopsSocket {
  readonly #options: HopsSocketOptions
  readonly #descriptor: number
  readonly #watch: Handle
  readonly #datagrams: Uint8Array
  readonly #origins = new Uint8Array(BATCH * RECORD_BYTES)
  readonly #view = new DataView(this.#origins.buffer)
  #isClosed = false
  /** When nothing waited: no datagram that comes after that is older, whatever was done to the kernel's clock. */
  #emptyAt: number

  /** Throws an Error with `code`: `EADDRINUSE`, `ENODEV`. */
  constructor(options: HopsSocketOptions) {
    this.#options = options
    this.#emptyAt = options.now()
    this.#datagrams = new Uint8Array(BATCH * options.maxDatagramBytes)
    this.#descriptor = addon.hopsOpen(options.family === 6, options.port, ENCODER.encode(options.device ?? ''))
    this.#watch = addon.watch(this.#descriptor, false, () => void this.#takeBatch())
  }

  /**
   * Hands over all that waits. By itself a batch is handed over in each turn of the loop; whoever is about to conclude
   * something from silence calls this first.
   */
  drain(): void {
    for (let batches = 0; batches < MOST_BATCHES; batches++) if (this.#takeBatch() < BATCH) return
  }

  #takeBatch(): number {
    const nowMs = this.#options.now()
    const longestMs = nowMs - this.#emptyAt
    const count = this.#receive()
    if (count < BATCH) this.#emptyAt = nowMs
    for (let slot = 0; slot < count && !this.#isClosed; slot++) this.#options.onArrival(this.#arrival(slot, longestMs))
    return count
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

  #arrival(slot: number, longestMs: number): Arrival {
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
      ageMs: Math.min(this.#view.getUint32(at + 44, IS_LITTLE_ENDIAN) / 1000, longestMs),
    }
  }
}

/** The addon writes numbers in the machine's own order. */
const IS_LITTLE_ENDIAN = endianness() === 'LE'
