/** TCP connections with what Node.js cannot set: MD5 keys, TTL limits, source and device, all before the first segment. */
import { createServer, type Server, Socket } from 'node:net'
import { addon, type Handle, type TcpSocketOptions } from './addon.ts'

/** Where to, and how. Addresses are 4 or 16 bytes. */
export interface TcpPath {
  readonly remote: Uint8Array
  /** Index of the interface that a link-local `remote` is on; 0 = none. */
  readonly scope: number
  /** Address to connect from; undefined = the kernel chooses. */
  readonly local: Uint8Array | undefined
  /** Interface or VRF to stay on; undefined = where the routes lead. */
  readonly device: string | undefined
  /** MD5 key (RFC 2385), 1 to 80 bytes; undefined = none. */
  readonly key: Uint8Array | undefined
  /** TTL or hop limit of what is sent, 1 to 255. */
  readonly hopLimit: number
  /** Segments that arrive with less are dropped by the kernel (RFC 5082); 0 = none are. */
  readonly minimumHopLimit: number
}

export interface TcpListenOptions {
  readonly family: 4 | 6
  readonly port: number
  readonly device: string | undefined
  readonly onConnection: (socket: Socket) => void
  readonly onError: (error: Error) => void
}

const NOTHING = new Uint8Array()
const ENCODER = new TextEncoder()
/** So that an answer reaches a peer that checks how far it has come. */
const LISTENER_HOP_LIMIT = 255

function optionsOf(path: TcpPath, port: number): TcpSocketOptions {
  const { remote, scope, local, device, key, hopLimit, minimumHopLimit } = path
  return {
    ...{ remote, scope, port, hopLimit, minimumHopLimit },
    local: local ?? NOTHING,
    device: ENCODER.encode(device ?? ''),
    key: key ?? NOTHING,
  }
}

/** A connection in the making. Either `onConnected` or `onFailed` is called once, unless it is cancelled. */
export class TcpDial {
  #descriptor: number | undefined
  #watch: Handle | undefined

  /**
   * Throws an Error with `code` for what is known at once: `EADDRNOTAVAIL` for a source address that this host does not
   * have, `ENODEV`, `ENETUNREACH`… The socket is paused: reading begins when somebody listens for `data`.
   */
  constructor(path: TcpPath, port: number, onConnected: (socket: Socket) => void, onFailed: (code: string) => void) {
    const descriptor = addon.tcpConnect(optionsOf(path, port))
    this.#descriptor = descriptor
    this.#watch = addon.watch(descriptor, true, () => {
      const errno = addon.socketError(descriptor)
      if (errno === 0) onConnected(this.#handOver(descriptor))
      else {
        this.cancel()
        onFailed(addon.errorName(errno))
      }
    })
  }

  /** Nothing is called after this; twice is fine, and after the connection stands it does nothing. */
  cancel(): void {
    if (this.#descriptor === undefined) return
    addon.unwatch(this.#watch!)
    addon.closeDescriptor(this.#descriptor)
    this.#descriptor = undefined
  }

  #handOver(descriptor: number): Socket {
    addon.unwatch(this.#watch!)
    this.#descriptor = undefined
    return new Socket({ fd: descriptor })
  }
}

/** Throws an Error with `code`: `EACCES` for a port below 1024 without the capability NET_BIND_SERVICE, `EADDRINUSE`. */
export function listenTcp(options: TcpListenOptions): Server {
  const { family, port, device, onConnection, onError } = options
  const fd = addon.tcpListen({
    ...{ remote: NOTHING, scope: 0, port, key: NOTHING, hopLimit: LISTENER_HOP_LIMIT, minimumHopLimit: 0 },
    local: new Uint8Array(family === 4 ? 4 : 16),
    device: ENCODER.encode(device ?? ''),
  })
  const server = createServer({ pauseOnConnect: false, noDelay: true }, onConnection)
  server.on('error', onError)
  return server.listen({ fd })
}

/**
 * Gives an open socket, or a listener, the key and the hop limits for a remote address; without a key the address's key
 * is taken away. On a live connection the key changes between two segments.
 */
export function adaptTcp(socket: Socket | Server, path: TcpPath): void {
  const descriptor = descriptorOf(socket)
  if (descriptor !== undefined) addon.tcpAdapt(descriptor, optionsOf(path, 0))
}

/** Octets written that the peer's TCP has not taken; undefined = the socket is closed. */
export function unacknowledgedBytes(socket: Socket): number | undefined {
  const descriptor = descriptorOf(socket)
  return descriptor === undefined ? undefined : addon.tcpUnacknowledged(descriptor)
}

/** Node.js shows no descriptor of its sockets but this; undefined once closed. */
function descriptorOf(socket: Socket | Server): number | undefined {
  const descriptor = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd
  return descriptor === undefined || descriptor < 0 ? undefined : descriptor
}
