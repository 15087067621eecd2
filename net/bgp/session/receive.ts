/** What each message does in each state: events 19 to 28 of RFC 4271 section 8.1. */
import { Writer } from '../../bytes/index.ts'
import { attempt } from '../message/attempt.ts'
import {
  addressFamilyOfCode,
  decodeNotification,
  decodeOpen,
  decodeRouteRefresh,
  decodeUpdate,
  endOfRibFamily,
  frameMessage,
  HEADER_LENGTH,
  judgeUpdate,
  type MessageType,
  type Notification,
  notification,
  REFRESH_SUBTYPES,
  type SubcodeName,
} from '../message/index.ts'
import { collide, OPEN_LIMIT_MS, opposite } from './connect.ts'
import { type Negotiated, negotiate } from './negotiate.ts'
import type { Connection, Direction } from './session.ts'
import type { Turn } from './turn.ts'

type Speaking = Exclude<Connection, { phase: 'Connect' }>
type Phase = Speaking['phase']
type Handler = (turn: Turn, direction: Direction, body: Uint8Array) => void

/** RFC 4271 section 8.2.2, by state. What is not here is an error of the state machine (RFC 6608). */
const ON_MESSAGE: Readonly<Record<Phase, Partial<Record<MessageType, Handler>>>> = {
  OpenSent: { open: onOpen, notification: onNotification },
  OpenConfirm: { keepalive: onFirstKeepalive, notification: onNotification },
  Established: {
    keepalive: onKeepalive,
    update: onUpdate,
    'route-refresh': onRouteRefresh,
    notification: onNotification,
  },
}

const UNEXPECTED: Readonly<Record<Phase, SubcodeName<'finite-state-machine-error'>>> = {
  OpenSent: 'unexpected-message-in-OpenSent',
  OpenConfirm: 'unexpected-message-in-OpenConfirm',
  Established: 'unexpected-message-in-Established',
}

export function receive(turn: Turn, direction: Direction, type: MessageType, body: Uint8Array): void {
  const connection = turn.session[direction]
  if (connection === undefined || connection.phase === 'Connect') return
  const handler = ON_MESSAGE[connection.phase][type]
  if (handler === undefined) {
    refuse(turn, direction, notification('finite-state-machine-error', UNEXPECTED[connection.phase]))
    return
  }
  // The stream lets long messages pass where we have offered them; only here is known whether the peer has, too.
  const length = HEADER_LENGTH + body.length
  if (connection.phase === 'Established' && length > connection.negotiated.maximumMessageLength) {
    const data = new Writer().u16(length).finish()
    refuse(turn, direction, notification('message-header-error', 'bad-message-length', data))
    return
  }
  handler(turn, direction, body)
}

function refuse(turn: Turn, direction: Direction, value: Notification): void {
  turn.fail(direction, { kind: 'notification-sent', notification: value }, { notification: value })
}

/** Event 19, or 22 where it is not one that we can live with. */
function onOpen(turn: Turn, direction: Direction, body: Uint8Array): void {
  const open = attempt(() => decodeOpen(body))
  if (open === undefined) {
    refuse(turn, direction, notification('open-message-error', 'unspecific'))
    return
  }
  const negotiated = negotiate(turn.session.options, open)
  if ('code' in negotiated) {
    refuse(turn, direction, negotiated)
    return
  }
  if (!collide(turn, direction, negotiated)) return
  // Also a peer that wants no hold time must confirm some time.
  const limitMs = negotiated.holdTimeSeconds === 0 ? OPEN_LIMIT_MS : holdMs(negotiated)
  turn.setConnection(direction, { phase: 'OpenConfirm', negotiated, holdDeadlineMs: turn.nowMs + limitMs })
  turn.arm(`hold:${direction}`, limitMs)
  sendKeepalive(turn, direction)
}

/** Events 24 and 25: the connection is over, and nothing is sent back (RFC 4271 section 6.4). */
function onNotification(turn: Turn, direction: Direction, body: Uint8Array): void {
  // The stream has seen to it that both codes are there. The body is a view of its buffer, the reason outlives that.
  const received = decodeNotification(body.slice())
  turn.fail(direction, { kind: 'notification-received', notification: received })
}

