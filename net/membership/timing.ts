import type { Peer, State } from './state.ts'

export const DEFAULT_MIN_INTERVAL_MS = 100
const INTERVAL_PER_MEMBER_MS = 2
/** What a sender may promise: neither a flood nor a death that is noticed after minutes. */
const SHORTEST_INTERVAL_MS = 20
const LONGEST_INTERVAL_MS = 10_000

/**
 * Three heartbeats missed and half an interval of lateness. Measured on two busy cores, gaps of 100 ms have a p99 of
 * 118 ms and a maximum of 142 ms, so that three in a row do not go missing by accident.
 */
const MISSED_INTERVALS = 3.5

/** Gap between our heartbeats: so that the segment carries at most 500 a second and interface, however many members. */
export function ownIntervalMs(state: State): number {
  const { minIntervalMs = DEFAULT_MIN_INTERVAL_MS } = state.options
  return Math.min(Math.max(minIntervalMs, INTERVAL_PER_MEMBER_MS * (state.peers.size + 1)), LONGEST_INTERVAL_MS)
}

/**
 * When a member that is not heard again counts as dead. Whoever judges compares with this very number: a difference
 * computed otherwise may round to the other side of it, and the timer would ring for ever.
 */
export function deathAt(peer: Peer): number {
  return peer.heardAt + detectionTimeMs(peer)
}

/** How long after its last heartbeat a member counts as dead. */
export function detectionTimeMs(peer: Peer): number {
  return promisedMs(peer) * MISSED_INTERVALS
}

function promisedMs(peer: Peer): number {
  return Math.min(Math.max(peer.intervalMs, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS)
}

/**
 * A member that has been silent for so many intervals is asked whether it is there, several times until it counts as
 * dead. Three lost heartbeats in a row are no rarity where a fifth of all packets are lost; three and every answer are.
 */
const SUSPECT_INTERVALS = 1.5
const URGENT_GAP_INTERVALS = 0.2

/**
 * When a member that is not heard again is to be asked urgently next. The timer is armed by this very function, so that
 * it never rings for something that is not done then.
 */
export function nextUrgentAt(state: State, peer: Peer): number {
  if (!peer.isAlive || state.leaving !== undefined || state.keys.length === 0) return Number.POSITIVE_INFINITY
  const intervalMs = promisedMs(peer)
  const suspectAt = peer.heardAt + SUSPECT_INTERVALS * intervalMs
  return Math.max(suspectAt, peer.askedUrgentlyAt + URGENT_GAP_INTERVALS * intervalMs, state.judgeNotBefore)
}

/** How long we listen before we believe that who was not heard is not there. */
export function listeningTimeMs(state: State): number {
  return ownIntervalMs(state) * MISSED_INTERVALS
}

/** Our own heartbeat is overdue by so many intervals: the others are about to bury us, or have done so. */
const STALE_INTERVALS = 2

/**
 * Whether we have stood still for so long that others may answer for our addresses by now, and this machine has not
 * noticed yet: then it is to be stepped (a `timer` event will do) before the machine that owns addresses is, or that
 * one would carry out what it had planned before.
 */
export function isStale(state: State, now: number): boolean {
  if (state.nextSendAt === undefined || state.peers.size === 0) return false
  return now >= state.nextSendAt + STALE_INTERVALS * ownIntervalMs(state)
}

/** Whether we have been silent for so long that the others took us for dead, if they heard our last words. */
export function mayBeBuried(state: State, now: number): boolean {
  if (state.nextSendAt === undefined) return false
  return now >= state.nextSendAt + (MISSED_INTERVALS - 1) * ownIntervalMs(state)
}

/** Whether the timer that was armed last should have rung: then it goes before everything else. */
export function isDue({ armedAt }: State, now: number): boolean {
  return armedAt !== undefined && now >= armedAt
}

/**
 * Whether this node may answer for addresses now: false from the moment on at which it may have been given up by the
 * others until it has listened to them again. A process that stood still finds questions waiting in its sockets, and
 * asks here before it answers any of them: those are to be dropped, not kept. Two comparisons, no step needed.
 */
export function mayAnswer(state: State, now: number): boolean {
  return state.catchingUpUntil === undefined && !isStale(state, now)
}

export function hearsOn(peer: Peer, path: string, now: number): boolean {
  const heardAt = peer.paths.get(path)?.heardAt
  return heardAt !== undefined && now - heardAt < detectionTimeMs(peer)
}

/** That many heartbeats at once keep a question waiting for less than half a millisecond. */
const MOST_IN_STEP = 10
/** However two of them begin, one is due within half an interval of the other. */
const STEP_INTERVALS = 0.5

/**
 * Whether our heartbeat, not yet due, goes out together with the one that was just heard. Few members keep in step so: on
 * a machine at rest waking up is nearly all that a heartbeat costs, and each of them wakes up all the others. Whose is
 * due first leads; the gap that was promised only gets shorter, and only until all are in step.
 */
export function goesAlong(state: State, now: number): boolean {
  if (state.nextSendAt === undefined || state.leaving !== undefined || state.peers.size >= MOST_IN_STEP) return false
  return state.nextSendAt - now <= STEP_INTERVALS * ownIntervalMs(state)
}
