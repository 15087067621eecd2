/** `invarctl status`: the health of the whole installation at one moment. Pure. */
import { compile, type Problem } from '../core/config/index.ts'
import type { ConfigurationState } from '../crds/index.ts'
import type { AnnouncedCluster } from './announced-cluster.ts'
import { type Installation, imageTagOf, isReady, type PodShape, restartsOf, whyNotReady } from './installation.ts'
import { isBlocking } from './lint-report.ts'
import { type NodeRow, type SessionRow, usableNames } from './nodes.ts'
import type { Unanswered } from './peers.ts'
import { type PoolRow, poolRows } from './pools.ts'
import { type SilentService, silentServices, type WaitingService, waitingServices } from './silent-services.ts'

/** Everything that is read for it. */
export interface OverviewFacts {
  readonly cluster: AnnouncedCluster
  readonly installation: Installation
  readonly states: readonly ConfigurationState[]
  readonly nodes: readonly NodeRow[]
  readonly unanswered: readonly Unanswered[]
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

export interface Overview {
  readonly namespace: string
  readonly healthy: boolean
  readonly controllers: readonly ProgramRow[]
  /** Pod that leads the others; absent = none does, or that cannot be seen. */
  readonly leader?: string
  readonly speakers: readonly SpeakerRow[]
  /** Nodes without a speaker. */
  readonly nodesWithout: readonly string[]
  readonly pools: readonly PoolRow[]
  readonly services: {
    /** That have an address. */
    readonly served: number
    readonly waiting: readonly WaitingService[]
    readonly silent: readonly SilentService[]
  }
  /** Of the configuration: what is not in force, or waits. */
  readonly problems: readonly Problem[]
  /** What programs report beyond these. */
  readonly reported: readonly { readonly by: string; readonly message: string }[]
  readonly conflicts: readonly { readonly service: string; readonly address: string; readonly because: string }[]
}

export interface ProgramRow {
  readonly pod: string
  readonly node: string
  readonly ready: boolean
  readonly restarts: number
  /** Absent where neither the program nor its image says it. */
  readonly version?: string
  /** Why it is not ready. */
  readonly because?: string
}

export interface SpeakerRow extends ProgramRow {
  /** Absent = it did not answer. */
  readonly links?: readonly string[]
  readonly hears?: readonly string[]
  readonly sessions?: readonly SessionRow[]
}

export function overviewOf(facts: OverviewFacts): Overview {
  const { cluster, installation } = facts
  const { state } = cluster
  const problems = compile(state.resources).problems.filter(isBlocking)
  const leader = leaderOf(facts)
  const overview: Omit<Overview, 'healthy'> = {
    namespace: installation.namespace,
    controllers: installation.controllers.map((pod) => programRow(pod)),
    ...(leader === undefined ? {} : { leader }),
    speakers: installation.speakers.map((pod) => speakerRow(pod, facts)),
    nodesWithout: state.nodes.map(({ name }) => name).filter((name) => !hasSpeaker(installation, name)),
    pools: poolRows(state),
    services: {
      served: state.services.filter(
        (one) => isLoadBalancer(one) && (one.status?.loadBalancer?.ingress ?? []).length > 0,
      ).length,
      waiting: waitingServices(state),
      silent: silentServices(cluster),
    },
    problems,
    reported: problems.length > 0 ? [] : facts.states.flatMap(reportedBy),
    conflicts: [...cluster.conflicts].flatMap(([service, conflicts]) => {
      return conflicts.map(({ address, because }) => ({ service, address, because }))
    }),
  }
  return { ...overview, healthy: isHealthy(overview) }
}

function isLoadBalancer({ spec }: { readonly spec?: { readonly type?: string } }): boolean {
  return spec?.type === 'LoadBalancer'
}

function hasSpeaker({ speakers }: Installation, node: string): boolean {
  return speakers.some(({ spec }) => spec?.nodeName === node)
}

/** A holder that has not renewed for so many terms of the lease leads no more; clocks differ. */
const TERMS = 3

/** The Pod that leads; undefined = none does, or that cannot be seen. */
export function leaderOf({ installation, nowMs }: Pick<OverviewFacts, 'installation' | 'nowMs'>): string | undefined {
  const { lease } = installation
  if (lease === undefined) return undefined
  const silentMs = nowMs - Date.parse(lease.renewedAt)
  // The Pod's name stands before the underscore, which no name of a Pod has.
  return silentMs > TERMS * lease.durationSeconds * 1_000 ? undefined : lease.holder.split('_')[0]
}

function programRow(pod: PodShape, version = imageTagOf(pod)): ProgramRow {
  const because = whyNotReady(pod)
  return {
    ...{ pod: pod.metadata.name, node: pod.spec?.nodeName ?? '', ready: isReady(pod), restarts: restartsOf(pod) },
    ...(version === undefined ? {} : { version }),
    ...(because === undefined ? {} : { because }),
  }
}

function speakerRow(pod: PodShape, { nodes, unanswered }: OverviewFacts): SpeakerRow {
  const told = nodes.find(({ node }) => node === pod.spec?.nodeName)
  const row = programRow(pod, told?.version)
  if (told !== undefined) {
    const { ready, waitsFor, alive, sessions } = told
    const because = waitsFor ?? row.because
    const standing = { ...row, ready: ready && row.ready, links: usableNames(told), hears: alive, sessions }
    return because === undefined ? standing : { ...standing, because }
  }
  const silence = unanswered.find(({ node }) => node === row.node)?.because
  return row.because === undefined && silence !== undefined ? { ...row, because: silence } : row
}

function reportedBy({ metadata, status }: ConfigurationState): Overview['reported'] {
  if (status?.result !== 'Invalid') return []
  return [{ by: metadata?.name ?? '', message: status.errorSummary ?? '' }]
}

/** A Service without endpoints is not announced on purpose. */
export function isWrong({ reason }: SilentService): boolean {
  return reason !== 'noEndpoints'
}

function isHealthy({
  controllers,
  speakers,
  services,
  problems,
  reported,
  conflicts,
}: Omit<Overview, 'healthy'>): boolean {
  const areUp = controllers.some(({ ready }) => ready) && speakers.length > 0 && speakers.every(isWell)
  const areServed = services.waiting.length === 0 && !services.silent.some(isWrong)
  return areUp && areServed && problems.length === 0 && reported.length === 0 && conflicts.length === 0
}

/** It works, tells so, has a link, and all its sessions are up. */
export function isWell({ ready, links, sessions = [] }: SpeakerRow): boolean {
  return ready && links !== undefined && links.length > 0 && sessions.every(({ state }) => state === 'Established')
}
