/**
 * BFD control packet (RFC 5880 section 4.1):
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
 *    |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
 *    +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
 *    |                       My Discriminator                        |
 *    +---------------------------------------------------------------+
 *    |                      Your Discriminator                       |
 *    +---------------------------------------------------------------+
 *    |                    Desired Min TX Interval                    |
 *    +---------------------------------------------------------------+
 *    |                   Required Min RX Interval                    |
 *    +---------------------------------------------------------------+
 *    |                 Required Min Echo RX Interval                 |
 *    +---------------------------------------------------------------+
 *    |  Authentication Section, if A is set
 */
import { DecodeError, Reader, Writer } from '../bytes/index.ts'

export const BFD_VERSION = 1

/** By their number on the wire. */
export const STATES = ['AdminDown', 'Down', 'Init', 'Up'] as const
export type BfdState = (typeof STATES)[number]

/** Why the session last went down, in words, by number (RFC 5880 section 4.1). */
export const DIAGNOSTICS = [
  'no diagnostic',
  'control detection time expired',
  'echo function failed',
  'neighbor signaled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
] as const
export type Diagnostic = (typeof DIAGNOSTICS)[number]

/** Intervals are whole microseconds. */
export interface ControlPacket {
  /** 0 to 31; see DIAGNOSTICS. */
  readonly diagnostic: number
  readonly state: BfdState
  readonly isPoll: boolean
  readonly isFinal: boolean
  readonly isControlPlaneIndependent: boolean
  readonly isDemand: boolean
  /** Point-to-multipoint: no packet of ours, and none that we take. */
  readonly isMultipoint: boolean
  readonly detectMultiplier: number
  readonly myDiscriminator: number
  readonly yourDiscriminator: number
  readonly desiredMinTxMicroseconds: number
  /** 0 = do not send me any. */
  readonly requiredMinRxMicroseconds: number
  /** 0 = do not send me any. */
  readonly requiredMinEchoRxMicroseconds: number
  /** Unread, with its type and length; undefined = none. */
  readonly authentication: Uint8Array | undefined
}

const LENGTH = 24
/** Type and length of the authentication section. */
const LEAST_AUTHENTICATION = 2
const FLAG = { poll: 0x20, final: 0x10, independent: 0x08, authentication: 0x04, demand: 0x02, multipoint: 0x01 }

/** Structure only, RFC 5880 section 6.8.6 up to the lengths. What stands behind the length is not ours to judge. */
export function decodeControlPacket(bytes: Uint8Array): ControlPacket {
  const reader = new Reader(bytes)
  const versionAndDiagnostic = reader.u8()
  if (versionAndDiagnostic >> 5 !== BFD_VERSION) throw new DecodeError('unsupported', 0, 'not BFD version 1')
  const stateAndFlags = reader.u8()
  const detectMultiplier = reader.u8()
  const length = reader.u8()
  const hasAuthentication = (stateAndFlags & FLAG.authentication) !== 0
  const least = hasAuthentication ? LENGTH + LEAST_AUTHENTICATION : LENGTH
  if (length < least) throw new DecodeError('malformed', 3, `length ${length} is below ${least}`)
  if (length > bytes.length) throw new DecodeError('truncated', 3, `need ${length} bytes, have ${bytes.length}`)
  return {
    diagnostic: versionAndDiagnostic & 0x1f,
    state: STATES[stateAndFlags >> 6]!,
    isPoll: (stateAndFlags & FLAG.poll) !== 0,
    isFinal: (stateAndFlags & FLAG.final) !== 0,
    isControlPlaneIndependent: (stateAndFlags & FLAG.independent) !== 0,
    isDemand: (stateAndFlags & FLAG.demand) !== 0,
    isMultipoint: (stateAndFlags & FLAG.multipoint) !== 0,
    detectMultiplier,
    myDiscriminator: reader.u32(),
    yourDiscriminator: reader.u32(),
    desiredMinTxMicroseconds: reader.u32(),
    requiredMinRxMicroseconds: reader.u32(),
    requiredMinEchoRxMicroseconds: reader.u32(),
    authentication: hasAuthentication ? reader.take(length - LENGTH) : undefined,
  }
}

export function encodeControlPacket(packet: ControlPacket): Uint8Array {
  const { authentication } = packet
  const length = LENGTH + (authentication?.length ?? 0)
  const flags =
    (packet.isPoll ? FLAG.poll : 0) |
    (packet.isFinal ? FLAG.final : 0) |
    (packet.isControlPlaneIndependent ? FLAG.independent : 0) |
    (authentication === undefined ? 0 : FLAG.authentication) |
    (packet.isDemand ? FLAG.demand : 0) |
    (packet.isMultipoint ? FLAG.multipoint : 0)
  return new Writer(new Uint8Array(length))
    .u8((BFD_VERSION << 5) | packet.diagnostic)
    .u8((STATES.indexOf(packet.state) << 6) | flags)
    .u8(packet.detectMultiplier)
    .u8(length)
    .u32(packet.myDiscriminator)
    .u32(packet.yourDiscriminator)
    .u32(packet.desiredMinTxMicroseconds)
    .u32(packet.requiredMinRxMicroseconds)
    .u32(packet.requiredMinEchoRxMicroseconds)
    .bytes(authentication ?? new Uint8Array(0))
    .finish()
}

/** For people; a number that is not assigned stands as it is. */
export function describeDiagnostic(diagnostic: number): string {
  return DIAGNOSTICS[diagnostic] ?? `diagnostic ${diagnostic}`
}
