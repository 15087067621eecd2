/** The answers of the commands that ask speakers. */
import type { FaultRow, InterfaceRow, KernelFacts, NodeRow, PortRow, SessionRow } from '../nodes.ts'
import type { PeerRow, PeerSession, Unanswered } from '../peers.ts'
import type { Probe, ProbeAnswer } from '../probe.ts'
import type { PeerRoutes, RouteRow } from '../routes.ts'
import type { AddressActivity, NodeActivity } from '../top/activity.ts'
import type { AddressLine, DecisionLine, Frame, SpeakerLine } from '../top/frame.ts'
import { either, flag, integer, list, number, object, oneOf, optional, text } from './shape.ts'

const UNANSWERED = list(object<Unanswered>({ node: text, because: text }))
export const SESSION = object<SessionRow>({ peer: text, state: text, because: optional(text) })

export const NODES = object<{ readonly nodes: readonly NodeRow[]; readonly unanswered: readonly Unanswered[] }>({
  nodes: list(
    object<NodeRow>({
      node: text,
      version: text,
      ready: flag,
      waitsFor: optional(text),
      alive: list(text),
      interfaces: list(object<InterfaceRow>({ name: text, mac: text, usable: flag, because: optional(text) })),
      uplinks: list(object<NodeRow['uplinks'][number]>({ interface: text, target: text, reachable: flag })),
      faults: list(object<FaultRow>({ code: text, message: text, at: text })),
      sessions: list(SESSION),
      kernel: object<KernelFacts>({
        links: list(
          object<KernelFacts['links'][number]>({
            name: text,
            rpFilter: integer,
            arpIgnore: integer,
            arpAnnounce: integer,
          }),
        ),
        forwards: flag,
        hasIpvs: flag,
        ports: list(
          object<PortRow>({
            purpose: text,
            protocol: oneOf(['tcp', 'udp']),
            port: integer,
            heldBy: oneOf(['us', 'others', 'nobody']),
          }),
        ),
      }),
    }),
  ),
  unanswered: UNANSWERED,
})

export const PROBE = object<Probe>({
  address: text,
  node: text,
  waitedMs: integer,
  answers: list(object<ProbeAnswer>({ interface: text, mac: text, afterMs: number })),
  reportedBy: optional(list(text)),
})

export const PEERS = object<{ readonly peers: readonly PeerRow[]; readonly unanswered: readonly Unanswered[] }>({
  peers: list(
    object<PeerRow>({
      node: text,
      peer: text,
      address: optional(text),
      port: integer,
      vrf: text,
      state: text,
      since: text,
      because: optional(text),
      notice: optional(text),
      session: optional(
        object<PeerSession>({
          kind: oneOf(['internal', 'external']),
          remoteAsn: integer,
          localIdentifier: text,
          remoteIdentifier: text,
          localAddress: text,
          holdTimeSeconds: number,
          keepaliveTimeSeconds: number,
          families: list(text),
          gracefulRestartSeconds: optional(integer),
        }),
      ),
      bfd: optional(object<NonNullable<PeerRow['bfd']>>({ state: text, because: optional(text) })),
      routes: optional(object<NonNullable<PeerRow['routes']>>({ announced: integer, wanted: integer })),
    }),
  ),
  unanswered: UNANSWERED,
})

export const ROUTES = object<{ readonly peers: readonly PeerRoutes[]; readonly unanswered: readonly Unanswered[] }>({
  peers: list(
    object<PeerRoutes>({
      node: text,
      peer: text,
      state: text,
      kind: optional(oneOf(['internal', 'external'])),
      routes: optional(
        list(
          object<RouteRow>({
            prefix: text,
            state: oneOf(['announced', 'pending', 'withdrawing', 'not-carried']),
            because: optional(text),
            localPreference: integer,
            communities: list(text),
            largeCommunities: list(text),
            advertisements: list(text),
          }),
        ),
      ),
    }),
  ),
  unanswered: UNANSWERED,
})

const FRAME = object<Frame>({
  at: text,
  speakers: list(
    object<SpeakerLine>({
      node: text,
      because: optional(text),
      addresses: integer,
      requestsPerSecond: number,
      answersPerSecond: number,
      ignoredPerSecond: number,
      sessions: list(SESSION),
    }),
  ),
  addresses: list(
    object<AddressLine>({
      address: text,
      services: list(text),
      nodes: list(text),
      requestsPerSecond: number,
      answersPerSecond: number,
    }),
  ),
  decisions: list(object<DecisionLine>({ at: text, object: text, reason: text, message: text })),
  notes: list(text),
})
const ACTIVITY = object<NodeActivity>({
  node: text,
  at: text,
  addressCount: integer,
  requestsPerSecond: number,
  answersPerSecond: number,
  addresses: list(
    object<AddressActivity>({
      address: text,
      requestsPerSecond: number,
      answersPerSecond: number,
      announcementsPerSecond: number,
    }),
  ),
  ignoredPerSecond: number,
  sessions: list(SESSION),
})
/** Of one line. */
export const TOP = either(FRAME, ACTIVITY)
