/** `invarctl routes`: what each BGP peer of each node has been told (Adj-RIB-Out), and on whose behalf. Pure. */
import { formatCommunity } from '../core/config/index.ts'
import { compareAddresses, type Prefix, parsePrefix } from '../net/ip/index.ts'
import { type Unanswered, unansweredLines } from './peers.ts'
import { type Report, type TextStyle, table } from './report.ts'

export interface RouteRow {
  readonly prefix: string
  /** `announced`; `pending` and `withdrawing`: the peer reads slowly; `not-carried`: the session has no room for it. */
  readonly state: 'announced' | 'pending' | 'withdrawing' | 'not-carried'
  /** Why it is not carried. */
  readonly because?: string
  /** Told to internal peers only. */
  readonly localPreference: number
  /** `64512:100`, or the registered name. */
  readonly communities: readonly string[]
  /** `64512:1:2`. */
  readonly largeCommunities: readonly string[]
  /** Names of the BGPAdvertisements that the route comes from. */
  readonly advertisements: readonly string[]
}

export interface PeerRoutes {
  readonly node: string
  readonly peer: string
  readonly state: string
  /** While Established. */
  readonly kind?: 'internal' | 'external'
  /** By prefix; absent = there is no session. */
  readonly routes?: readonly RouteRow[]
}

/** As a speaker tells it. */
export interface ToldRoutes {
  readonly name: string
  readonly state: string
  readonly kind?: 'internal' | 'external'
  readonly routes?: readonly ToldRoute[]
}

export type ToldRoute = Omit<RouteRow, 'communities' | 'largeCommunities'> & {
  readonly communities: readonly number[]
  readonly largeCommunities: readonly (readonly number[])[]
}

export function peerRoutes(node: string, { name, routes, ...rest }: ToldRoutes): PeerRoutes {
  return { node, peer: name, ...rest, ...(routes && { routes: byPrefix(routes).map(routeRow) }) }
}

function routeRow({ communities, largeCommunities, ...rest }: ToldRoute): RouteRow {
  return {
    ...rest,
    communities: communities.map(formatCommunity),
    largeCommunities: largeCommunities.map((community) => community.join(':')),
  }
}

function byPrefix(routes: readonly ToldRoute[]): readonly ToldRoute[] {
  const parsed = routes.map((route) => ({ route, prefix: parsePrefix(route.prefix)! }))
  return parsed.sort((a, b) => comparePrefixes(a.prefix, b.prefix)).map(({ route }) => route)
}

function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(a, b) || a.length - b.length
}

export function routesReport(peers: readonly PeerRoutes[], unanswered: readonly Unanswered[]): Report {
  const isWell = unanswered.length === 0 && peers.every(({ routes }) => routes !== undefined)
  return {
    value: { peers, unanswered },
    text: (style) => `${textOf(peers, style)}${unansweredLines(unanswered, style)}`,
    exitCode: isWell ? 0 : 1,
  }
}

const HEADINGS = ['NODE', 'PEER', 'PREFIX', 'STATE', 'LOCAL-PREF', 'COMMUNITIES', 'ADVERTISEMENTS', 'BECAUSE']

function textOf(peers: readonly PeerRoutes[], { paint }: TextStyle): string {
  const rows = peers.flatMap((peer) => (peer.routes ?? []).map((route) => cellsOf(peer, route)))
  const silent = peers.filter(({ routes }) => routes === undefined)
  const lines = silent.map(({ node, peer, state }) =>
    paint('bad', `${node} has no session with ${peer} (${state}): invarctl peers says why\n`),
  )
  const routes = rows.length === 0 ? 'No peer has been told of a route.\n' : table(HEADINGS, rows)
  return `${routes}${lines.join('')}`
}

function cellsOf({ node, peer, kind }: PeerRoutes, route: RouteRow): readonly string[] {
  const { prefix, state, localPreference, communities, largeCommunities, advertisements, because } = route
  const preference = kind === 'internal' ? String(localPreference) : '-'
  const tags = [...communities, ...largeCommunities].join(',') || '-'
  return [node, peer, prefix, state, preference, tags, advertisements.join(',') || '-', because ?? '']
}
