import type { AddressFamily, CeaseReason, Judgement, MessageType, Notification } from '../message/index.ts'
import type { Negotiated } from './negotiate.ts'
import type { SessionOptions } from './options.ts'

/** Who made the TCP connection. A session has one of each at most, and two only until a collision is resolved. */
export type Direction = 'outgoing' | 'incoming'
export const DIRECTIONS = ['outgoing', 'incoming'] as const satisfies readonly Direction[]

/** RFC 4271 section 8.2.2. */
export type State = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established'

/** One TCP connection, on its way through the state machine. */
export type Connection =
  | { readonly phase: 'Connect' }
  | { readonly phase: 'OpenSent'; readonly holdDeadlineMs: number }
  | { readonly phase: 'OpenConfirm'; readonly holdDeadlineMs: number; readonly negotiated: Negotiated }
  | {
      readonly phase: 'Established'
      readonly holdDeadlineMs: number
      readonly negotiated: Negotiated
      readonly sinceMs: number
      /** RFC 9687: by then the peer's TCP must have taken something from us. */
      readonly sendDeadlineMs: number
    }

/** All that is remembered of a peer. Frozen in meaning: every step makes a new one. */
export interface Session {
  readonly options: SessionOptions
  /** Between `start` and `stop`. */
  readonly isStarted: boolean
  /** The ConnectRetryTimer runs before the next dial; the peer may connect meanwhile. */
  readonly isWaitingToDial: boolean
  readonly outgoing: Connection | undefined
  readonly incoming: Connection | undefined
  /** Attempts in a row that led to no lasting session. */
  readonly failures: number
  /** The R bit of the next OPEN: this process is new and the peer may still hold its predecessor's routes. */
  readonly isRestarting: boolean
}

export type TimerName = 'connect-retry' | `hold:${Direction}` | `keepalive:${Direction}` | `send-hold:${Direction}`

/** How a session is ended by us: for good, or so that a peer with graceful restart keeps our routes. */
export type Ending =
  | { readonly kind: 'cease'; readonly reason: CeaseReason; readonly text?: string }
  | { readonly kind: 'graceful-restart' }

/**
 * What happens to a session; the numbers are RFC 4271 section 8.1. The shell reports a connection by its direction and
 * says nothing more of one that it was told to close.
 */
export type SessionEvent =
  /** 1, 3; 4, 5 for passive sessions. */
  | { readonly kind: 'start' }
  /** 2. The session ends and stays ended. */
  | { readonly kind: 'stop'; readonly ending: Ending }
  /** 8. The session ends and begins anew at once. */
  | { readonly kind: 'reset'; readonly ending: Ending }
  /** New options; the session is reset only if it depends on what changed. */
  | { readonly kind: 'configure'; readonly options: SessionOptions }
  /** 9 to 11; 29 of RFC 9687. */
  | { readonly kind: 'timer'; readonly timer: TimerName }
  /**
   * 16: the connection that `dial` asked for stands. `identifier`: replaces that of the options, for who takes it from
   * the address of this end, known only now.
   */
  | { readonly kind: 'connected'; readonly identifier?: number }
  /** 17: the peer has connected to us; answered by `accept` or `refuse`. */
  | { readonly kind: 'offered'; readonly identifier?: number }
  /** 18, or the dial failed; `because` is the system's word, ECONNREFUSED say. */
  | { readonly kind: 'disconnected'; readonly direction: Direction; readonly because: string }
  /** 19 to 28: a message, as MessageStream cuts it. */
  | { readonly kind: 'frame'; readonly direction: Direction; readonly type: MessageType; readonly body: Uint8Array }
  /** 21: MessageStream's fault. */
  | { readonly kind: 'fault'; readonly direction: Direction; readonly notification: Notification }
  /** The peer's TCP has taken all that was written (RFC 9687). */
  | { readonly kind: 'flushed'; readonly direction: Direction }
  /** RFC 5882 section 4.3. */
  | { readonly kind: 'bfd-down' }

/** Why a session, or an attempt at one, ended. */
export type DownReason =
  | { readonly kind: 'stopped'; readonly ending: Ending }
  | { readonly kind: 'reconfigured'; readonly options: readonly (keyof SessionOptions)[] }
  | { readonly kind: 'disconnected'; readonly because: string }
  | { readonly kind: 'connect-timeout' }
  | { readonly kind: 'hold-timer-expired' }
  | { readonly kind: 'send-hold-timer-expired' }
  | { readonly kind: 'notification-received'; readonly notification: Notification }
  | { readonly kind: 'notification-sent'; readonly notification: Notification }
  | { readonly kind: 'replaced-by-new-connection' }
  | { readonly kind: 'bfd-down' }

/** What the shell is to do, in this order. */
export type SessionAction =
  | { readonly kind: 'dial' }
  /** Take in the connection that was offered: from now on it is `incoming`. */
  | { readonly kind: 'accept' }
  /** Write this to the connection that was offered, if it can be written at once, and close it. */
  | { readonly kind: 'refuse'; readonly bytes: Uint8Array }
  | { readonly kind: 'send'; readonly direction: Direction; readonly bytes: Uint8Array }
  /** End a connection or a dial under way; `isAbortive`: do not wait for what is still unsent. */
  | { readonly kind: 'close'; readonly direction: Direction; readonly isAbortive: boolean }
  /**
   * Set a timer, or set it anew. To keep sessions from marching in step, `jitter` is the share of the time that a
   * random number may take off (RFC 4271 section 10).
   */
  | { readonly kind: 'arm'; readonly timer: TimerName; readonly afterMs: number; readonly jitter: number }
  | { readonly kind: 'disarm'; readonly timer: TimerName }
  /** Routes may flow. */
  | { readonly kind: 'established'; readonly direction: Direction; readonly negotiated: Negotiated }
  /** A session (`wasEstablished`) or an attempt is over. */
  | {
      readonly kind: 'down'
      readonly wasEstablished: boolean
      readonly because: DownReason
      /** By RFC 4724 and RFC 8538 the peer goes on using our routes for its restart time. */
      readonly peerKeepsRoutes: boolean
    }
  /** The peer wants the routes of a family again (RFC 2918). */
  | { readonly kind: 'refresh'; readonly family: AddressFamily }
  /** An UPDATE came; it is not used for anything but counting. Attributes are views of the frame's body. */
  | { readonly kind: 'update'; readonly judgement: Judgement; readonly endOfRib: AddressFamily | undefined }

export interface SessionStep {
  readonly session: Session
  readonly actions: readonly SessionAction[]
}

/** A session that has not been started. `isRestarting` = the process is new while the peer may hold its routes. */
export function createSession(options: SessionOptions, isRestarting = false): Session {
  return {
    options,
    isStarted: false,
    isWaitingToDial: false,
    outgoing: undefined,
    incoming: undefined,
    failures: 0,
    isRestarting: isRestarting && options.gracefulRestart !== undefined,
  }
}

const ORDER: readonly State[] = ['Idle', 'Active', 'Connect', 'OpenSent', 'OpenConfirm', 'Established']

/** The state of the connection that has come furthest; a started session without one is Active. */
export function stateOf(session: Session): State {
  const resting: State = session.isStarted ? 'Active' : 'Idle'
  const phases = DIRECTIONS.map((direction) => session[direction]?.phase ?? resting)
  return phases.reduce((best, phase) => (ORDER.indexOf(phase) > ORDER.indexOf(best) ? phase : best), resting)
}
