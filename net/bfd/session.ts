import type { BfdState, ControlPacket, Diagnostic } from './packet.ts'

/** Single-hop sessions take nothing that came through a router (RFC 5881 section 5, RFC 5082). */
export const SINGLE_HOP_TTL = 255

/** What a BFDProfile and the kind of path ask for. Intervals are whole microseconds. */
export interface BfdOptions {
  readonly desiredMinTxMicroseconds: number
  readonly requiredMinRxMicroseconds: number
  /** How often the peer may have echo packets returned; 0 = not at all. */
  readonly requiredMinEchoRxMicroseconds: number
  /** 1 to 255: after so many intervals without a packet the peer takes us for dead. */
  readonly detectMultiplier: number
  /** Say nothing before the peer has spoken (RFC 5880 section 6.1). */
  readonly isPassive: boolean
  /** The least TTL or hop limit of received packets: 255, or a profile's `minimumTtl` over several hops (RFC 5883). */
  readonly minimumTtl: number
}

/** What the peer last said of itself. */
export interface Remote {
  /** 0 = not known. */
  readonly discriminator: number
  readonly state: BfdState
  readonly desiredMinTxMicroseconds: number
  readonly requiredMinRxMicroseconds: number
  readonly detectMultiplier: number
  readonly isDemand: boolean
}

/** State variables of RFC 5880 section 6.8.1. */
export interface BfdSession {
  readonly options: BfdOptions
  readonly localDiscriminator: number
  readonly state: BfdState
  readonly diagnostic: Diagnostic
  readonly remote: Remote
  /**
   * Values that time the session; they differ from the options while a poll sequence tells the peer of a change (RFC
   * 5880 section 6.8.3).
   */
  readonly inForce: { readonly desiredMinTxMicroseconds: number; readonly requiredMinRxMicroseconds: number }
  /** `again`: what the poll sequence under way announces has been overtaken, another must follow. */
  readonly poll: 'none' | 'running' | 'again'
  readonly lastSentMs: number
  /** When the peer is taken for dead; Infinity = it is not awaited. */
  readonly detectDeadlineMs: number
  /** When the detection timer will fire, which may be earlier: received packets only move the deadline. */
  readonly detectTimerMs: number
}

export type BfdTimer = 'transmit' | 'detect' | 'linger'

export type BfdEvent =
  | { readonly kind: 'start' }
  /** `ageMs`: since it arrived, for it may have waited until we got to it. */
  | { readonly kind: 'packet'; readonly packet: ControlPacket; readonly receivedTtl: number; readonly ageMs: number }
  | { readonly kind: 'timer'; readonly timer: BfdTimer }
  /** A changed profile: no flap (RFC 5880 section 6.8.3). */
  | { readonly kind: 'configure'; readonly options: BfdOptions }
  /** Say goodbye: the peer must not take this for a failure. Ends with `finished`. */
  | { readonly kind: 'admin-down' }

export type BfdDownReason =
  | 'detection-time-expired'
  | 'neighbor-signaled-down'
  /** The peer was told to stop, which is no failure of the path (RFC 5882 section 4.2): routes need not go. */
  | 'neighbor-administratively-down'
  | 'administratively-down'

/** Why a packet was dropped: RFC 5880 section 6.8.6, RFC 5881 section 5. */
export type DiscardReason =
  | 'ttl-too-low'
  | 'zero-detect-multiplier'
  | 'multipoint'
  | 'zero-my-discriminator'
  | 'not-our-discriminator'
  | 'zero-your-discriminator'
  | 'authentication-not-configured'
  | 'administratively-down'

export type BfdAction =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** As in net/bgp: a random share of up to `jitter` is taken off `afterMs`. */
  | { readonly kind: 'arm'; readonly timer: BfdTimer; readonly afterMs: number; readonly jitter: number }
  | { readonly kind: 'disarm'; readonly timer: BfdTimer }
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly because: BfdDownReason; readonly diagnostic: Diagnostic }
  | { readonly kind: 'discarded'; readonly because: DiscardReason }
  /** After `admin-down`: the peer has had time to hear it, the session may be forgotten. */
  | { readonly kind: 'finished' }

export interface BfdStep {
  readonly session: BfdSession
  readonly actions: readonly BfdAction[]
}

/** RFC 5880 section 6.8.1; the least that an unheard-of peer can be thought to take is one microsecond. */
export const UNKNOWN_REMOTE: Remote = {
  discriminator: 0,
  state: 'Down',
  desiredMinTxMicroseconds: 0,
  requiredMinRxMicroseconds: 1,
  detectMultiplier: 0,
  isDemand: false,
}

/** RFC 5880 section 6.8.3: while not Up, no faster than once a second. */
const SLOWEST_NEEDED_MICROSECONDS = 1_000_000

/** What we say that we would like to send at. */
export function advertisedMinTx(options: BfdOptions, state: BfdState): number {
  const { desiredMinTxMicroseconds } = options
  return state === 'Up' ? desiredMinTxMicroseconds : Math.max(desiredMinTxMicroseconds, SLOWEST_NEEDED_MICROSECONDS)
}

/** A session in state Down. The discriminator is not zero and unique on this system (RFC 5880 section 6.8.1). */
export function createBfdSession(localDiscriminator: number, options: BfdOptions): BfdSession {
  return {
    options,
    localDiscriminator,
    state: 'Down',
    diagnostic: 'no diagnostic',
    remote: UNKNOWN_REMOTE,
    inForce: {
      desiredMinTxMicroseconds: advertisedMinTx(options, 'Down'),
      requiredMinRxMicroseconds: options.requiredMinRxMicroseconds,
    },
    poll: 'none',
    lastSentMs: Number.NEGATIVE_INFINITY,
    detectDeadlineMs: Number.POSITIVE_INFINITY,
    detectTimerMs: Number.POSITIVE_INFINITY,
  }
}

/**
 * Milliseconds between packets before jitter (RFC 5880 section 6.8.2); undefined = none are sent by themselves: the
 * peer wants none, or is in Demand mode, or we are passive and it has not spoken (section 6.8.7).
 */
export function transmitIntervalMs(session: BfdSession): number | undefined {
  const { remote, options, state, poll } = session
  if (options.isPassive && remote.discriminator === 0) return undefined
  if (remote.requiredMinRxMicroseconds === 0) return undefined
  const isDemandActive = remote.isDemand && state === 'Up' && remote.state === 'Up'
  if (isDemandActive && poll === 'none') return undefined
  return Math.max(session.inForce.desiredMinTxMicroseconds, remote.requiredMinRxMicroseconds) / 1000
}

/** Milliseconds of silence that mean "down" (RFC 5880 section 6.8.4). */
export function detectionTimeMs(session: BfdSession): number {
  const { remote, inForce } = session
  const interval = Math.max(inForce.requiredMinRxMicroseconds, remote.desiredMinTxMicroseconds)
  return (remote.detectMultiplier * interval) / 1000
}
