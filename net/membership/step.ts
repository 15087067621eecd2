import { receive } from './receive.ts'
import { send, startLeaving } from './send.ts'
import {
  type Action,
  type AliveMember,
  type Event,
  type Local,
  type LocalInterface,
  type Member,
  newPeer,
  type Peer,
  type State,
  UNICAST,
} from './state.ts'
import {
  deathAt,
  goesAlong,
  hearsOn,
  isStale,
  listeningTimeMs,
  mayBeBuried,
  nextUrgentAt,
  ownIntervalMs,
} from './timing.ts'

/** What one step has found out so far. */
interface Turn {
  readonly state: State
  readonly now: number
  readonly actions: Action[]
  readonly healed: string[]
  /** Whether `members` must be said again. */
  isChanged: boolean
}

/**
 * Takes one event at time `now` (milliseconds, never running backwards) and says what to do, in order. `state` is
 * changed in place (see State). Never throws.
 */
export function step(state: State, event: Event, now: number): readonly Action[] {
  const turn: Turn = { state, now, actions: [], healed: [], isChanged: false }
  noticeOwnDeafness(turn)
  handle(turn, event)
  buryTheDead(turn)
  settle(turn)
  judgeInterfaces(turn)
  send(state, now, turn.actions)
  reportMembers(turn)
  arm(turn)
  return turn.actions
}

/** How long we listen before we bury anybody: at least one heartbeat of each must have had the time to come. */
const PATIENCE_INTERVALS = 1.5

/**
 * Steps come at every heartbeat of ours. When they did not, this thread stood still: datagrams wait in the sockets, and
 * nobody is dead only because we have not read them yet. The others, however, may be about to bury us: then we listen
 * for an interval before we answer for anything again (see `mayAnswer`). That is all, unless they have had the time for
 * it: if somebody did it sooner, since a heartbeat of ours was lost, its announcements and questions will show.
 */
function noticeOwnDeafness(turn: Turn): void {
  const { state, now } = turn
  const intervalMs = ownIntervalMs(state)
  if (state.nextSendAt !== undefined && now >= state.nextSendAt + intervalMs) {
    state.judgeNotBefore = now + PATIENCE_INTERVALS * intervalMs
    if (isStale(state, now)) {
      state.mayBeBuried ||= mayBeBuried(state, now)
      state.catchingUpUntil = now + intervalMs
      turn.isChanged = true
      return
    }
  }
  if (state.catchingUpUntil === undefined || now < state.catchingUpUntil) return
  state.catchingUpUntil = undefined
  turn.isChanged = true
  if (!state.mayBeBuried) return
  state.mayBeBuried = false
  for (const { node, isAlive } of state.peers.values()) if (isAlive) turn.healed.push(node)
}

function handle(turn: Turn, event: Event): void {
  const { state, now } = turn
  switch (event.kind) {
    case 'configure':
      configure(turn, event.keys, event.members)
      break
    case 'interfaces':
      takeInterfaces(turn, event.interfaces)
      break
    case 'datagram':
      hear(turn, event.bytes, event.interface)
      break
    case 'leave':
      startLeaving(state, now, turn.actions)
      break
    case 'timer':
      state.armedAt = undefined
      break
  }
}

function configure(turn: Turn, keys: readonly Uint8Array[], members: readonly Member[]): void {
  const { state, now } = turn
  const others = members.filter(({ node }) => node !== state.options.node)
  const named = new Set(others.map(({ node }) => node))
  for (const [node, peer] of state.peers) {
    if (named.has(node)) continue
    // One that is still heard is still there, whatever the list says.
    if (peer.isAlive) peer.isProvisional = true
    else state.peers.delete(node)
    turn.isChanged = true
  }
  for (const member of others) {
    const known = state.peers.get(member.node)
    if (known === undefined) state.peers.set(member.node, newPeer(member))
    else {
      known.addresses = member.addresses
      known.isProvisional = false
    }
  }
  state.keys = keys
  state.configuredAt ??= now
  // Without a key there is nothing to send, and who has left stays silent.
  if (keys.length === 0) state.nextSendAt = undefined
  else if (state.leaving === undefined) state.nextSendAt ??= now
}

function takeInterfaces({ state, now }: Turn, interfaces: readonly LocalInterface[]): void {
  const locals = interfaces.map((local) => keepOrAdd(state, local, now))
  // On a segment that is new to us we want to be heard at once; where we can answer no more, others are to take over.
  const isChanged = locals.length !== state.locals.length || locals.some((local) => !state.locals.includes(local))
  if (isChanged) sendSoon(state, now)
  state.locals = locals
  for (const peer of state.peers.values()) {
    for (const path of peer.paths.keys()) {
      if (path !== UNICAST && !locals.some(({ name }) => name === path)) peer.paths.delete(path)
    }
  }
}

function sendSoon(state: State, now: number): void {
  if (state.nextSendAt !== undefined) state.nextSendAt = now
}

function keepOrAdd(state: State, { name, mac }: LocalInterface, now: number): Local {
  const known = state.locals.find((local) => local.name === name)
  return known?.mac === mac ? known : { name, mac, since: now, hasHeard: false }
}

