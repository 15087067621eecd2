/** ICMP echoes on one interface (RFC 792, RFC 4443 section 4), by the package raw-socket. Needs NET_RAW alone. */
import { createRequire } from 'node:module'
import { internetChecksum } from '../../../net/bytes/index.ts'
import { type Address, type Family, formatAddress, parseAddress } from '../../../net/ip/index.ts'

/** What is used of raw-socket, which has no types of its own. */
interface RawSocket {
  on(event: 'message', listener: (packet: Uint8Array, source: string) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  setOption(level: number, option: number, value: Uint8Array, length: number): void
  send(
    packet: Uint8Array,
    offset: number,
    length: number,
    to: string,
    sent: (error: Error | null, bytes: number) => void,
  ): void
  close(): void
}

const SOL_SOCKET = 1
const SO_BINDTODEVICE = 25

/** `filter`: which types the kernel does not hand over, a bit each (ICMP_FILTER, ICMP6_FILTER); answers remain. */
const ICMP = { addressFamily: 1, protocol: 1, request: 8, reply: 0, filterLevel: 255, filterBytes: 4 } as const
const ICMPV6 = { addressFamily: 2, protocol: 58, request: 128, reply: 129, filterLevel: 58, filterBytes: 32 } as const
const FILTER_OPTION = 1
const ECHO_BYTES = 16

export interface EchoSocketOptions {
  readonly family: Family
  readonly interfaceName: string
  /** Distinguishes this program's echoes from those of others: 16 bits. */
  readonly identifier: number
  readonly onAnswer: (from: Address, sequence: number) => void
  /** It hears nothing more, and is closed. */
  readonly onError: (error: Error) => void
}

export class EchoSocket {
  readonly #options: EchoSocketOptions
  readonly #kind: typeof ICMP | typeof ICMPV6
  readonly #socket: RawSocket

  /** Throws where the socket cannot be opened: no NET_RAW, no such interface. */
  constructor(options: EchoSocketOptions) {
    this.#options = options
    this.#kind = options.family === 4 ? ICMP : ICMPV6
    const { addressFamily, protocol, reply, filterLevel, filterBytes } = this.#kind
    // When needed, not at the start: off is the default, and the package brings an addon of its own.
    const raw = createRequire(import.meta.url)('raw-socket') as {
      createSocket(options: { addressFamily: number; protocol: number }): RawSocket
    }
    this.#socket = raw.createSocket({ addressFamily, protocol })
    this.#socket.on('message', (packet, source) => this.#receive(packet, source))
    this.#socket.on('error', options.onError)
    try {
      const name = Buffer.from(`${options.interfaceName}\0`)
      this.#socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, name, name.length)
      const filter = Buffer.alloc(filterBytes, 0xff)
      filter[reply >> 3]! &= ~(1 << (reply & 7))
      this.#socket.setOption(filterLevel, FILTER_OPTION, filter, filter.length)
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  /** What cannot be sent is not answered. */
  ask(target: Address, sequence: number): void {
    const packet = Buffer.alloc(ECHO_BYTES)
    packet[0] = this.#kind.request
    packet.writeUInt16BE(this.#options.identifier, 4)
    packet.writeUInt16BE(sequence, 6)
    // Of ICMPv6 the kernel makes the checksum, which covers addresses that it chooses.
    if (this.#options.family === 4) packet.writeUInt16BE(internetChecksum(packet), 2)
    this.#socket.send(packet, 0, packet.length, formatAddress(target), () => undefined)
  }

  close(): void {
    this.#socket.close()
  }

  #receive(packet: Uint8Array, source: string): void {
    // Of IPv4 the header is before it.
    const message = this.#options.family === 4 ? packet.subarray((packet[0]! & 0x0f) * 4) : packet
    if (message.length < 8 || message[0] !== this.#kind.reply) return
    const view = new DataView(message.buffer, message.byteOffset, message.length)
    if (view.getUint16(4) !== this.#options.identifier) return
    const from = parseAddress(source)
    if (from !== undefined) this.#options.onAnswer(from, view.getUint16(6))
  }
}