/** Event 26 in OpenConfirm. */
function onFirstKeepalive(turn: Turn, direction: Direction): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'OpenConfirm') return
  const { negotiated } = connection
  turn.drop(opposite(direction), { notification: notification('cease', 'connection-collision-resolution') })
  turn.setConnection(direction, {
    phase: 'Established',
    negotiated,
    sinceMs: turn.nowMs,
    holdDeadlineMs: turn.nowMs + holdMs(negotiated),
    sendDeadlineMs: turn.nowMs + sendHoldMs(negotiated),
  })
  turn.change({ isRestarting: false })
  if (negotiated.holdTimeSeconds === 0) turn.disarm(`hold:${direction}`)
  else turn.arm(`send-hold:${direction}`, sendHoldMs(negotiated))
  turn.act({ kind: 'established', direction, negotiated })
}

/** Event 26 in Established. */
function onKeepalive(turn: Turn, direction: Direction): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'Established') return
  turn.setConnection(direction, { ...connection, holdDeadlineMs: turn.nowMs + holdMs(connection.negotiated) })
}

/** Events 27 and 28. */
function onUpdate(turn: Turn, direction: Direction, body: Uint8Array): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'Established') return
  onKeepalive(turn, direction)
  const update = attempt(() => decodeUpdate(body))
  if (update === undefined) {
    refuse(turn, direction, notification('update-message-error', 'malformed-attribute-list'))
    return
  }
  const { kind, asnWidth, families, hasExtendedNextHop } = connection.negotiated
  const judgement = judgeUpdate(update, { isExternal: kind === 'external', asnWidth, families, hasExtendedNextHop })
  turn.act({ kind: 'update', judgement, endOfRib: endOfRibFamily(update) })
  if (judgement.kind === 'session-reset') refuse(turn, direction, judgement.notification)
}

/** A family that was not negotiated is passed over (RFC 2918 section 4); so are the marks around answers to us. */
function onRouteRefresh(turn: Turn, direction: Direction, body: Uint8Array): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'Established') return
  onKeepalive(turn, direction)
  const refresh = attempt(() => decodeRouteRefresh(body))
  if (refresh === undefined) {
    // RFC 7313 section 5: the data holds the whole message.
    const data = frameMessage('route-refresh', body)
    refuse(turn, direction, notification('route-refresh-message-error', 'invalid-message-length', data))
    return
  }
  const family = addressFamilyOfCode(refresh)
  const isCarried = family !== undefined && connection.negotiated.families.has(family)
  if (isCarried && refresh.subtype === REFRESH_SUBTYPES.request) turn.act({ kind: 'refresh', family })
}

/** Event 11, and once in answer to the OPEN. */
export function sendKeepalive(turn: Turn, direction: Direction): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'OpenConfirm' && connection?.phase !== 'Established') return
  turn.act({ kind: 'send', direction, bytes: frameMessage('keepalive', new Uint8Array(0)) })
  armKeepalive(turn, direction, connection.negotiated)
}

function armKeepalive(turn: Turn, direction: Direction, negotiated: Negotiated): void {
  const { keepaliveTimeSeconds } = negotiated
  if (keepaliveTimeSeconds > 0) turn.arm(`keepalive:${direction}`, keepaliveTimeSeconds * 1000, KEEPALIVE_JITTER)
}

/** RFC 4271 section 10. */
const KEEPALIVE_JITTER = 0.25

/** Takes over a keepalive time that was changed while the session runs. */
export function adoptKeepaliveTime(turn: Turn, direction: Direction, keepaliveTimeSeconds: number): void {
  const connection = turn.session[direction]
  if (connection?.phase !== 'OpenConfirm' && connection?.phase !== 'Established') return
  if (connection.negotiated.keepaliveTimeSeconds === keepaliveTimeSeconds) return
  const negotiated = { ...connection.negotiated, keepaliveTimeSeconds }
  turn.setConnection(direction, { ...connection, negotiated })
  armKeepalive(turn, direction, negotiated)
}

function holdMs(negotiated: Negotiated): number {
  return negotiated.holdTimeSeconds === 0 ? Number.POSITIVE_INFINITY : negotiated.holdTimeSeconds * 1000
}

const LEAST_SEND_HOLD_MS = 8 * 60 * 1000

/** RFC 9687: eight minutes, or twice the hold time where that is more; none without a hold time. */
export function sendHoldMs(negotiated: Negotiated): number {
  return negotiated.holdTimeSeconds === 0
    ? Number.POSITIVE_INFINITY
    : Math.max(LEAST_SEND_HOLD_MS, 2 * holdMs(negotiated))
}
