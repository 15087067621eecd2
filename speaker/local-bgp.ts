/** What the local socket says about BGP: `invarctl peers` and `invarctl routes` read it. */
import type { ObservedPeer, ObservedRoute, PeerCounters } from './wire/messages.ts'

/** A peer of this node and how much of what it should have it has. */
export interface LocalPeer extends ObservedPeer {
  /** undefined = the wire thread does not answer. */
  readonly routes: { readonly announced: number; readonly wanted: number } | undefined
}

/** What one peer has been told. */
export interface LocalRoutes {
  readonly name: string
  readonly state: ObservedPeer['state']
  /** External peers are not told the local preference. */
  readonly kind: 'internal' | 'external' | undefined
  /** In no order; undefined = there is no session, or the wire thread does not answer. */
  readonly routes: readonly ObservedRoute[] | undefined
}

export interface LocalBgpSource {
  readonly peers: () => Iterable<ObservedPeer>
  /** undefined = no answer in time. */
  readonly readCounters: () => Promise<{ readonly peers: readonly PeerCounters[] } | undefined>
  readonly readRoutes: (peer: string) => Promise<{ readonly routes: readonly ObservedRoute[] | undefined } | undefined>
}

/** By name. */
export async function localPeers({ peers, readCounters }: LocalBgpSource): Promise<readonly LocalPeer[]> {
  const counters = new Map((await readCounters())?.peers.map((one) => [one.name, one]))
  return sorted(peers()).map((peer) => {
    const counted = counters.get(peer.name)
    const routes = counted && { announced: counted.announcedPrefixes, wanted: counted.wantedPrefixes }
    return { ...peer, routes }
  })
}

/** @param name undefined = all peers; [] where there is no such peer */
export async function localRoutes(source: LocalBgpSource, name: string | undefined): Promise<readonly LocalRoutes[]> {
  const found: LocalRoutes[] = []
  // One after the other: what waits to be sent to the asker stays small.
  for (const peer of sorted(source.peers())) {
    if (name !== undefined && peer.name !== name) continue
    const routes = (await source.readRoutes(peer.name))?.routes
    found.push({ name: peer.name, state: peer.state, kind: peer.session?.kind, routes })
  }
  return found
}

function sorted(peers: Iterable<ObservedPeer>): readonly ObservedPeer[] {
  return [...peers].sort((a, b) => (a.name < b.name ? -1 : 1))
}
