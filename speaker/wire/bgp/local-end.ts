/** What follows from the address of our end of a connection: next hops, and a router id where none is set. */
import type { Interfaces, NetworkInterface } from '../../../native/index.ts'
import type { NextHops } from '../../../net/bgp/index.ts'
import {
  type Address,
  addressFromBytes,
  type Family,
  parsePrefix,
  prefixContains,
  prefixOf,
} from '../../../net/ip/index.ts'

const LINK_LOCAL = parsePrefix('fe80::/10')!

export function isLinkLocal(address: Address): boolean {
  return prefixContains(LINK_LOCAL, address)
}

/** The interface that has the address; of a link-local one, `scope` is the index of the interface. */
export function interfaceWith(interfaces: Interfaces, address: Address, scope: number): NetworkInterface | undefined {
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
  end: NetworkInterface | undefined,
  local: Address,
  peer: { readonly address: Address; readonly isConnected: boolean },
): NextHops {
  const global = (family: Family) =>
    local.family === family && !isLinkLocal(local)
      ? local
      : end && addressesOf(end).find((each) => each.family === family && !isLinkLocal(each))
  const linkLocal = isLinkLocal(local) ? local : end && addressesOf(end).find(isLinkLocal)
  const isUnnumbered = isLinkLocal(peer.address)
  return {
    ipv4: global(4),
    // A peer that is spoken to by its link-local address need not have a route to our global one.
    ipv6Global: isUnnumbered ? undefined : global(6),
    ipv6LinkLocal: peer.isConnected && peer.address.family === 6 ? linkLocal : undefined,
  }
}

/** The IPv4 address of our end, else the first one of its interface. */
export function identifierAt(end: NetworkInterface | undefined, local: Address): number | undefined {
  const address = local.family === 4 ? local : end && addressesOf(end).find(({ family }) => family === 4)
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
