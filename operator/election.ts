/**
 * Who may write: an election by a coordination.k8s.io/v1 Lease, as a pure step. The rules are those of client-go's
 * leader election (a record that has not changed for its whole duration, by our own clock, is free), so that it may
 * share a Lease with one; what is added is that a leader knows until when it can prove to be one.
 *
 * Why no two are leaders at once: a renewal is stored after its request began, at `startedAt`. Nobody else takes the
 * lease before having seen it unchanged for `leaseDurationMs`, hence not before `startedAt + leaseDurationMs`. The
 * leader stops at `startedAt + renewDeadlineMs`, which is earlier; the difference is for writes that are on their way.
 * No wall clock takes part, and neither clock has to agree with the other's: only their rates must.
 *
 * What a new leader has to know of the one before it: everything that it wrote. A read that shows the Lease vacant
 * (there is none, it was given back, it was not renewed for its duration) is answered when no leader can show to be one
 * any more. The claim replaces exactly the version that was read, so nobody has been leader in between. Whatever was
 * asked of the API server after that answer, `vacantSince`, therefore shows all that earlier leaders wrote: a list that
 * began then need not be repeated, however long before the claim it was.
 */
import type { Lease } from './resources.ts'

export interface LeaseTiming {
  /** How long others wait before they take a lease that is not renewed. Default 15 s. */
  readonly leaseDurationMs: number
  /** How long a leader may write after it began the last renewal that was accepted. Default 10 s. */
  readonly renewDeadlineMs: number
  /** Between renewals, and between looks at another's lease. Default 2 s. */
  readonly retryPeriodMs: number
}

export const DEFAULT_LEASE_TIMING: LeaseTiming = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
}

/** One candidate's view. Times are of the candidate's monotonic clock. */
export interface Election {
  readonly identity: string
  readonly timing: LeaseTiming
  /** The record that was read or written last, and since when it has been seen unchanged. */
  readonly seen: { readonly lease: Lease; readonly since: number } | undefined
  /** When the read was answered that showed `seen` (undefined: its absence) to be held by nobody; until it is claimed. */
  readonly vacantSince: number | undefined
  /** Present while leader. */
  readonly validUntil: number | undefined
}

export type ElectionEvent =
  | { readonly kind: 'tick' }
  /** What a read showed that was made before standing for election: remembered, and claimed by the next tick. */
  | { readonly kind: 'looked'; readonly lease: Lease | undefined }
  /** undefined: there is no such Lease. */
  | { readonly kind: 'read'; readonly lease: Lease | undefined }
  | { readonly kind: 'written'; readonly lease: Lease; readonly startedAt: number }
  /** Somebody else wrote first. */
  | { readonly kind: 'refused' }
  /** No answer, or none that tells anything. */
  | { readonly kind: 'failed' }

export type ElectionAction =
  | { readonly kind: 'read' }
  /** Create the Lease where `replaces` is undefined; else replace exactly this version of it. */
  | { readonly kind: 'write'; readonly spec: LeaseSpec; readonly replaces: Lease | undefined }
  | { readonly kind: 'tick-after'; readonly delayMs: number }
  /** Whatever is asked after `vacantSince` shows all that earlier leaders wrote; see above. */
  | { readonly kind: 'elected'; readonly vacantSince: number }
  | { readonly kind: 'deposed'; readonly because: string }

/** The Lease's spec but for the times, which need a wall clock. */
export interface LeaseSpec {
  readonly holderIdentity: string
  readonly leaseDurationSeconds: number
  readonly leaseTransitions: number
  /** Whether this is the beginning of a term. */
  readonly isNewTerm: boolean
}

export interface ElectionStep {
  readonly election: Election
  readonly actions: readonly ElectionAction[]
}

export function newElection(identity: string, timing: LeaseTiming): Election {
  if (timing.renewDeadlineMs >= timing.leaseDurationMs || timing.retryPeriodMs >= timing.renewDeadlineMs) {
    throw new Error('a lease needs retry period < renew deadline < lease duration')
  }
  return { identity, timing, seen: undefined, vacantSince: undefined, validUntil: undefined }
}

/** Whether this candidate can show at `now` that it is the leader. */
export function isValidLeader(election: Election, now: number): boolean {
  return election.validUntil !== undefined && now < election.validUntil
}

