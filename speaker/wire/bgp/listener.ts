/** The passive side: a TCP port that is open only while a peer is to connect to us. */
import type { Server, Socket } from 'node:net'
import { adaptTcp, listenTcp } from '../../../native/index.ts'
import { type Address, parseAddress } from '../../../net/ip/index.ts'
import type { DesiredPeer } from '../messages.ts'
import { type PeerPlace, pathTo } from './peer-options.ts'

export interface ListenerEvents {
  /** Somebody has connected from the address; whoever takes it keeps it, otherwise it is to be reset. */
  readonly connection: (socket: Socket, from: Address) => void
  readonly fault: (what: string, cause: unknown) => void
}

/** Port and VRF of one listening socket. */
interface Place {
  readonly family: 4 | 6
  readonly port: number
  readonly device: string | undefined
}

interface Listening {
  readonly server: Server
  /** Addresses that the socket has a key for, with it. */
  readonly keys: Map<string, Parameters<typeof adaptTcp>[1]>
}

export class Listener {
  readonly #events: ListenerEvents
  readonly #open = new Map<string, Listening>()

  constructor(events: ListenerEvents) {
    this.#events = events
  }

  /** Listens for exactly these peers, with their keys: a peer with a wrong one does not get as far as a connection. */
  sync(peers: readonly { readonly peer: DesiredPeer; readonly place: PeerPlace }[], port: number): void {
    const wanted = new Map<string, Place>()
    for (const { peer, place } of peers) {
      if (peer.isPassive) {
        const { device } = peer
        const where = { family: place.address.family, port, device }
        wanted.set(textOf(where), where)
      }
    }
    for (const [text, { server }] of this.#open) {
      if (wanted.has(text)) continue
      server.close()
      this.#open.delete(text)
    }
    for (const [text, place] of wanted) if (!this.#open.has(text)) this.#listen(text, place)
    for (const [text, listening] of this.#open) {
      const concerned = peers.filter(
        ({ peer, place }) => text === textOf({ ...peer, family: place.address.family, port }),
      )
      this.#setKeys(listening, concerned)
    }
  }

  close(): void {
    for (const { server } of this.#open.values()) server.close()
    this.#open.clear()
  }

  #listen(text: string, place: Place): void {
    try {
      const server = listenTcp({
        ...place,
        onConnection: (socket) => this.#take(socket),
        onError: (error) => this.#events.fault(`accepting BGP connections on TCP port ${place.port}`, error),
      })
      this.#open.set(text, { server, keys: new Map() })
    } catch (error) {
      const remedy = `(a port below 1024 needs the capability NET_BIND_SERVICE, or another --bgp-listen-port)`
      this.#events.fault(`listening for BGP peers on TCP port ${place.port} ${remedy}`, error)
    }
  }

  #setKeys(
    { server, keys }: Listening,
    peers: readonly { readonly peer: DesiredPeer; readonly place: PeerPlace }[],
  ): void {
    const wanted = new Map(
      peers.map(({ peer, place }) => {
        // Hop limits are the connection's business; a listener hears everybody.
        const path = { ...pathTo(peer, place), hopLimit: 255, minimumHopLimit: 0 }
        return [path.remote.join('.'), path] as const
      }),
    )
    for (const [remote, path] of keys) {
      if (wanted.get(remote)?.key === undefined) this.#setKey(server, { ...path, key: undefined })
    }
    keys.clear()
    for (const [remote, path] of wanted) {
      if (path.key === undefined) continue
      this.#setKey(server, path)
      keys.set(remote, path)
    }
  }

  #setKey(server: Server, path: Parameters<typeof adaptTcp>[1]): void {
    try {
      adaptTcp(server, path)
    } catch (error) {
      this.#events.fault('setting the TCP MD5 key of a passive BGP peer', error)
    }
  }

  #take(socket: Socket): void {
    const from = parseAddress((socket.remoteAddress ?? '').replace(/%.*$/, ''))
    // It may be gone before we have looked at it.
    if (from === undefined) socket.destroy()
    else this.#events.connection(socket, from)
  }
}

function textOf({ family, port, device }: Place): string {
  return `${family} ${port} ${device ?? ''}`
}
