import type { Heartbeat, Segment } from './heartbeat.ts'
import { unseal } from './seal.ts'
import { type Ignored, newPeer, type Peer, type State, UNICAST } from './state.ts'

/**
 * Copies of one heartbeat come by several paths and not in step; one that lags further behind the newest is a
 * recording played on a path that has gone quiet.
 */
const PATH_LAG = 2n
/** An echo as old as this is still an answer to us, not a recording of an earlier talk. */
const ECHO_LAG = 10n

export type Received =
  | { readonly kind: 'ignored'; readonly because: Ignored }
  | {
      readonly kind: 'heard'
      readonly peer: Peer
      readonly isRestart: boolean
      /** What the sender published until now. */
      readonly segmentsBefore: readonly Segment[]
    }

/** Members beyond the configured ones that are remembered, so that the state is bounded. */
export const MAX_PROVISIONAL = 64

/** Verifies a datagram and records that its sender was heard. */
export function receive(state: State, bytes: Uint8Array, interfaceName: string | undefined, now: number): Received {
  if (state.keys.length === 0) return { kind: 'ignored', because: 'not-configured' }
  const unsealed = unseal(bytes, state.keys)
  if (unsealed.kind === 'refused') return { kind: 'ignored', because: unsealed.because }
  const { heartbeat } = unsealed
  if (heartbeat.node === state.options.node) return { kind: 'ignored', because: 'own' }
  const peer = state.peers.get(heartbeat.node) ?? meet(state, heartbeat.node)
  if (peer === undefined) return { kind: 'ignored', because: 'unknown-member' }
  const path = interfaceName ?? UNICAST
  const boot = judgeBoot(state, peer, heartbeat)
  if (boot === 'older') return { kind: 'ignored', because: 'older-boot' }
  if (boot === 'same' && isReplay(peer, heartbeat, path)) return { kind: 'ignored', because: 'replayed' }
  const segmentsBefore = peer.segments
  if (boot === 'newer') forget(peer)
  record(peer, heartbeat, path, now)
  return { kind: 'heard', peer, isRestart: boot === 'newer', segmentsBefore }
}

/**
 * Whoever has the key is a speaker, also if the list of members lags behind: were it not heard, two would answer until
 * the list has come. That it owns nothing which is not its own, the candidates see to.
 */
function meet(state: State, node: string): Peer | undefined {
  const provisional = [...state.peers.values()].filter(({ isProvisional }) => isProvisional)
  if (provisional.length >= MAX_PROVISIONAL) {
    const dead = provisional.find(({ isAlive }) => !isAlive)
    if (dead === undefined) return undefined
    state.peers.delete(dead.node)
  }
  const peer = { ...newPeer({ node, addresses: [] }), isProvisional: true }
  state.peers.set(node, peer)
  return peer
}

/**
 * A restarted speaker has a newer boot id, unless its clock was set back. Then only an echo of our own latest words
 * shows that it is there now: whoever plays a recording cannot know them.
 */
function judgeBoot(state: State, peer: Peer, { bootId, echo }: Heartbeat): 'same' | 'newer' | 'older' {
  if (bootId === peer.bootId) return 'same'
  if (peer.bootId === undefined || bootId > peer.bootId) return 'newer'
  const isFresh = echo !== undefined && echo.bootId === state.options.bootId && isRecent(echo.sequence, state.sequence)
  return isFresh && !peer.isAlive ? 'newer' : 'older'
}

function isRecent(sequence: bigint, ours: bigint): boolean {
  return sequence <= ours && sequence + ECHO_LAG >= ours
}

function isReplay(peer: Peer, { sequence }: Heartbeat, path: string): boolean {
  const last = peer.paths.get(path)?.sequence
  return sequence + PATH_LAG < peer.sequence || (last !== undefined && sequence <= last)
}

function forget(peer: Peer): void {
  peer.paths.clear()
  peer.sequence = 0n
}

function record(peer: Peer, heartbeat: Heartbeat, path: string, now: number): void {
  peer.bootId = heartbeat.bootId
  if (heartbeat.sequence >= peer.sequence) {
    peer.sequence = heartbeat.sequence
    peer.isLeaving = heartbeat.isLeaving
    peer.segments = heartbeat.segments
    peer.intervalMs = heartbeat.intervalMs
  }
  peer.paths.set(path, { sequence: heartbeat.sequence, heardAt: now })
  peer.heardAt = now
  if (path === UNICAST && heartbeat.cannotHearYou) peer.askedForUnicastAt = now
  if (path === UNICAST && heartbeat.isUrgent) peer.isWaiting = true
}
