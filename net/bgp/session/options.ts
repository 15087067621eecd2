import type { AddressFamily } from '../message/index.ts'
import type { Role } from './role.ts'

/** Which AS number the peer may show (BGPPeer `peerASN` and `dynamicASN`). */
export type RemoteAs = { readonly kind: 'asn'; readonly asn: number } | { readonly kind: 'internal' | 'external' }

export interface GracefulRestartOptions {
  /** 0 to 4095: how long the peer may go on using our routes without us. */
  readonly restartTimeSeconds: number
  /**
   * The N bit (RFC 8538): the peer keeps our routes after NOTIFICATIONs too. That includes its own "hold timer expired",
   * so a node that is dead, and not watched by BFD, attracts traffic for the hold time and the restart time after it.
   */
  readonly offersNotificationSupport: boolean
}

/** Our side of a session. Where the peer is, and how it is reached, the shell knows. */
export interface SessionOptions {
  /** Towards this peer: `localASN` where it is set. */
  readonly localAsn: number
  readonly remote: RemoteAs
  /** Router id, as a number. */
  readonly identifier: number
  /** 0, or 3 to 65535. */
  readonly holdTimeSeconds: number
  /** undefined = a third of the negotiated hold time. */
  readonly keepaliveTimeSeconds: number | undefined
  /** Fixed interval between attempts; undefined = the growing back-off. */
  readonly connectRetrySeconds: number | undefined
  readonly families: readonly AddressFamily[]
  /** Offer IPv4 routes with IPv6 next hops (RFC 8950). */
  readonly offersExtendedNextHop: boolean
  /** Offer messages up to 65535 octets (RFC 8654). */
  readonly offersExtendedMessage: boolean
  readonly gracefulRestart: GracefulRestartOptions | undefined
  /** RFC 9234; external sessions only. */
  readonly role: Role | undefined
  /** Refuse a peer that names no role. */
  readonly mustHaveRole: boolean
  /** Never connect, only be connected to. */
  readonly isPassive: boolean
}

/** Changing these leaves a running session alone: they are about the next attempt, or ours alone to decide. */
const HARMLESS: readonly (keyof SessionOptions)[] = ['keepaliveTimeSeconds', 'connectRetrySeconds', 'isPassive']

/** The options that a running session depends on and that differ; none = it may go on. */
export function changesThatReset(before: SessionOptions, after: SessionOptions): readonly (keyof SessionOptions)[] {
  const names = Object.keys(after) as (keyof SessionOptions)[]
  return names.filter((name) => !HARMLESS.includes(name) && !isSame(before[name], after[name]))
}

/** Options are plain data, with their keys in one order wherever they are made. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
