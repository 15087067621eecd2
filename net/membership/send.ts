import { type Heartbeat, MAX_SEGMENTS, type Segment } from './heartbeat.ts'
import { seal } from './seal.ts'
import { type Action, type Peer, type State, UNICAST } from './state.ts'
import { detectionTimeMs, hearsOn, nextUrgentAt, ownIntervalMs } from './timing.ts'

/** How often a leaving speaker says so, and how fast: a loss or two do not matter, and nobody waits. */
const LEAVE_COPIES = 3
const LEAVE_GAP_MS = 20

/** Somebody not heard for this long is asked at every tenth heartbeat only: it will speak first when it is back. */
const QUIET_AFTER_MS = 30_000
const QUIET_SHARE = 10n

/** So often each urgent question is sent at once, to be answered each time: question and answer may be lost. */
const URGENT_COPIES = 2

/** Sends what is due. */
export function send(state: State, now: number, actions: Action[]): void {
  const [key] = state.keys
  if (key === undefined || state.nextSendAt === undefined) return
  if (now >= state.nextSendAt) sendRegular(state, key, now, actions)
  for (const peer of state.peers.values()) sendUrgent(state, peer, key, now, actions)
}

function sendRegular(state: State, key: Uint8Array, now: number, actions: Action[]): void {
  state.sequence++
  const heartbeat = heartbeatOf(state, now)
  const bytes = seal(heartbeat, key)
  for (const { name } of state.locals) actions.push({ kind: 'multicast', interface: name, bytes })
  for (const peer of state.peers.values()) {
    if (needsUnicast(state, peer, now)) sendTo(peer, { ...heartbeat, ...addressedTo(peer, now) }, key, actions)
  }
  state.nextSendAt = nextAfter(state, state.nextSendAt!, now)
  countLeaveCopy(state, actions)
}

/** Answers whoever is about to bury us, and asks whom we are about to bury. */
function sendUrgent(state: State, peer: Peer, key: Uint8Array, now: number, actions: Action[]): void {
  if (peer.isWaiting) {
    peer.isWaiting = false
    sendOnce(state, peer, key, now, actions)
  }
  if (now < nextUrgentAt(state, peer)) return
  peer.askedUrgentlyAt = now
  for (let copy = 0; copy < URGENT_COPIES; copy++) sendOnce(state, peer, key, now, actions, true)
}

function sendOnce(state: State, peer: Peer, key: Uint8Array, now: number, actions: Action[], isUrgent = false): void {
  state.sequence++
  sendTo(peer, { ...heartbeatOf(state, now), ...addressedTo(peer, now), isUrgent }, key, actions)
}

function sendTo(peer: Peer, heartbeat: Heartbeat, key: Uint8Array, actions: Action[]): void {
  const bytes = seal(heartbeat, key)
  for (const address of peer.addresses) actions.push({ kind: 'unicast', address, bytes })
}

function heartbeatOf(state: State, now: number): Heartbeat {
  return {
    node: state.options.node,
    bootId: state.options.bootId,
    sequence: state.sequence,
    intervalMs: ownIntervalMs(state),
    isLeaving: state.leaving !== undefined,
    cannotHearYou: false,
    isUrgent: false,
    echo: undefined,
    segments: segmentsOf(state, now),
  }
}

/**
 * All that we shall announce on, also while we still listen: at a common start everybody must know of everybody, and
 * after a restart the present owner goes on until it hears us announce.
 */
function segmentsOf(state: State, now: number): readonly Segment[] {
  return state.locals
    .filter(({ name }) => !state.cutOff.includes(name))
    .slice(0, MAX_SEGMENTS)
    .map(({ name, mac }) => ({ interface: name, mac, hears: Math.min(countHeardOn(state, name, now), 255) }))
}

function countHeardOn(state: State, path: string, now: number): number {
  let count = 0
  for (const peer of state.peers.values()) if (hearsOn(peer, path, now)) count++
  return count
}

function addressedTo(peer: Peer, now: number): Pick<Heartbeat, 'cannotHearYou' | 'echo'> {
  const { bootId, sequence } = peer
  const echo = bootId === undefined ? undefined : { bootId, sequence }
  return { cannotHearYou: !hearsMulticastOf(peer, now), echo }
}

/** Unicast goes where multicast does not come from, and to those who say that ours does not reach them. */
function needsUnicast(state: State, peer: Peer, now: number): boolean {
  if (now - peer.askedForUnicastAt < detectionTimeMs(peer)) return true
  if (hearsMulticastOf(peer, now)) return false
  return now - Math.max(peer.heardAt, state.configuredAt ?? now) < QUIET_AFTER_MS || state.sequence % QUIET_SHARE === 0n
}

function hearsMulticastOf(peer: Peer, now: number): boolean {
  for (const path of peer.paths.keys()) if (path !== UNICAST && hearsOn(peer, path, now)) return true
  return false
}

function nextAfter(state: State, dueAt: number, now: number): number {
  if ((state.leaving?.copiesLeft ?? 0) > 1) return now + LEAVE_GAP_MS
  const next = dueAt + ownIntervalMs(state)
  return next > now ? next : now + ownIntervalMs(state)
}

export function startLeaving(state: State, now: number, actions: Action[]): void {
  if (state.leaving !== undefined) return
  if (state.keys.length === 0) {
    // Nobody knows of us, and we could tell nobody.
    state.leaving = { copiesLeft: 0 }
    actions.push({ kind: 'left' })
    return
  }
  state.leaving = { copiesLeft: LEAVE_COPIES }
  state.nextSendAt = now
}

function countLeaveCopy(state: State, actions: Action[]): void {
  if (state.leaving === undefined || state.leaving.copiesLeft === 0) return
  state.leaving.copiesLeft--
  if (state.leaving.copiesLeft > 0) return
  state.nextSendAt = undefined
  actions.push({ kind: 'left' })
}
