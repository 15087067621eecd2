import { addon, errorCode, type Handle, memoryOf, type Slots, type SocketStatistics, slots } from './addon.ts'
import { PROTOCOLS, type Protocol, REJECT_ALL, spreadBySource } from './packet-filter.ts'

const BATCH = 64

export interface PacketSocketOptions {
  readonly interfaceIndex: number
  readonly protocol: Protocol
  /** It hears nothing until it has joined a group of sockets by `joinGroup`. */
  readonly isFollower?: boolean
  /**
   * `count` frames are in `socket.received`, until this returns. It may fill `socket.sending` from slot 0 and answers
   * with how many frames of it to send; they leave before the next batch is read.
   */
  readonly onFrames: (count: number) => number
  /** The interface went down (`ENETDOWN`) or is gone; the socket hears nothing more and is closed already. */
  readonly onDown: (code: string) => void
  /** SO_RCVBUF; the kernel's net.core.rmem_max caps it. */
  readonly receiveBufferBytes?: number
  /** Frames that may wait while the send buffer is full; what comes on top is dropped and counted. */
  readonly queueCapacity?: number
}

/**
 * Whole Ethernet frames of one protocol on one interface (AF_PACKET), in batches, within the loop of the calling
 * thread. Its own outgoing frames are not heard.
 */
export class PacketSocket {
  readonly received: Slots
  readonly sending: Slots
  readonly #handle: Handle
  readonly #filter: Uint32Array

  /** Throws an Error with `code`: `EPERM` without the capability NET_RAW, `ENODEV` when there is no such interface. */
  constructor(options: PacketSocketOptions) {
    const protocol = PROTOCOLS[options.protocol]
    this.received = slots(BATCH, protocol.receivedSlotBytes)
    this.sending = slots(BATCH, protocol.sendingSlotBytes)
    this.#filter = protocol.filter
    this.#handle = open(() =>
      addon.packetOpen({
        interfaceIndex: options.interfaceIndex,
        etherType: protocol.etherType,
        filter: options.isFollower ? REJECT_ALL : protocol.filter,
        receiveBufferBytes: options.receiveBufferBytes ?? 1 << 20,
        queueCapacity: options.queueCapacity ?? 1024,
        onFrames: options.onFrames,
        onError: (errno) => {
          this.close()
          options.onDown(addon.errorName(errno))
        },
        ...memoryOf(this.received, this.sending),
      }),
    )
  }

  /**
   * Sends the first `count` slots of `sending`, at most all of them; returns how many the kernel took at once. The rest
   * waits in the queue, or is lost and counted. After close nothing is sent.
   */
  send(count: number): number {
    return addon.send(this.#handle, count)
  }

  /** Shares the frames with those that will join: all frames of one source MAC go to one socket. */
  leadGroup(factor: number): void {
    addon.leadGroup(this.#handle, spreadBySource(factor))
  }

  joinGroup(leader: PacketSocket): void {
    addon.joinGroup(this.#handle, leader.#handle, this.#filter)
  }

  /** Makes the interface accept frames to a link-layer group (6 bytes), while the socket is open. */
  join(group: Uint8Array, interfaceIndex: number): void {
    addon.membership(this.#handle, interfaceIndex, group, true)
  }

  leave(group: Uint8Array, interfaceIndex: number): void {
    addon.membership(this.#handle, interfaceIndex, group, false)
  }

  /** undefined once the socket is closed. */
  statistics(): SocketStatistics | undefined {
    return addon.statistics(this.#handle)
  }

  /** Nothing is called after this, also when called from within onFrames. Closing twice is fine. */
  close(): void {
    addon.close(this.#handle)
  }
}

function open(attempt: () => Handle): Handle {
  try {
    return attempt()
  } catch (cause) {
    if (errorCode(cause) !== 'EPERM') throw cause
    const message =
      'no permission to open a packet socket: the capability NET_RAW (CAP_NET_RAW) is missing; ' +
      'add it to securityContext.capabilities.add of the container'
    throw Object.assign(new Error(message, { cause }), { code: 'EPERM' })
  }
}
