/** Others that use an address which this node answers for, or is about to: members, and strangers. */

import { lookNow } from './backlog.ts'
import { outranks } from './elect.ts'
import { burstOn, release, startBurst } from './hold.ts'
import { leaveTo } from './keeper.ts'
import type { Event } from './node.ts'
import { takeAsInUse } from './probe.ts'
import { contestOf, endRivalry, resettle } from './settle.ts'
import type { Address, Turn } from './state.ts'

/** RFC 5227 section 2.4 (b): an address is defended at most this often, never fought over. */
export const DEFEND_INTERVAL_MS = 10_000
/** A burst younger than this answers a member's claim already. */
const FRESH_BURST_MS = 1000
/** How long a member that is not heard by heartbeat keeps what it was seen announcing; doubles each time. */
const FIRST_PATIENCE_MS = 5000
const LAST_PATIENCE_MS = 60_000

type Claim = Extract<Event, { kind: 'claim' }>

export function takeClaim(turn: Turn, claim: Claim): void {
  const { state } = turn
  const address = state.addresses.get(claim.ip)
  if (address === undefined || address.wants.length === 0) return
  lookNow(turn, address)
  const { phase } = address
  if (phase.kind === 'idle' || !phase.interfaces.includes(claim.interface)) return
  const { nodeOfMac } = state.members
  const member = nodeOfMac?.get(claim.mac)
  if (phase.kind === 'handing-over') {
    if (!claim.isProbe && (nodeOfMac === undefined || isSuccessor(turn, address, member))) cease(turn, address)
  } else if (phase.kind === 'holding') {
    if (member === undefined) answerStranger(turn, address, claim)
    else answerMember(turn, address, claim, member)
  } else if (member !== undefined) {
    if (!claim.isProbe) hearAnnounced(turn, address, member)
  } else if (phase.kind === 'probing') {
    // One who asks at the same time is about to take it, too: RFC 5227 section 2.1.1.
    takeAsInUse(turn, address, claim.mac, claim.interface)
    resettle(turn, [address])
  }
}

/** What a losing node waits for. Whoever else outranks us will do: views differ for a moment. */
function isSuccessor({ state }: Turn, address: Address, member: string | undefined): boolean {
  if (member === undefined || address.phase.kind !== 'handing-over') return false
  return member === address.phase.to || outranks(contestOf(address), member, state.options.node)
}

function cease(turn: Turn, address: Address): void {
  release(turn, address)
  resettle(turn, [address])
}

/**
 * A member that we outrank will give way as soon as it sees what we see, and the last word must be ours; one that asks
 * who has the address is about to give it to us. One that outranks us, and is not heard by heartbeat, has it.
 */
function answerMember(turn: Turn, address: Address, claim: Claim, member: string): void {
  if (!claim.isProbe && isRival(turn, address, member)) {
    yieldTo(turn, address, member)
    cease(turn, address)
    return
  }
  const startedAt = burstOn(address, claim.interface)?.startedAt ?? Number.NEGATIVE_INFINITY
  if (turn.now - startedAt >= FRESH_BURST_MS) startBurst(turn, address, claim.interface)
}

function isRival({ state }: Turn, address: Address, member: string): boolean {
  return state.members.silent?.has(member) === true && outranks(contestOf(address), member, state.options.node)
}

/** Lets the rival have the address for a while; then the segment is asked before we take it. */
function yieldTo({ state, now }: Turn, address: Address, node: string): void {
  const { rival } = address
  const patienceMs = rival?.node === node ? Math.min(rival.patienceMs * 2, LAST_PATIENCE_MS) : FIRST_PATIENCE_MS
  endRivalry(address)
  const silent = state.deadlines.add(now + patienceMs, { address, what: 'rival-silent' })
  address.rival = { node, patienceMs, silent }
  address.doubt = 'rival'
}

/** The rival has not been seen for a while: elected again, this node asks the segment. */
export function endPatience(turn: Turn, address: Address): void {
  if (address.rival === undefined) return
  address.rival = { ...address.rival, silent: undefined }
  resettle(turn, [address])
}

/** A member announces an address that we doubted: it is no stranger's. */
function hearAnnounced(turn: Turn, address: Address, member: string): void {
  if (isRival(turn, address, member)) {
    if (address.rival?.node !== member || address.rival.silent === undefined) yieldTo(turn, address, member)
  } else {
    endRivalry(address)
    if (address.doubt === 'outdated') leaveTo(turn, address, member)
    address.doubt = undefined
  }
  resettle(turn, [address])
}

function answerStranger(turn: Turn, address: Address, { mac, interface: name, isProbe }: Claim): void {
  // It only asks; our answer tells it, and it goes elsewhere.
  if (isProbe) return
  const { state, now, actions } = turn
  const known = address.conflict
  address.conflict ??= { reportedAt: Number.NEGATIVE_INFINITY, seenAt: now, over: undefined }
  address.conflict.seenAt = now
  if (known === undefined) awaitConflictOver(turn, address, now + state.options.conflictOverMs)
  if (now - address.conflict.reportedAt < DEFEND_INTERVAL_MS) return
  address.conflict.reportedAt = now
  actions.push({ kind: 'conflict', ip: address.ip, interface: name, mac, phase: 'announcing' })
  actions.push({ kind: 'announce', ip: address.ip, interface: name })
}

function awaitConflictOver({ state }: Turn, address: Address, at: number): void {
  address.conflict!.over = state.deadlines.add(at, { address, what: 'conflict-over' })
}

/** The time is over, unless the stranger was seen again meanwhile: then it runs from there. */
export function checkConflict(turn: Turn, address: Address): void {
  const { conflict } = address
  if (conflict === undefined) return
  const overAt = conflict.seenAt + turn.state.options.conflictOverMs
  if (turn.now < overAt) {
    awaitConflictOver(turn, address, overAt)
    return
  }
  conflict.over = undefined
  address.conflict = undefined
  turn.actions.push({ kind: 'conflict-over', ip: address.ip })
}
