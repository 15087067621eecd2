/** How routes of a family travel on a session: in which field, with which next hop, or why not at all. */
import { type Address, addressToBytes } from '../../ip/index.ts'
import type { AddressFamily } from '../message/index.ts'
import type { Negotiated } from '../session/index.ts'

/** Our addresses on the link of the session. */
export interface NextHops {
  readonly ipv4: Address | undefined
  readonly ipv6Global: Address | undefined
  readonly ipv6LinkLocal: Address | undefined
}

export type Carriage =
  /** NEXT_HOP and the NLRI field: IPv4 with an IPv4 next hop. */
  | { readonly kind: 'classic'; readonly nextHop: Uint8Array }
  /** MP_REACH_NLRI. */
  | { readonly kind: 'multiprotocol'; readonly nextHop: Uint8Array }
  | { readonly kind: 'none'; readonly because: 'family-not-negotiated' | 'no-next-hop' }

export function carriageOf(family: AddressFamily, negotiated: Negotiated, nextHops: NextHops): Carriage {
  if (!negotiated.families.has(family)) return { kind: 'none', because: 'family-not-negotiated' }
  if (family === 'ipv4-unicast' && nextHops.ipv4 !== undefined) {
    return { kind: 'classic', nextHop: addressToBytes(nextHops.ipv4) }
  }
  const nextHop = ipv6NextHop(nextHops)
  const mayUseIpv6 = family === 'ipv6-unicast' || negotiated.hasExtendedNextHop
  if (nextHop === undefined || !mayUseIpv6) return { kind: 'none', because: 'no-next-hop' }
  return { kind: 'multiprotocol', nextHop }
}

/** RFC 2545 section 3: the global address, then the link-local one; unnumbered links may have the latter alone. */
function ipv6NextHop(nextHops: NextHops): Uint8Array | undefined {
  const addresses = [nextHops.ipv6Global, nextHops.ipv6LinkLocal].filter((address) => address !== undefined)
  if (addresses.length === 0) return undefined
  const bytes = new Uint8Array(addresses.length * 16)
  for (const [index, address] of addresses.entries()) bytes.set(addressToBytes(address), index * 16)
  return bytes
}
