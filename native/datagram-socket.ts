import { addon, type Handle, memoryOf, slots } from './addon.ts'

export interface DatagramSocketOptions {
  readonly port: number
  /**
   * A link-local multicast group, 4 or 16 bytes, on one interface: only what arrives there for the group is heard, and
   * what is sent goes there. undefined = whatever comes to the port by unicast, in either family; it sends nothing.
   */
  readonly group: { readonly bytes: Uint8Array; readonly interfaceIndex: number } | undefined
  /** The bytes are valid until this returns. */
  readonly onDatagram: (bytes: Uint8Array) => void
  /** The interface is gone; the socket is closed already. */
  readonly onDown: (code: string) => void
  readonly maxDatagramBytes: number
}

/**
 * UDP as node:dgram does not have it: bound to an interface, so that it is certain where a datagram was heard. Needs no
 * privilege (SO_BINDTOIFINDEX, Linux 5.7).
 */
export class DatagramSocket {
  readonly #handle: Handle
  readonly #received
  readonly #sending

  /** Throws an Error with `code`: `EADDRINUSE`, `ENODEV`, `EADDRNOTAVAIL`… */
  constructor(options: DatagramSocketOptions) {
    // One byte more than allowed, so that too long a datagram is told from one that just fits.
    this.#received = slots(32, options.maxDatagramBytes + 1)
    this.#sending = slots(1, options.maxDatagramBytes)
    this.#handle = addon.udpOpen({
      port: options.port,
      group: options.group?.bytes ?? new Uint8Array(),
      interfaceIndex: options.group?.interfaceIndex ?? 0,
      queueCapacity: 8,
      onFrames: (count) => this.#deliver(count, options.onDatagram),
      onError: (errno) => {
        this.close()
        options.onDown(addon.errorName(errno))
      },
      ...memoryOf(this.#received, this.#sending),
    })
  }

  /** To the group. Returns whether the kernel took it; it may be too long, or the interface down. */
  send(datagram: Uint8Array): boolean {
    if (datagram.length > this.#sending.slotBytes) return false
    this.#sending.bytes.set(datagram)
    this.#sending.lengths[0] = datagram.length
    return addon.send(this.#handle, 1) === 1
  }

  close(): void {
    addon.close(this.#handle)
  }

  #deliver(count: number, onDatagram: (bytes: Uint8Array) => void): number {
    const { bytes, lengths, slotBytes } = this.#received
    for (let slot = 0; slot < count; slot++) {
      onDatagram(bytes.subarray(slot * slotBytes, slot * slotBytes + lengths[slot]!))
    }
    return 0
  }
}
