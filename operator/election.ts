/**
 * Who may write: an election by a coordination.k8s.io/v1 Lease, as a pure step. The rules are those of client-go's
 * leader election (a record that has not changed for its whole duration, by our own clock, is free), so that it may
 * share a Lease with one; what is added is that a leader knows until when it can prove to be one.
 *
 * Why no two are leaders at once: a renewal is stored after its request began, at `startedAt`. Nobody else takes the
 * lease before having seen it unchanged for `leaseDurationMs`, hence not before `startedAt + leaseDurationMs`. The
 * leader stops at `startedAt + renewDeadlineMs`, which is earlier; the difference is for writes that are on their way.
 * No wall clock takes part, and neither clock has to agree with the other's: only their rates must.
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
  /** Present while leader. */
  readonly validUntil: number | undefined
}

export type ElectionEvent =
  | { readonly kind: 'tick' }
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
  | { readonly kind: 'elected' }
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
  return { identity, timing, seen: undefined, validUntil: undefined }
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
  if (event.kind === 'read') return stepRead(election, event.lease, now)
  if (event.kind === 'written') return stepWritten(election, event.lease, event.startedAt, now)
  if (event.kind === 'refused') return { election, actions: [{ kind: 'read' }] }
  return { election, actions: [{ kind: 'tick-after', delayMs: election.timing.retryPeriodMs }] }
}

function stepTick(election: Election): ElectionStep {
  const isRenewal = election.validUntil !== undefined && election.seen !== undefined
  return { election, actions: [isRenewal ? claim(election, election.seen.lease) : { kind: 'read' }] }
}

function stepRead(before: Election, lease: Lease | undefined, now: number): ElectionStep {
  if (lease === undefined) return { election: { ...before, seen: undefined }, actions: [claim(before, undefined)] }
  const isUnchanged = before.seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion
  const seen = { lease, since: isUnchanged ? before.seen!.since : now }
  const election = { ...before, seen }
  const holder = lease.spec?.holderIdentity ?? ''
  if (holder === election.identity || holder === '') return { election, actions: [claim(election, lease)] }
  const deposed = { kind: 'deposed', because: `${holder} holds the lease` } as const
  const actions: readonly ElectionAction[] = election.validUntil === undefined ? [] : [deposed]
  const follower = { ...election, validUntil: undefined }
  const freeAfterMs = seen.since + durationOf(lease, election.timing) - now
  if (freeAfterMs <= 0) return { election: follower, actions: [...actions, claim(follower, lease)] }
  const delayMs = Math.min(election.timing.retryPeriodMs, freeAfterMs)
  return { election: follower, actions: [...actions, { kind: 'tick-after', delayMs }] }
}

function stepWritten(before: Election, lease: Lease, startedAt: number, now: number): ElectionStep {
  const validUntil = startedAt + before.timing.renewDeadlineMs
  const seen = { lease, since: now }
  // The answer was so long on its way that what it grants is over: claim again.
  if (now >= validUntil) return { election: { ...before, seen }, actions: [{ kind: 'tick-after', delayMs: 0 }] }
  const elected: readonly ElectionAction[] = before.validUntil === undefined ? [{ kind: 'elected' }] : []
  const next = { kind: 'tick-after', delayMs: before.timing.retryPeriodMs } as const
  return { election: { ...before, seen, validUntil }, actions: [...elected, next] }
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
