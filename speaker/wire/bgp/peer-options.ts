/** From what is desired of a peer to what its session and its connections are made with. */
import type { Interfaces, TcpPath } from '../../../native/index.ts'
import type { AddressFamily, SessionOptions } from '../../../net/bgp/index.ts'
import { type Address, addressToBytes, parseAddress } from '../../../net/ip/index.ts'
import type { BfdPath } from '../bfd/index.ts'
import type { DesiredPeer } from '../messages.ts'

const FARTHEST = 255
/** What an operating system sends with: for peers that may be anywhere in the AS. */
const ORDINARY = 64

/** Our side of the session. `identifier`: used unless the peer has a router id of its own. */
export function sessionOptionsOf(peer: DesiredPeer, identifier: number): SessionOptions {
  return {
    localAsn: peer.localAsn,
    remote: peer.remote,
    identifier: routerIdOf(peer) ?? identifier,
    holdTimeSeconds: peer.holdTimeSeconds,
    keepaliveTimeSeconds: peer.keepaliveTimeSeconds,
    connectRetrySeconds: peer.connectTimeSeconds,
    families: familiesOf(peer),
    offersExtendedNextHop: peer.target.kind === 'interface',
    offersExtendedMessage: true,
    gracefulRestart:
      peer.restartTimeSeconds === undefined
        ? undefined
        : {
            restartTimeSeconds: peer.restartTimeSeconds,
            // Without BFD a node that is dead would attract traffic for the hold time and the restart time on top.
            offersNotificationSupport: peer.bfd !== undefined,
          },
    role: peer.role,
    mustHaveRole: peer.mustHaveRole,
    isPassive: peer.isPassive,
  }
}

/** The router id that is set for the peer, as a number. */
export function routerIdOf({ routerId }: DesiredPeer): number | undefined {
  return routerId === undefined ? undefined : Number(parseAddress(routerId)!.bits)
}

const BOTH = ['ipv4-unicast', 'ipv6-unicast'] as const

function familiesOf({ target, dualStack }: DesiredPeer): readonly AddressFamily[] {
  if (dualStack || target.kind === 'interface') return BOTH
  return parseAddress(target.address)!.family === 4 ? ['ipv4-unicast'] : ['ipv6-unicast']
}

/** Whether the session can only become an external one. */
export function isExternal({ remote, localAsn }: DesiredPeer): boolean {
  return remote.kind === 'asn' ? remote.asn !== localAsn : remote.kind === 'external'
}

/** Where the peer is, as far as it is known now. */
export interface PeerPlace {
  readonly address: Address
  /** Index of the interface of a link-local address, else 0. */
  readonly scope: number
  /** One of our interfaces has an address on the same network. */
  readonly isConnected: boolean
}

/** How a connection to the peer is made. */
export function pathTo(peer: DesiredPeer, { address, scope, isConnected }: PeerPlace): TcpPath {
  const source = peer.sourceAddress === undefined ? undefined : parseAddress(peer.sourceAddress)
  return {
    remote: addressToBytes(address),
    scope,
    local: source === undefined ? undefined : addressToBytes(source),
    device: peer.device,
    key: peer.password === undefined ? undefined : new TextEncoder().encode(peer.password),
    ...hopLimitsOf(peer, isConnected),
  }
}

/**
 * External peers are neighbours, unless it is said otherwise (RFC 4271 leaves it open; all routers do so). MetalLB's
 * own speaker never cared: peers further away that worked with it go on working, and the user is told.
 */
function hopLimitsOf(peer: DesiredPeer, isConnected: boolean): Pick<TcpPath, 'hopLimit' | 'minimumHopLimit'> {
  const { distance } = peer
  if (distance.kind === 'hops') return { hopLimit: FARTHEST, minimumHopLimit: FARTHEST + 1 - distance.hops }
  if (distance.kind === 'multihop') return { hopLimit: FARTHEST, minimumHopLimit: 0 }
  const isNeighbour = isExternal(peer) && isConnected
  return { hopLimit: isNeighbour ? 1 : ORDINARY, minimumHopLimit: 0 }
}

/** The path that BFD watches; as in FRR it is a single hop, unless the peer is further away or said to be so. */
export function bfdPathTo(peer: DesiredPeer, place: PeerPlace, interfaces: Interfaces): BfdPath {
  const { sourceAddress, device, distance } = peer
  const isFar = distance.kind === 'multihop' || (distance.kind === 'hops' && distance.hops > 1)
  return {
    address: place.address,
    interface: interfaces.get(place.scope)?.name,
    scope: place.scope,
    isMultihop: isFar || !place.isConnected,
    ...{ sourceAddress, device },
  }
}

/** What the user should mend although it may work. */
export function noticeOn(peer: DesiredPeer, isConnected: boolean): string | undefined {
  if (peer.distance.kind !== 'direct' || !isExternal(peer) || isConnected) return undefined
  return 'the peer is in another AS and not on a network of this node: set ebgpMultiHop'
}

/** Whether the peer is to be found where it was. */
export function isSamePlace(a: DesiredPeer, b: DesiredPeer): boolean {
  return JSON.stringify([a.target, a.port]) === JSON.stringify([b.target, b.port])
}

/** Whether connections to it are made as before. */
export function isSamePath(a: DesiredPeer, b: DesiredPeer): boolean {
  const pathOf = (peer: DesiredPeer) => [peer.distance, peer.sourceAddress, peer.device, peer.password]
  return JSON.stringify(pathOf(a)) === JSON.stringify(pathOf(b))
}

/** A key can take the place of another one on a live connection, but not appear there or vanish. */
export function isOnlyKeyReplaced(before: DesiredPeer, after: DesiredPeer): boolean {
  const hasKeys = before.password !== undefined && after.password !== undefined
  return hasKeys && isSamePath({ ...before, password: after.password }, after)
}
