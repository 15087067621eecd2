/** Timers of a BGPPeer: hold, keepalive and connect time, in whole seconds. */
import type { BGPPeer as BgpPeerResource } from '../../crds/index.ts'
import type { Findings } from './draft.ts'
import { parseDurationMs } from './duration.ts'

export interface PeerTimers {
  /** undefined = the implementation's default; 0 = never give the peer up. */
  readonly holdTimeSeconds: number | undefined
  readonly keepaliveTimeSeconds: number | undefined
  readonly connectTimeSeconds: number | undefined
}

type Spec = Pick<NonNullable<BgpPeerResource['spec']>, 'holdTime' | 'keepaliveTime' | 'connectTime'>

const SHORTEST_HOLD_SECONDS = 3
const LONGEST_CONNECT_SECONDS = 65_535
const HOLD_PER_KEEPALIVE = 3

export function readTimers(spec: Spec, findings: Findings): PeerTimers {
  const holdMs = readDuration(spec.holdTime, 'spec.holdTime', findings)
  const keepaliveMs = readDuration(spec.keepaliveTime, 'spec.keepaliveTime', findings)
  const hold = holdMs === undefined ? undefined : Math.floor(holdMs / 1000)
  if (hold !== undefined && hold !== 0 && hold < SHORTEST_HOLD_SECONDS) {
    const text = `"${spec.holdTime}" is too short; use 0s (never give up) or at least 3s (RFC 4271 section 4.2)`
    findings.error('spec.holdTime', 'hold-time-too-short', text)
  }
  if (holdMs !== undefined && keepaliveMs !== undefined && keepaliveMs > holdMs) {
    const text = `"${spec.keepaliveTime}" is longer than the hold time "${spec.holdTime}"; use a third of it`
    findings.error('spec.keepaliveTime', 'keepalive-exceeds-hold-time', text)
  }
  // MetalLB's conversion of v1beta1 objects wrote 0s for what was absent, so that this may be nobody's wish.
  if (holdMs === 0 && keepaliveMs === 0) {
    const text = 'with holdTime and keepaliveTime of 0s a dead peer is never noticed; drop both for the defaults'
    findings.notice('spec.holdTime', 'timers-off', text)
  }
  return {
    ...complete(hold, toKeepalive(keepaliveMs)),
    connectTimeSeconds: readConnectTime(spec.connectTime, findings),
  }
}

/** Each of the two follows from the other. */
function complete(hold: number | undefined, keepalive: number | undefined): Omit<PeerTimers, 'connectTimeSeconds'> {
  if (hold === undefined && keepalive === undefined) {
    return { holdTimeSeconds: undefined, keepaliveTimeSeconds: undefined }
  }
  return {
    holdTimeSeconds: hold ?? keepalive! * HOLD_PER_KEEPALIVE,
    keepaliveTimeSeconds: keepalive ?? Math.floor(hold! / HOLD_PER_KEEPALIVE),
  }
}

/** Fractions are cut off, but never to 0, which would switch keepalives off. */
function toKeepalive(ms: number | undefined): number | undefined {
  return ms === undefined || ms === 0 ? ms : Math.max(1, Math.floor(ms / 1000))
}

function readConnectTime(text: string | undefined, findings: Findings): number | undefined {
  const ms = readDuration(text, 'spec.connectTime', findings)
  if (ms === undefined) return undefined
  const seconds = ms / 1000
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST_CONNECT_SECONDS) return seconds
  const said = `"${text}" is not a whole number of seconds from 1s to 65535s`
  findings.error('spec.connectTime', 'connect-time-invalid', said)
  return undefined
}

function readDuration(text: string | undefined, path: string, findings: Findings): number | undefined {
  if (text === undefined) return undefined
  const ms = parseDurationMs(text)
  if (ms !== undefined && ms >= 0) return ms
  findings.error(path, 'duration-unparsable', `"${text}" is not a duration; write it as "90s" or "1m30s"`)
  return undefined
}
