/** What follows from the address of our end of a connection: next hops, and a router id where none is set. */
import type { Socket } from 'node:net'
import type { Interfaces, NetworkInterface } from '../../../native/index.ts'
import type { NextHops } from '../../../net/bgp/index.ts'
import {
  type Address,
  addressFromBytes,
  type Family,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixOf,
} from '../../../net/ip/index.ts'

const LINK_LOCAL = parsePrefix('fe80::/10')!

export function isLinkLocal(address: Address): boolean {
  return prefixContains(LINK_LOCAL, address)
}

/** Our end of a connection. */
export interface LocalEnd {
  readonly address: Address
  /** The interface that has the address; undefined = it is gone. */
  readonly on: NetworkInterface | undefined
}

/** `scope`: index of the interface of a link-local peer, else 0. */
export function localEndOf(socket: Socket, interfaces: Interfaces, scope: number): LocalEnd {
  // A connection that is gone already has no address any more; nothing will be sent on it.
  const address =
    parseAddress((socket.localAddress ?? '0.0.0.0').replace(/%.*$/, '')) ?? addressFromBytes(new Uint8Array(4))
  return { address, on: interfaceWith(interfaces, address, scope) }
}

function interfaceWith(interfaces: Interfaces, address: Address, scope: number): NetworkInterface | undefined {
  if (scope !== 0) return interfaces.get(scope)
  return [...interfaces.values()].find((one) => addressesOf(one).some((each) => isSame(each, address)))
}

/** Whether an interface of ours has an address on the peer's network; then the peer is one hop away. */
export function isConnected(interfaces: Interfaces, peer: Address): boolean {
  if (isLinkLocal(peer)) return true
  return [...interfaces.values()].some((one) =>
    networksOf(one, peer.family).some((network) => prefixContains(network, peer)),
  )
}

/**
 * What we say that our routes lead to: the address of our end, and what its interface has of the other family. Over
 * several hops a link-local address would mean another link (RFC 2545 section 3).
 */
export function nextHopsAt(
  { address: local, on }: LocalEnd,
  peer: { readonly address: Address; readonly isConnected: boolean },
): NextHops {
  const global = (family: Family) =>
    local.family === family && !isLinkLocal(local)
      ? local
      : on && addressesOf(on).find((each) => each.family === family && !isLinkLocal(each))
  const linkLocal = isLinkLocal(local) ? local : on && addressesOf(on).find(isLinkLocal)
  const isUnnumbered = isLinkLocal(peer.address)
  return {
    ipv4: global(4),
    // A peer that is spoken to by its link-local address need not have a route to our global one.
    ipv6Global: isUnnumbered ? undefined : global(6),
    ipv6LinkLocal: peer.isConnected && peer.address.family === 6 ? linkLocal : undefined,
  }
}

/** The IPv4 address of our end, else the first one of its interface. */
export function identifierAt({ address: local, on }: LocalEnd): number | undefined {
  const address = local.family === 4 ? local : on && addressesOf(on).find(({ family }) => family === 4)
  return address === undefined ? undefined : Number(address.bits)
}

function addressesOf({ addresses }: NetworkInterface): Address[] {
  return addresses.filter(({ isTentative }) => !isTentative).map(({ bytes }) => addressFromBytes(bytes))
}

function networksOf({ addresses }: NetworkInterface, family: Family) {
  return addresses
    .filter((each) => each.family === family)
    .map(({ bytes, prefixLength }) => prefixOf(addressFromBytes(bytes), prefixLength))
}

function isSame(a: Address, b: Address): boolean {
  return a.family === b.family && a.bits === b.bits
}
