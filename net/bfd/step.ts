/** The state machine of RFC 5880 section 6.8, asynchronous mode. */

import { whyDiscarded } from './judge.ts'
import { type BfdState, type ControlPacket, DIAGNOSTICS, type Diagnostic, encodeControlPacket } from './packet.ts'
import {
  advertisedMinTx,
  type BfdAction,
  type BfdDownReason,
  type BfdEvent,
  type BfdOptions,
  type BfdSession,
  type BfdStep,
  type BfdTimer,
  detectionTimeMs,
  transmitIntervalMs,
  UNKNOWN_REMOTE,
} from './session.ts'

/** RFC 5880 section 6.8.6: our state after a packet from a peer in the given state. Absent = no change. */
export const NEXT_STATE = {
  AdminDown: {},
  Down: { Down: 'Init', Init: 'Up' },
  Init: { AdminDown: 'Down', Init: 'Up', Up: 'Up' },
  Up: { AdminDown: 'Down', Down: 'Down' },
} as const satisfies Readonly<Record<BfdState, Partial<Record<BfdState, BfdState>>>>

/** Pure. `nowMs` never goes back. */
export function stepBfd(session: BfdSession, event: BfdEvent, nowMs: number): BfdStep {
  const turn = new Turn(session, nowMs)
  switch (event.kind) {
    case 'start':
      turn.transmit()
      break
    case 'packet':
      turn.receive(event.packet, event.receivedTtl, event.ageMs)
      break
    case 'timer':
      turn.expire(event.timer)
      break
    case 'configure':
      turn.configure(event.options)
      break
    case 'admin-down':
      turn.leave()
      break
  }
  return { session: turn.session, actions: turn.actions }
}

/** Goodbye is said for one detection time of the peer, or it would take our silence for a failure (section 6.8.16). */
const LEAST_LINGER_MS = 1000

/** The workplace of one step. */
class Turn {
  session: BfdSession
  readonly actions: BfdAction[] = []
  readonly #nowMs: number

  constructor(session: BfdSession, nowMs: number) {
    this.session = session
    this.#nowMs = nowMs
  }

