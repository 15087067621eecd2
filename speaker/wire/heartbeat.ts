/** The datagrams of membership: a multicast group on each usable interface, and unicast in both families. */
import { createSocket, type Socket } from 'node:dgram'
import { DatagramSocket } from '../../native/index.ts'
import { addressToBytes, parseAddress } from '../../net/ip/index.ts'
import { MAX_DATAGRAM_BYTES } from '../../net/membership/index.ts'
import { identityOf, type UsableInterface } from './interfaces.ts'

/**
 * Link-local groups that nobody else uses: never forwarded by routers. 224.0.0/24 is flooded by switches even where
 * they prune groups (RFC 4541 section 2.1.2), so it is preferred wherever the interface has IPv4.
 */
const GROUP_IPV4 = addressToBytes(parseAddress('224.0.0.187')!)
/** ff12: link-local and not assigned by IANA (RFC 4291 section 2.7). */
const GROUP_IPV6 = addressToBytes(parseAddress('ff12::696e:7661:72')!)

export interface HeartbeatEvents {
  /** `interfaceName` undefined = by unicast. The bytes are valid until this returns. */
  readonly datagram: (bytes: Uint8Array, interfaceName: string | undefined) => void
  /** A datagram could not be sent by unicast; that it is missed is seen by the one who misses it. */
  readonly unsent: () => void
  readonly fault: (what: string, cause: unknown) => void
}

interface Segment {
  readonly identity: string
  readonly socket: DatagramSocket
}

export class Heartbeats {
  readonly #port: number
  readonly #events: HeartbeatEvents
  readonly #segments = new Map<string, Segment>()
  readonly #unicast: DatagramSocket | undefined
  readonly #senders: { readonly 4: Socket; readonly 6: Socket }

  constructor(port: number, events: HeartbeatEvents) {
    this.#port = port
    this.#events = events
    this.#unicast = this.#openUnicast()
    this.#senders = { 4: createSender('udp4', events.unsent), 6: createSender('udp6', events.unsent) }
  }

  get port(): number {
    return this.#port
  }

  /** Hears and sends on exactly these interfaces. */
  sync(usable: readonly UsableInterface[]): void {
    const wanted = new Map(usable.map((one) => [one.name, one]))
    for (const [name, { identity, socket }] of this.#segments) {
      const one = wanted.get(name)
      if (one !== undefined && segmentIdentity(one) === identity) continue
      socket.close()
      this.#segments.delete(name)
    }
    for (const one of usable) if (!this.#segments.has(one.name)) this.#openSegment(one)
  }

  multicast(interfaceName: string, bytes: Uint8Array): void {
    this.#segments.get(interfaceName)?.socket.send(bytes)
  }

  unicast(address: string, bytes: Uint8Array): void {
    const family = parseAddress(address)?.family
    if (family === undefined) return
    this.#senders[family].send(bytes, this.#port, address, (error) => error !== null && this.#events.unsent())
  }

  close(): void {
    for (const { socket } of this.#segments.values()) socket.close()
    this.#segments.clear()
    this.#unicast?.close()
    this.#senders[4].close()
    this.#senders[6].close()
  }

  #openUnicast(): DatagramSocket | undefined {
    return this.#open(`opening UDP port ${this.#port}`, undefined, undefined)
  }

  #openSegment(usable: UsableInterface): void {
    const { name, index, ipv4, linkLocal } = usable
    const bytes = ipv4.length === 0 && linkLocal !== undefined ? GROUP_IPV6 : GROUP_IPV4
    const socket = this.#open(`opening the heartbeat group on ${name}`, name, { bytes, interfaceIndex: index })
    if (socket !== undefined) this.#segments.set(name, { identity: segmentIdentity(usable), socket })
  }

  #open(
    what: string,
    interfaceName: string | undefined,
    group: { readonly bytes: Uint8Array; readonly interfaceIndex: number } | undefined,
  ): DatagramSocket | undefined {
    try {
      return new DatagramSocket({
        port: this.#port,
        group,
        maxDatagramBytes: MAX_DATAGRAM_BYTES,
        onDatagram: (bytes) => this.#events.datagram(bytes, interfaceName),
        onDown: () => interfaceName !== undefined && this.#segments.delete(interfaceName),
      })
    } catch (error) {
      this.#events.fault(what, error)
      return undefined
    }
  }
}

/** The group depends on the addresses, so the socket is opened anew when they change what matters. */
function segmentIdentity(usable: UsableInterface): string {
  return `${usable.index} ${usable.ipv4.length > 0} ${identityOf(usable)}`
}

function createSender(type: 'udp4' | 'udp6', onError: () => void): Socket {
  const socket = createSocket(type)
  // Errors of sending come to the callback of send; without a listener the others would end the thread.
  socket.on('error', onError)
  socket.unref()
  return socket
}
