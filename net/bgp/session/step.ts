/**
 * The state machine of a peer (RFC 4271 section 8). RFC 4271 has one machine a connection and resolves collisions
 * between machines; here both connections of a peer lie in one state, so that a collision is seen where it happens.
 */
import { type Notification, notification } from '../message/index.ts'
import { connected, dial, offered, rest, stopWaiting } from './connect.ts'
import { keepaliveTime } from './negotiate.ts'
import { changesThatReset, type SessionOptions } from './options.ts'
import { adoptKeepaliveTime, receive, sendHoldMs, sendKeepalive } from './receive.ts'
import {
  DIRECTIONS,
  type Direction,
  type DownReason,
  type Ending,
  type Session,
  type SessionEvent,
  type SessionStep,
  type TimerName,
} from './session.ts'
import { ceaseOf, Turn } from './turn.ts'

/** Pure. `nowMs` never goes back: a monotonic clock. An event that means nothing in this state does nothing. */
export function step(session: Session, event: SessionEvent, nowMs: number): SessionStep {
  const turn = new Turn(session, nowMs)
  handle(turn, event)
  return { session: turn.session, actions: turn.actions }
}

function handle(turn: Turn, event: SessionEvent): void {
  switch (event.kind) {
    case 'start':
      start(turn)
      return
    case 'stop':
      stop(turn, event.ending)
      return
    case 'reset':
      restart(turn, { kind: 'stopped', ending: event.ending }, event.ending)
      return
    case 'configure':
      configure(turn, event.options)
      return
    case 'timer':
      expire(turn, event.timer)
      return
    case 'connected':
      connected(turn, event.identifier)
      return
    case 'offered':
      offered(turn, event.identifier)
      return
    case 'disconnected':
      turn.fail(event.direction, { kind: 'disconnected', because: event.because }, { isGone: true })
      return
    case 'frame':
      receive(turn, event.direction, event.type, event.body)
      return
    case 'fault':
      refuse(turn, event.direction, event.notification)
      return
    case 'flushed':
      flushed(turn, event.direction)
      return
    case 'bfd-down':
      bfdDown(turn)
      return
  }
}

/** Start events count in Idle only (RFC 4271 section 8.2.2). */
function start(turn: Turn): void {
  if (turn.session.isStarted) return
  turn.change({ isStarted: true, failures: 0 })
  rest(turn)
}

function stop(turn: Turn, ending: Ending): void {
  if (!turn.session.isStarted) return
  endAll(turn, { kind: 'stopped', ending }, ending)
  turn.change({ isStarted: false, failures: 0 })
}

/** Ends what there is and begins anew without waiting. */
function restart(turn: Turn, because: DownReason, ending: Ending): void {
  if (!turn.session.isStarted) return
  endAll(turn, because, ending)
  rest(turn)
}

function endAll(turn: Turn, because: DownReason, ending: Ending): void {
  const furthest = turn.session.incoming?.phase === 'Established' ? turn.session.incoming : turn.session.outgoing
  const hadConnection = turn.session.outgoing !== undefined || turn.session.incoming !== undefined
  for (const direction of DIRECTIONS) {
    const cease = ceaseOf(ending, turn.session[direction])
    turn.drop(direction, cease === undefined ? {} : { notification: cease })
  }
  if (turn.session.isWaitingToDial) stopWaiting(turn)
  if (hadConnection) turn.reportDown(furthest, because)
}

/** Changing a policy never resets a session, changing its identity resets it alone. */
function configure(turn: Turn, options: SessionOptions): void {
  const before = turn.session.options
  const changed = changesThatReset(before, options)
  turn.change({ options })
  if (changed.length > 0) {
    restart(turn, { kind: 'reconfigured', options: changed }, CONFIGURATION_CHANGED)
    return
  }
  for (const direction of DIRECTIONS) {
    const connection = turn.session[direction]
    if (connection === undefined || !('negotiated' in connection)) continue
    adoptKeepaliveTime(turn, direction, keepaliveTime(options, connection.negotiated.holdTimeSeconds))
  }
  if (before.isPassive !== options.isPassive) becomePassive(turn, options.isPassive)
}

const CONFIGURATION_CHANGED: Ending = { kind: 'cease', reason: 'other-configuration-change' }

function becomePassive(turn: Turn, isPassive: boolean): void {
  const { isStarted, isWaitingToDial, outgoing, incoming } = turn.session
  if (isPassive && outgoing?.phase === 'Connect') turn.drop('outgoing')
  if (isPassive && isWaitingToDial) stopWaiting(turn)
  if (!isPassive && isStarted && outgoing === undefined && incoming === undefined) dial(turn)
}

function expire(turn: Turn, timer: TimerName): void {
  if (timer === 'connect-retry') {
    retryConnect(turn)
    return
  }
  const [name, direction] = timer.split(':') as ['hold' | 'keepalive' | 'send-hold', Direction]
  if (name === 'hold') {
    expireHold(turn, direction)
    return
  }
  if (name === 'keepalive') {
    sendKeepalive(turn, direction)
    return
  }
  expireSendHold(turn, direction)
}

/**
 * In Active it is time to dial. In Connect, RFC 4271 section 8.2.2 would dial again at once; here a peer that does not
 * answer is met with the same back-off as one that refuses.
 */
function retryConnect(turn: Turn): void {
  if (turn.session.outgoing?.phase === 'Connect') {
    turn.fail('outgoing', { kind: 'connect-timeout' }, { isAbortive: true })
  } else if (turn.session.isWaitingToDial) {
    turn.change({ isWaitingToDial: false })
    dial(turn)
  }
}

/** A received message only moves the deadline; the timer finds out here that it has time left. */
function expireHold(turn: Turn, direction: Direction): void {
  const connection = turn.session[direction]
  if (connection === undefined || connection.phase === 'Connect') return
  const leftMs = connection.holdDeadlineMs - turn.nowMs
  if (leftMs > 0) {
    // Infinite: the peer asked for no supervision.
    if (Number.isFinite(leftMs)) turn.arm(`hold:${direction}`, leftMs)
    return
  }
  const expired = notification('hold-timer-expired', 'unspecific')
  turn.fail(direction, { kind: 'hold-timer-expired' }, { notification: expired })
}

/** RFC 9687: a NOTIFICATION would only queue behind what the peer does not read. */
function expireSendHold(turn: Turn, direction: Direction): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'Established') return
  const leftMs = connection.sendDeadlineMs - turn.nowMs
  if (leftMs <= 0) turn.fail(direction, { kind: 'send-hold-timer-expired' }, { isAbortive: true })
  else if (Number.isFinite(leftMs)) turn.arm(`send-hold:${direction}`, leftMs)
}

function refuse(turn: Turn, direction: Direction, value: Notification): void {
  const connection = turn.session[direction]
  if (connection === undefined || connection.phase === 'Connect') return
  turn.fail(direction, { kind: 'notification-sent', notification: value }, { notification: value })
}

function flushed(turn: Turn, direction: Direction): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'Established' || !Number.isFinite(connection.sendDeadlineMs)) return
  turn.setConnection(direction, { ...connection, sendDeadlineMs: turn.nowMs + sendHoldMs(connection.negotiated) })
}

/** The session is closed at once; BFD that was never up holds up nothing (RFC 5882 section 4.3). */
function bfdDown(turn: Turn): void {
  const direction = DIRECTIONS.find((each) => turn.session[each]?.phase === 'Established')
  if (direction === undefined) return
  turn.fail(direction, { kind: 'bfd-down' }, { notification: notification('cease', 'BFD-down') })
}
