/** What the main thread is told of peers. */
import type { AdjRibOut, Negotiated, RouteReport } from '../../../net/bgp/index.ts'
import { formatAddress, formatPrefix } from '../../../net/ip/index.ts'
import type {
  BfdCounters,
  ObservedBfd,
  ObservedPeer,
  ObservedRoute,
  ObservedSession,
  PeerCounters,
} from '../messages.ts'
import type { PeerSession } from './peer-session.ts'

/** A session in force. */
export interface Standing {
  readonly negotiated: Negotiated
  readonly localAddress: string
  readonly localIdentifier: number
}

export function observe(session: PeerSession, bfd: ObservedBfd | undefined): ObservedPeer {
  const { name, desired, place, state, sinceMs, because, notice, standing } = session
  return {
    ...{ name, state, sinceMs, because, notice, bfd },
    address: place && formatAddress(place.address),
    port: desired.port,
    vrf: desired.device ?? '',
    session: standing && observeStanding(standing),
  }
}

function observeStanding({ negotiated, localAddress, localIdentifier }: Standing): ObservedSession {
  const { kind, remoteAsn, remoteIdentifier, holdTimeSeconds, keepaliveTimeSeconds, families, gracefulRestart } =
    negotiated
  return {
    ...{ kind, remoteAsn, localAddress, holdTimeSeconds, keepaliveTimeSeconds },
    localIdentifier: formatIdentifier(localIdentifier),
    remoteIdentifier: formatIdentifier(remoteIdentifier),
    families: [...families],
    gracefulRestartSeconds: gracefulRestart?.restartTimeSeconds,
  }
}

function formatIdentifier(identifier: number): string {
  return formatAddress({ family: 4, bits: BigInt(identifier) })
}

export function countersOf(session: PeerSession, rib: AdjRibOut, bfd: BfdCounters | undefined): PeerCounters {
  const { name, desired, place, counts, standing } = session
  const { announced, wanted } = rib.figures(name)
  return {
    name,
    address: place && formatAddress(place.address),
    port: desired.port,
    vrf: desired.device ?? '',
    isEstablished: standing !== undefined,
    announcedPrefixes: announced,
    wantedPrefixes: wanted,
    receivedPrefixes: counts.receivedPrefixes,
    sent: { ...counts.sent },
    received: { ...counts.received },
    bfd,
  }
}

export function observeRoute(route: RouteReport): ObservedRoute {
  return { ...route, prefix: formatPrefix(route.prefix) }
}
