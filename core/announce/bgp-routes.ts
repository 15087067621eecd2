import { type Address, formatPrefix, parseAddress, prefixOf } from '../../net/ip/index.ts'
import type { BgpAdvertisement, BgpPeer } from '../config/snapshot.ts'
import type { BgpDecision } from './bgp.ts'

/** One advertisement's wish for one prefix; plain data. */
export interface BgpRoute {
  /** Canonical text, host bits zero. */
  readonly prefix: string
  /** Name of the BGPAdvertisement. */
  readonly advertisement: string
  /** undefined = unset. */
  readonly localPreference: number | undefined
  readonly communities: readonly number[]
  readonly largeCommunities: readonly (readonly [number, number, number])[]
  /** Names of the BGPPeers that get it; undefined = all. */
  readonly peers: readonly string[] | undefined
}

/**
 * The routes to the addresses of one Service: for each address and advertisement the address masked to the aggregation
 * length. The same prefix may come twice, from two advertisements or two addresses; whoever announces merges them.
 */
export function bgpRoutes(decision: BgpDecision): readonly BgpRoute[] {
  if (decision.kind === 'silent') return []
  const { ips, advertisements } = decision
  return ips.flatMap((ip) => advertisements.map((advertisement) => routeTo(parseAddress(ip)!, advertisement)))
}

function routeTo(address: Address, advertisement: BgpAdvertisement): BgpRoute {
  const { name, aggregationLength, aggregationLengthV6, localPreference, communities, largeCommunities, peers } =
    advertisement
  const length = address.family === 4 ? aggregationLength : aggregationLengthV6
  return {
    prefix: formatPrefix(prefixOf(address, length)),
    advertisement: name,
    ...{ localPreference, communities, largeCommunities },
    peers: peers.length === 0 ? undefined : peers,
  }
}

/**
 * Names of the peers that a Service's routes are handed to, sorted: those of the node that an advertisement does not
 * leave out, whether their sessions are up or not.
 */
export function peersOf(decision: BgpDecision, peers: Iterable<Pick<BgpPeer, 'name'>>): readonly string[] {
  if (decision.kind === 'silent') return []
  const names = [...peers].map(({ name }) => name)
  const isChosen = (name: string) =>
    decision.advertisements.some((each) => each.peers.length === 0 || each.peers.includes(name))
  return names.filter(isChosen).sort()
}
