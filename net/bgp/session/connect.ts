/** How a session comes to a connection: dialling, being dialled, and having both at once (RFC 4271 section 6.8). */
import { encodeNotification, encodeOpen, frameMessage, notification } from '../message/index.ts'
import { RETRY_JITTER } from './back-off.ts'
import { type Negotiated, openOf } from './negotiate.ts'
import type { Direction } from './session.ts'
import type { Turn } from './turn.ts'

/** How long TCP may take, and then the peer's OPEN. */
const CONNECT_LIMIT_MS = 10_000
export const OPEN_LIMIT_MS = 10_000

/** The state of a started session without a connection: it dials, or waits to be dialled. */
export function rest(turn: Turn): void {
  if (!turn.session.options.isPassive) dial(turn)
}

export function stopWaiting(turn: Turn): void {
  turn.disarm('connect-retry')
  turn.change({ isWaitingToDial: false })
}

export function dial(turn: Turn): void {
  turn.setConnection('outgoing', { phase: 'Connect' })
  turn.act({ kind: 'dial' })
  turn.arm('connect-retry', CONNECT_LIMIT_MS, RETRY_JITTER)
}

/** Event 16. */
export function connected(turn: Turn, identifier?: number): void {
  if (turn.session.outgoing?.phase !== 'Connect') return
  turn.disarm('connect-retry')
  adoptIdentifier(turn, identifier)
  sendOpen(turn, 'outgoing')
}

/**
 * Event 17. Only Idle lets nobody in (RFC 4271 section 8.2.2). While we wait to dial, the peer is welcome: two sides that
 * refused each other while they wait would hardly ever meet.
 */
export function offered(turn: Turn, identifier?: number): void {
  const { isStarted, isWaitingToDial, incoming } = turn.session
  if (!isStarted) {
    refuseOffer(turn, 'connection-rejected')
    return
  }
  const established = incoming?.phase === 'Established' ? 'incoming' : 'outgoing'
  const connection = turn.session[established]
  if (connection?.phase === 'Established') {
    // A peer that restarts gracefully comes back before its old connection is known to be dead (RFC 4724 section 5).
    if (connection.negotiated.gracefulRestart === undefined) {
      refuseOffer(turn, 'connection-collision-resolution')
      return
    }
    turn.drop(established, { isAbortive: true })
    turn.reportDown(connection, { kind: 'replaced-by-new-connection' })
  } else if (incoming !== undefined) {
    refuseOffer(turn, 'connection-rejected')
    return
  }
  if (isWaitingToDial) stopWaiting(turn)
  turn.act({ kind: 'accept' })
  adoptIdentifier(turn, identifier)
  sendOpen(turn, 'incoming')
}

/** Once an OPEN has named one, it stays: both connections of a peer must show the same (RFC 4271 section 6.8). */
function adoptIdentifier(turn: Turn, identifier: number | undefined): void {
  const { options, outgoing, incoming } = turn.session
  const isNamed = [outgoing, incoming].some((each) => each !== undefined && each.phase !== 'Connect')
  if (identifier !== undefined && !isNamed) turn.change({ options: { ...options, identifier } })
}

function refuseOffer(turn: Turn, reason: 'connection-rejected' | 'connection-collision-resolution'): void {
  const bytes = frameMessage('notification', encodeNotification(notification('cease', reason)))
  turn.act({ kind: 'refuse', bytes })
}

function sendOpen(turn: Turn, direction: Direction): void {
  const { options, isRestarting } = turn.session
  turn.act({ kind: 'send', direction, bytes: frameMessage('open', encodeOpen(openOf(options, isRestarting))) })
  turn.setConnection(direction, { phase: 'OpenSent', holdDeadlineMs: turn.nowMs + OPEN_LIMIT_MS })
  turn.arm(`hold:${direction}`, OPEN_LIMIT_MS)
}

export function opposite(direction: Direction): Direction {
  return direction === 'outgoing' ? 'incoming' : 'outgoing'
}

/**
 * Decides between the connection on which an OPEN has just come and the other one, if that has got as far. Both sides
 * keep the connection that the one with the higher identifier made (RFC 4271 section 6.8; RFC 6286 section 2.3: with
 * equal identifiers the higher AS number). Returns whether the OPEN's connection goes on.
 */
export function collide(turn: Turn, direction: Direction, negotiated: Negotiated): boolean {
  const other = opposite(direction)
  const rival = turn.session[other]
  if (rival?.phase !== 'OpenConfirm' && rival?.phase !== 'Established') return true
  const kept = rival.phase === 'Established' ? other : winner(turn, negotiated)
  const loser = opposite(kept)
  turn.drop(loser, { notification: notification('cease', 'connection-collision-resolution') })
  return kept === direction
}

function winner(turn: Turn, negotiated: Negotiated): Direction {
  const { identifier, localAsn } = turn.session.options
  const isOursHigher =
    identifier === negotiated.remoteIdentifier
      ? localAsn > negotiated.remoteAsn
      : identifier > negotiated.remoteIdentifier
  return isOursHigher ? 'outgoing' : 'incoming'
}
