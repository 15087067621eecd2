/** The compiled addon and the types of what it exports; the other files of this folder are the only users. */
import { createRequire } from 'node:module'

/** What JavaScript holds of a socket; only the addon can look inside. */
export type Handle = { readonly __handle: unique symbol }

/** Slots of equal size in one block of memory: slot `i` begins at `i * slotBytes` and uses `lengths[i]` bytes. */
export interface Slots {
  readonly bytes: Uint8Array
  readonly lengths: Uint32Array
  readonly slotBytes: number
}

/** Counters of one socket since it was opened. */
export interface SocketStatistics {
  /** Frames that the kernel took. */
  readonly sent: number
  /** Frames that had to wait because the send buffer was full, and those waiting now. */
  readonly queued: number
  readonly waiting: number
  /** Frames dropped because the queue of waiting frames was full. */
  readonly lostQueueFull: number
  /** Frames that the kernel or the device refused (device queue full, interface down or gone). */
  readonly lostRefused: number
  /** Datagrams longer than a slot; they are handed over with length 0. */
  readonly truncated: number
  /** Packets lost because the receive buffer was full. */
  readonly kernelDrops: number
}

/** Common to all sockets: memory for both directions, and what to call. */
export interface SocketOptions {
  /** Called with the number of received slots that are filled; answers how many sending slots to send. */
  readonly onFrames: (count: number) => number
  /** Called with an errno; the socket is no longer watched, and is to be closed. */
  readonly onError: (errno: number) => void
  readonly received: Uint8Array
  readonly receivedLengths: Uint32Array
  readonly sending: Uint8Array
  readonly sendingLengths: Uint32Array
  /** Frames that may wait for room in the send buffer. */
  readonly queueCapacity: number
}

/** Of a TCP socket; what is not wanted is empty or 0. */
export interface TcpSocketOptions {
  /** 4 or 16 bytes; of a listener none. */
  readonly remote: Uint8Array
  /** Address to bind to; of a listener 4 or 16 bytes. */
  readonly local: Uint8Array
  readonly port: number
  /** Index of the interface of link-local addresses. */
  readonly scope: number
  /** Name of the interface or VRF to bind to. */
  readonly device: Uint8Array
  /** MD5 key (RFC 2385), at most 80 bytes. */
  readonly key: Uint8Array
  /** TTL or hop limit of what is sent. */
  readonly hopLimit: number
  /** Segments with less are dropped by the kernel (RFC 5082). */
  readonly minimumHopLimit: number
}

interface Addon {
  packetOpen(
    options: SocketOptions & {
      readonly interfaceIndex: number
      readonly etherType: number
      readonly receiveBufferBytes: number
      readonly filter: Uint32Array
    },
  ): Handle
  /** From now on frames of the socket are shared by its group, as the program says. */
  leadGroup(socket: Handle, program: Uint32Array): void
  /** Opened with a filter that rejects all, the socket gets its share through `filter` from now on. */
  joinGroup(socket: Handle, leader: Handle, filter: Uint32Array): void
  netlinkOpen(options: SocketOptions & { readonly groups: number; readonly receiveBufferBytes: number }): Handle
  groupsOpen(options: SocketOptions): Handle
  udpOpen(
    options: SocketOptions & { readonly interfaceIndex: number; readonly group: Uint8Array; readonly port: number },
  ): Handle
  membership(socket: Handle, interfaceIndex: number, group: Uint8Array, join: boolean): void
  send(socket: Handle, count: number): number
  close(socket: Handle): void
  statistics(socket: Handle): SocketStatistics | undefined
  errorName(errno: number): string
  shortenTimeSlice(nanoseconds: number): boolean
  watch(descriptor: number, forWriting: boolean, onReady: () => void): Handle
  unwatch(watch: Handle): void
  tcpConnect(options: TcpSocketOptions): number
  tcpListen(options: TcpSocketOptions): number
  tcpAdapt(descriptor: number, options: TcpSocketOptions): void
  tcpUnacknowledged(descriptor: number): number
  socketError(descriptor: number): number
  closeDescriptor(descriptor: number): void
  hopsOpen(isIpv6: boolean, port: number, device: Uint8Array): number
  hopsReceive(descriptor: number, datagrams: Uint8Array, origins: Uint8Array): number
}

/** `INVAR_NATIVE` names another build of the addon, such as one with sanitizers. */
export const addon: Addon = load(process.env.INVAR_NATIVE ?? './build/invar.node')

function load(path: string): Addon {
  try {
    return createRequire(import.meta.url)(path)
  } catch (cause) {
    throw new Error(`the native addon is missing or was built for another Node: run "node native/build.ts"`, { cause })
  }
}

export function slots(count: number, slotBytes: number): Slots {
  return { bytes: new Uint8Array(count * slotBytes), lengths: new Uint32Array(count), slotBytes }
}

/** The options that describe two blocks of slots to the addon. */
export function memoryOf(received: Slots, sending: Slots) {
  return {
    received: received.bytes,
    receivedLengths: received.lengths,
    sending: sending.bytes,
    sendingLengths: sending.lengths,
  }
}

/** The error name (`EPERM`) that the addon put on an exception; undefined for any other exception. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' && !code.startsWith('ERR_') ? code : undefined
}
