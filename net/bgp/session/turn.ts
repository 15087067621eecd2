import {
  type CeaseReason,
  encodeNotification,
  encodeShutdownText,
  frameMessage,
  hardReset,
  isNotification,
  type Notification,
  notification,
} from '../message/index.ts'
import { backOffSeconds, RETRY_JITTER, STABLE_AFTER_MS } from './back-off.ts'
import type { Negotiated } from './negotiate.ts'
import {
  type Connection,
  DIRECTIONS,
  type Direction,
  type DownReason,
  type Ending,
  type Session,
  type SessionAction,
  type TimerName,
} from './session.ts'

/**
 * The workplace of one step: the session as it is becoming, and the actions so far. It lives only inside `step`, which
 * stays a pure function to everybody else.
 */
export class Turn {
  session: Session
  readonly actions: SessionAction[] = []
  readonly nowMs: number

  constructor(session: Session, nowMs: number) {
    this.session = session
    this.nowMs = nowMs
  }

  act(action: SessionAction): void {
    this.actions.push(action)
  }

  change(part: Partial<Session>): void {
    this.session = { ...this.session, ...part }
  }

  setConnection(direction: Direction, connection: Connection | undefined): void {
    this.change(direction === 'outgoing' ? { outgoing: connection } : { incoming: connection })
  }

  arm(timer: TimerName, afterMs: number, jitter = 0): void {
    this.act({ kind: 'arm', timer, afterMs, jitter })
  }

  disarm(timer: TimerName): void {
    this.act({ kind: 'disarm', timer })
  }

  notify(direction: Direction, value: Notification): void {
    this.act({ kind: 'send', direction, bytes: frameMessage('notification', encodeNotification(value)) })
  }

  /** Ends one connection; the session's fate is the caller's business. */
  drop(direction: Direction, how: { notification?: Notification; isAbortive?: boolean; isGone?: boolean } = {}): void {
    const connection = this.session[direction]
    if (connection === undefined) return
    if (how.notification !== undefined && connection.phase !== 'Connect') this.notify(direction, how.notification)
    if (how.isGone !== true) this.act({ kind: 'close', direction, isAbortive: how.isAbortive ?? false })
    if (connection.phase === 'Connect') this.disarm('connect-retry')
    else for (const timer of ['hold', 'keepalive', 'send-hold'] as const) this.disarm(`${timer}:${direction}`)
    this.setConnection(direction, undefined)
  }

  /**
   * A connection came to its end. If it was the last one, the session is down and waits before it dials again;
   * otherwise the other one goes on. Of a connection that is gone already nothing more is said.
   */
  fail(direction: Direction, because: DownReason, how: Parameters<Turn['drop']>[1] = {}): void {
    const connection = this.session[direction]
    if (connection === undefined) return
    this.drop(direction, how)
    if (DIRECTIONS.every((other) => this.session[other] === undefined)) this.down(connection, because)
  }

  /** Reports the end, and plans the next attempt: the sooner, the better the session was. */
  down(ended: Connection, because: DownReason): void {
    this.reportDown(ended, because)
    const { options, failures } = this.session
    const wasStable = ended.phase === 'Established' && this.nowMs - ended.sinceMs >= STABLE_AFTER_MS
    const before = wasStable ? 0 : failures
    this.change({ failures: before + 1, isWaitingToDial: !options.isPassive })
    if (options.isPassive) return
    this.arm('connect-retry', (options.connectRetrySeconds ?? backOffSeconds(before)) * 1000, RETRY_JITTER)
  }

  reportDown(ended: Connection | undefined, because: DownReason): void {
    const negotiated = ended?.phase === 'Established' ? ended.negotiated : undefined
    this.act({
      kind: 'down',
      wasEstablished: negotiated !== undefined,
      because,
      peerKeepsRoutes: negotiated !== undefined && keepsRoutes(negotiated, because),
    })
  }
}

/** RFC 4724 section 4.2: after a lost connection. RFC 8538 section 4: also after NOTIFICATIONs, but for a hard reset. */
function keepsRoutes(negotiated: Negotiated, because: DownReason): boolean {
  const { gracefulRestart } = negotiated
  if (gracefulRestart === undefined) return false
  switch (because.kind) {
    case 'disconnected':
    case 'send-hold-timer-expired':
    case 'replaced-by-new-connection':
      return true
    case 'stopped':
      if (because.ending.kind === 'graceful-restart') return true
      return gracefulRestart.hasNotificationSupport && !FOR_GOOD.includes(because.ending.reason)
    case 'notification-received':
    case 'notification-sent':
      return gracefulRestart.hasNotificationSupport && !isNotification(because.notification, 'cease', 'hard-reset')
    default:
      return gracefulRestart.hasNotificationSupport
  }
}

/** RFC 8538 section 5.1: these two mean "forget me", which a peer with the N bit understands only as a hard reset. */
const FOR_GOOD: readonly CeaseReason[] = ['administrative-shutdown', 'peer-deconfigured']

/** The NOTIFICATION of an ending; undefined where silence is the message. */
export function ceaseOf(ending: Ending, connection: Connection | undefined): Notification | undefined {
  if (ending.kind === 'graceful-restart') return undefined
  const takesText = ending.reason === 'administrative-shutdown' || ending.reason === 'administrative-reset'
  const data = takesText && ending.text !== undefined ? encodeShutdownText(ending.text) : new Uint8Array(0)
  const cease = notification('cease', ending.reason, data)
  const wouldBeGraceful =
    connection?.phase === 'Established' && connection.negotiated.gracefulRestart?.hasNotificationSupport === true
  return wouldBeGraceful && FOR_GOOD.includes(ending.reason) ? hardReset(cease) : cease
}