function hear(turn: Turn, bytes: Uint8Array, interfaceName: string | undefined): void {
  const { state, now } = turn
  const received = receive(state, bytes, interfaceName, now)
  if (received.kind === 'ignored') {
    turn.actions.push({ kind: 'ignored', because: received.because })
    return
  }
  const local = state.locals.find(({ name }) => name === interfaceName)
  if (local !== undefined) {
    local.hasHeard = true
    if (goesAlong(state, now)) sendSoon(state, now)
  }
  const { peer, isRestart, segmentsBefore } = received
  // It need not ring for a silence that is over.
  if (peer === state.armedFor) state.armedAt = undefined
  const isAlive = !peer.isLeaving
  if (isAlive && peer.wentSilent && !isRestart) turn.healed.push(peer.node)
  peer.wentSilent = false
  if (peer.isAlive !== isAlive || !isSamePublication(segmentsBefore, peer.segments)) turn.isChanged = true
  peer.isAlive = isAlive
}

function isSamePublication(a: Peer['segments'], b: Peer['segments']): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  return a.every(({ interface: name, mac }, index) => name === b[index]!.interface && mac === b[index]!.mac)
}

function buryTheDead(turn: Turn): void {
  const { state, now } = turn
  if (now < state.judgeNotBefore) return
  for (const peer of state.peers.values()) {
    if (!peer.isAlive || now < deathAt(peer)) continue
    peer.isAlive = false
    peer.wentSilent = true
    turn.isChanged = true
  }
}

/** Everybody was heard, or we have listened long enough to know who is silent. */
function isListenedTo(state: State, since: number, now: number): boolean {
  if (state.configuredAt === undefined) return false
  if (now - Math.max(since, state.configuredAt) >= listeningTimeMs(state)) return true
  return [...state.peers.values()].every(({ isAlive, isProvisional }) => isAlive || isProvisional)
}

function settle(turn: Turn): void {
  const { state, now } = turn
  if (state.isSettled || !isListenedTo(state, Number.NEGATIVE_INFINITY, now)) return
  state.isSettled = true
  turn.isChanged = true
}

function judgeInterfaces(turn: Turn): void {
  const { state, now, actions } = turn
  const cutOff = state.locals.filter((local) => isCutOff(state, local, now)).map(({ name }) => name)
  if (!isSameList(cutOff, state.cutOff)) sendSoon(state, now)
  state.cutOff = cutOff
  const announceable = state.locals
    .filter(({ name, since }) => isListenedTo(state, since, now) && !state.cutOff.includes(name))
    .map(({ name }) => name)
  if (isSameList(announceable, state.announceable)) return
  state.announceable = announceable
  actions.push({ kind: 'announceable', interfaces: announceable })
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at])
}

/**
 * We heard somebody on this interface and hear nobody any more, while others, alive by another path, hear each other
 * on theirs of that name: it is ours that is broken, and they will answer there. If all are silent nobody gives up,
 * or nobody would answer.
 */
function isCutOff(state: State, { name, hasHeard }: Local, now: number): boolean {
  if (!hasHeard) return false
  // Two intervals of patience: what the others publish lags behind by as much.
  const past = now - 2 * ownIntervalMs(state)
  const peers = [...state.peers.values()]
  if (peers.some((peer) => hearsOn(peer, name, past))) return false
  return peers.some(
    (peer) => peer.isAlive && peer.segments.some((segment) => segment.interface === name && segment.hears > 0),
  )
}

function reportMembers(turn: Turn): void {
  if (!turn.isChanged) return
  const { state, healed } = turn
  const alive = new Map<string, AliveMember>()
  const nodeOfMac = new Map<string, string>()
  const silent = new Set<string>()
  for (const { node, isAlive, wentSilent, segments } of state.peers.values()) {
    if (wentSilent) silent.add(node)
    if (isAlive) alive.set(node, { interfaces: segments.map((segment) => segment.interface) })
    for (const { mac } of segments) nodeOfMac.set(mac, node)
  }
  const isCatchingUp = state.catchingUpUntil !== undefined
  const { isSettled, mayBeBuried: isLong } = state
  const standstill = { isCatchingUp, mayBeBuried: isLong }
  turn.actions.push({ kind: 'members', isSettled, alive, nodeOfMac, silent, healed, ...standstill })
}

/**
 * A heartbeat only moves a death or a suspicion away, so the timer is set anew when it rang, when the one came whose
 * silence it waits for, and for an earlier sending.
 */
function arm(turn: Turn): void {
  const { state, now, actions } = turn
  if (state.nextSendAt === undefined) return
  if (state.armedAt !== undefined && state.armedAt <= state.nextSendAt) return
  let at = state.nextSendAt
  state.armedFor = undefined
  for (const peer of state.peers.values()) {
    if (!peer.isAlive) continue
    const silentAt = Math.min(Math.max(deathAt(peer), state.judgeNotBefore), nextUrgentAt(state, peer))
    if (silentAt >= at) continue
    at = silentAt
    state.armedFor = peer
  }
  state.armedAt = Math.max(at, now)
  actions.push({ kind: 'arm', at: state.armedAt })
}