  #change(part: Partial<BfdSession>): void {
    this.session = { ...this.session, ...part }
  }

  receive(packet: ControlPacket, receivedTtl: number, ageMs: number): void {
    const because = whyDiscarded(this.session, packet, receivedTtl)
    if (because !== undefined) {
      this.actions.push({ kind: 'discarded', because })
      return
    }
    const intervalBefore = transmitIntervalMs(this.session)
    this.#change({
      remote: {
        discriminator: packet.myDiscriminator,
        state: packet.state,
        desiredMinTxMicroseconds: packet.desiredMinTxMicroseconds,
        requiredMinRxMicroseconds: packet.requiredMinRxMicroseconds,
        detectMultiplier: packet.detectMultiplier,
        isDemand: packet.isDemand,
      },
    })
    if (packet.isFinal) this.#finishPoll()
    if (this.session.state === 'AdminDown') {
      this.actions.push({ kind: 'discarded', because: 'administratively-down' })
      return
    }
    const stateBefore = this.session.state
    this.#awaitNext(ageMs)
    this.#follow(packet.state)
    // The answer to a poll goes out at once, whatever the timers say (section 6.8.7).
    if (packet.isPoll) this.#send(true)
    if (this.session.state !== stateBefore) this.transmit()
    else if (transmitIntervalMs(this.session) !== intervalBefore) this.#schedule()
  }

  /** Enters the state that the table names. */
  #follow(remoteState: BfdState): void {
    const next: BfdState | undefined = (NEXT_STATE[this.session.state] as Partial<Record<BfdState, BfdState>>)[
      remoteState
    ]
    if (next === undefined) return
    if (next === 'Down') {
      const isAdministrative = remoteState === 'AdminDown'
      this.#goDown(isAdministrative ? 'neighbor-administratively-down' : 'neighbor-signaled-down', DIAGNOSTICS[3])
      return
    }
    this.#change({ state: next })
    if (next !== 'Up') return
    this.#change({ diagnostic: 'no diagnostic' })
    this.actions.push({ kind: 'up' })
    this.#announceTimes()
  }

  #goDown(because: BfdDownReason, diagnostic: Diagnostic): void {
    const wasUp = this.session.state === 'Up'
    const { options } = this.session
    this.#change({
      state: because === 'administratively-down' ? 'AdminDown' : 'Down',
      diagnostic,
      poll: 'none',
      inForce: {
        desiredMinTxMicroseconds: advertisedMinTx(options, 'Down'),
        requiredMinRxMicroseconds: options.requiredMinRxMicroseconds,
      },
    })
    if (wasUp) this.actions.push({ kind: 'down', because, diagnostic })
  }

  /**
   * Section 6.8.3: a poll sequence tells the peer of new times. Until it has answered, what it may rely on holds: we
   * send no slower than before, and wait no shorter.
   */
  #announceTimes(): void {
    const { options, inForce, poll } = this.session
    this.#change({
      poll: poll === 'none' ? 'running' : 'again',
      inForce: {
        desiredMinTxMicroseconds: Math.min(inForce.desiredMinTxMicroseconds, options.desiredMinTxMicroseconds),
        requiredMinRxMicroseconds: Math.max(inForce.requiredMinRxMicroseconds, options.requiredMinRxMicroseconds),
      },
    })
  }

  #finishPoll(): void {
    const { options, poll, state } = this.session
    if (poll === 'none') return
    if (poll === 'again') {
      this.#change({ poll: 'running' })
      return
    }
    this.#change({
      poll: 'none',
      inForce: {
        desiredMinTxMicroseconds: advertisedMinTx(options, state),
        requiredMinRxMicroseconds: options.requiredMinRxMicroseconds,
      },
    })
  }

  configure(options: BfdOptions): void {
    const before = this.session.options
    this.#change({ options })
    const areTimesEqual =
      before.desiredMinTxMicroseconds === options.desiredMinTxMicroseconds &&
      before.requiredMinRxMicroseconds === options.requiredMinRxMicroseconds
    if (areTimesEqual) return
    if (this.session.state === 'Up') this.#announceTimes()
    // Not Up, nobody relies on our times yet.
    else {
      this.#change({
        inForce: {
          desiredMinTxMicroseconds: advertisedMinTx(options, this.session.state),
          requiredMinRxMicroseconds: options.requiredMinRxMicroseconds,
        },
      })
    }
    this.transmit()
  }

  leave(): void {
    if (this.session.state === 'AdminDown') return
    this.#goDown('administratively-down', DIAGNOSTICS[7])
    this.#disarmDetection()
    this.transmit()
    const interval = transmitIntervalMs(this.session) ?? 0
    this.#arm('linger', Math.max(LEAST_LINGER_MS, interval * this.session.options.detectMultiplier))
  }

  expire(timer: BfdTimer): void {
    if (timer === 'transmit') this.transmit()
    else if (timer === 'detect') this.#expireDetection()
    else if (this.session.state === 'AdminDown') {
      this.#disarm('transmit')
      this.actions.push({ kind: 'finished' })
    }
  }

  /** Section 6.8.4; the timer may be early, for packets only moved the deadline. */
  #expireDetection(): void {
    const leftMs = this.session.detectDeadlineMs - this.#nowMs
    this.#change({ detectTimerMs: Number.POSITIVE_INFINITY })
    if (leftMs > 0) {
      if (Number.isFinite(leftMs)) this.#armDetection()
      return
    }
    // Section 6.8.1: a peer that has been silent for so long may come back as another.
    this.#change({ remote: UNKNOWN_REMOTE, detectDeadlineMs: Number.POSITIVE_INFINITY })
    const { state } = this.session
    if (state !== 'Up' && state !== 'Init') return
    this.#goDown('detection-time-expired', DIAGNOSTICS[1])
    this.transmit()
  }

  /** The detection time counts from the arrival, or a peer that fell silent would be noticed as late as we read it. */
  #awaitNext(ageMs: number): void {
    this.#change({ detectDeadlineMs: this.#nowMs - ageMs + detectionTimeMs(this.session) })
    if (this.session.detectDeadlineMs < this.session.detectTimerMs) this.#armDetection()
  }

  #armDetection(): void {
    const { detectDeadlineMs } = this.session
    this.#change({ detectTimerMs: detectDeadlineMs })
    this.#arm('detect', Math.max(0, detectDeadlineMs - this.#nowMs))
  }

  #disarmDetection(): void {
    this.#change({ detectDeadlineMs: Number.POSITIVE_INFINITY, detectTimerMs: Number.POSITIVE_INFINITY })
    this.#disarm('detect')
  }

  /** Sends now, if anything is sent at all, and plans the next one from here. */
  transmit(): void {
    if (transmitIntervalMs(this.session) !== undefined) this.#send(false)
    this.#schedule()
  }

  #schedule(): void {
    const intervalMs = transmitIntervalMs(this.session)
    if (intervalMs === undefined) {
      this.#disarm('transmit')
      return
    }
    // Section 6.8.7: 75 to 100 % of the interval; at most 90 % where a single loss is already a failure.
    const mostMs = this.session.options.detectMultiplier === 1 ? intervalMs * 0.9 : intervalMs
    const afterMs = Math.min(mostMs, Math.max(0, this.session.lastSentMs + mostMs - this.#nowMs))
    this.#arm('transmit', afterMs, 1 - (intervalMs * 0.75) / mostMs)
  }

  #send(isFinal: boolean): void {
    const { session } = this
    const packet: ControlPacket = {
      diagnostic: DIAGNOSTICS.indexOf(session.diagnostic),
      state: session.state,
      // Section 6.8.7: never both.
      isPoll: !isFinal && session.poll !== 'none',
      isFinal,
      isControlPlaneIndependent: false,
      isDemand: false,
      isMultipoint: false,
      detectMultiplier: session.options.detectMultiplier,
      myDiscriminator: session.localDiscriminator,
      yourDiscriminator: session.remote.discriminator,
      desiredMinTxMicroseconds: advertisedMinTx(session.options, session.state),
      requiredMinRxMicroseconds: session.options.requiredMinRxMicroseconds,
      requiredMinEchoRxMicroseconds: session.options.requiredMinEchoRxMicroseconds,
      authentication: undefined,
    }
    this.actions.push({ kind: 'send', bytes: encodeControlPacket(packet) })
    if (!isFinal) this.#change({ lastSentMs: this.#nowMs })
  }

  #arm(timer: BfdTimer, afterMs: number, jitter = 0): void {
    this.actions.push({ kind: 'arm', timer, afterMs, jitter })
  }

  #disarm(timer: BfdTimer): void {
    this.actions.push({ kind: 'disarm', timer })
  }
}