export function stepElection(election: Election, event: ElectionEvent, now: number): ElectionStep {
  // First of all, whatever the event is: what cannot be proven any more is over.
  if (election.validUntil !== undefined && now >= election.validUntil) {
    const followed = stepElection({ ...election, validUntil: undefined }, event, now)
    const deposed = { kind: 'deposed', because: 'the lease could not be renewed in time' } as const
    return { election: followed.election, actions: [deposed, ...followed.actions] }
  }
  if (event.kind === 'tick') return stepTick(election)
  if (event.kind === 'looked') return { election: observe(election, event.lease, now), actions: [] }
  if (event.kind === 'read') return stepRead(election, event.lease, now)
  if (event.kind === 'written') return stepWritten(election, event.lease, event.startedAt, now)
  // Whether the claim was stored is not known: what was vacant has to be looked at again.
  const unsure = { ...election, vacantSince: undefined }
  if (event.kind === 'refused') return { election: unsure, actions: [{ kind: 'read' }] }
  return { election: unsure, actions: [{ kind: 'tick-after', delayMs: election.timing.retryPeriodMs }] }
}

function stepTick(election: Election): ElectionStep {
  const isRenewal = election.validUntil !== undefined && election.seen !== undefined
  const isVacant = election.vacantSince !== undefined
  return { election, actions: [isRenewal || isVacant ? claim(election, election.seen?.lease) : { kind: 'read' }] }
}

/** What a read shows: who holds the Lease, or since when nobody does. */
function observe(before: Election, lease: Lease | undefined, now: number): Election {
  if (lease === undefined) {
    // Somebody deleted it under its holder, who goes on writing until it notices or its time is over.
    if (!isVacant(before, now)) return { ...before, vacantSince: undefined }
    return { ...before, seen: undefined, vacantSince: now }
  }
  const isUnchanged = before.seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion
  const election = { ...before, seen: { lease, since: isUnchanged ? before.seen!.since : now } }
  return { ...election, vacantSince: isVacant(election, now) ? now : undefined }
}

function stepRead(before: Election, lease: Lease | undefined, now: number): ElectionStep {
  const election = observe(before, lease, now)
  if (election.vacantSince !== undefined) return { election, actions: [claim(election, election.seen?.lease)] }
  const { lease: held, since } = election.seen!
  const deposed = { kind: 'deposed', because: `${held.spec?.holderIdentity} holds the lease` } as const
  const actions: readonly ElectionAction[] = election.validUntil === undefined ? [] : [deposed]
  const freeAfterMs = since + durationOf(held, election.timing) - now
  const delayMs = Math.min(election.timing.retryPeriodMs, freeAfterMs)
  const follower = { ...election, validUntil: undefined }
  return { election: follower, actions: [...actions, { kind: 'tick-after', delayMs }] }
}

/** Whether nobody else can show to be leader by the Lease that was seen. */
function isVacant({ seen, identity, timing }: Election, now: number): boolean {
  const holder = seen?.lease.spec?.holderIdentity ?? ''
  if (seen === undefined || holder === '' || holder === identity) return true
  return now - seen.since >= durationOf(seen.lease, timing)
}

function stepWritten(before: Election, lease: Lease, startedAt: number, now: number): ElectionStep {
  const validUntil = startedAt + before.timing.renewDeadlineMs
  const seen = { lease, since: now }
  const written = { ...before, seen, vacantSince: undefined }
  // The answer was so long on its way that what it grants is over: claim again.
  if (now >= validUntil) return { election: written, actions: [{ kind: 'tick-after', delayMs: 0 }] }
  const elected: readonly ElectionAction[] =
    before.validUntil === undefined ? [{ kind: 'elected', vacantSince: before.vacantSince ?? now }] : []
  const next = { kind: 'tick-after', delayMs: before.timing.retryPeriodMs } as const
  return { election: { ...written, validUntil }, actions: [...elected, next] }
}

/** The holder may have promised to renew less often than we do. */
function durationOf(lease: Lease, timing: LeaseTiming): number {
  return Math.max(timing.leaseDurationMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1000)
}

function claim(election: Election, lease: Lease | undefined): ElectionAction {
  const isNewTerm = election.validUntil === undefined
  const transitions = lease?.spec?.leaseTransitions ?? 0
  const changesHands = lease !== undefined && lease.spec?.holderIdentity !== election.identity
  return {
    kind: 'write',
    replaces: lease,
    spec: {
      holderIdentity: election.identity,
      leaseDurationSeconds: Math.ceil(election.timing.leaseDurationMs / 1000),
      leaseTransitions: changesHands ? transitions + 1 : transitions,
      isNewTerm,
    },
  }
}
