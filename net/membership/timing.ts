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
  const promised = Math.min(Math.max(peer.intervalMs, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS)
  return promised * MISSED_INTERVALS
}

/** How long we listen before we believe that who was not heard is not there. */
export function listeningTimeMs(state: State): number {
  return ownIntervalMs(state) * MISSED_INTERVALS
}

export function hearsOn(peer: Peer, path: string, now: number): boolean {
  const heardAt = peer.paths.get(path)?.heardAt
  return heardAt !== undefined && now - heardAt < detectionTimeMs(peer)
}
