/**
 * Capabilities (RFC 5492 section 4): what a speaker says in its OPEN that it can do.
 *
 *    +------------------------------+
 *    | Capability Code (1 octet)    |
 *    | Capability Length (1 octet)  |
 *    | Capability Value (variable)  |
 *    +------------------------------+
 */
import { type Reader, Writer } from '../../bytes/index.ts'
import type { FamilyCode } from './family.ts'

export const CAPABILITY_CODES = {
  multiprotocol: 1,
  'route-refresh': 2,
  'extended-next-hop': 5,
  'extended-message': 6,
  role: 9,
  'graceful-restart': 64,
  'four-octet-asn': 65,
  'enhanced-route-refresh': 70,
} as const

export interface GracefulRestartFamily extends FamilyCode {
  /** The F bit: forwarding went on while the speaker restarted. */
  readonly isForwardingPreserved: boolean
}

/** RFC 4724 section 3; `hasNotificationSupport` is the N bit of RFC 8538 section 2. */
export interface GracefulRestart {
  readonly kind: 'graceful-restart'
  readonly isRestarting: boolean
  readonly hasNotificationSupport: boolean
  /** 12 bits: 0 to 4095. */
  readonly restartTimeSeconds: number
  readonly families: readonly GracefulRestartFamily[]
}

/** RFC 8950 section 4: prefixes of the family may have a next hop of `nextHopAfi`. */
export interface ExtendedNextHop extends FamilyCode {
  readonly nextHopAfi: number
}

export type Capability =
  | ({ readonly kind: 'multiprotocol' } & FamilyCode)
  | { readonly kind: 'route-refresh' }
  | { readonly kind: 'extended-next-hop'; readonly entries: readonly ExtendedNextHop[] }
  | { readonly kind: 'extended-message' }
  | { readonly kind: 'role'; readonly role: number }
  | GracefulRestart
  | { readonly kind: 'four-octet-asn'; readonly asn: number }
  | { readonly kind: 'enhanced-route-refresh' }
  | { readonly kind: 'unknown'; readonly code: number; readonly value: Uint8Array }

const RESTART_STATE = 0x8000
const NOTIFICATION_SUPPORT = 0x4000
const RESTART_TIME_MASK = 0x0fff
const FORWARDING_STATE = 0x80

/** All capabilities of one optional parameter. A known one of the wrong length is malformed; unknown ones are kept. */
export function decodeCapabilities(reader: Reader): Capability[] {
  const capabilities: Capability[] = []
  while (reader.remaining > 0) {
    const code = reader.u8()
    const value = reader.sub(reader.u8())
    const decode = DECODERS.get(code)
    capabilities.push(decode === undefined ? { kind: 'unknown', code, value: value.rest() } : decode(value))
    value.expectEnd(`capability ${code}`)
  }
  return capabilities
}

const DECODERS: ReadonlyMap<number, (value: Reader) => Capability> = new Map([
  [CAPABILITY_CODES.multiprotocol, decodeMultiprotocol],
  [CAPABILITY_CODES['route-refresh'], () => ({ kind: 'route-refresh' })],
  [CAPABILITY_CODES['extended-next-hop'], decodeExtendedNextHop],
  [CAPABILITY_CODES['extended-message'], () => ({ kind: 'extended-message' })],
  [CAPABILITY_CODES.role, (value) => ({ kind: 'role', role: value.u8() })],
  [CAPABILITY_CODES['graceful-restart'], decodeGracefulRestart],
  [CAPABILITY_CODES['four-octet-asn'], (value) => ({ kind: 'four-octet-asn', asn: value.u32() })],
  [CAPABILITY_CODES['enhanced-route-refresh'], () => ({ kind: 'enhanced-route-refresh' })],
] satisfies [number, (value: Reader) => Capability][])

function decodeMultiprotocol(value: Reader): Capability {
  const afi = value.u16()
  // Reserved octet: "SHOULD be set to zero and ignored" (RFC 4760 section 8).
  value.u8()
  return { kind: 'multiprotocol', afi, safi: value.u8() }
}

/** RFC 8950 section 4: the SAFI takes two octets here. */
function decodeExtendedNextHop(value: Reader): Capability {
  const entries: ExtendedNextHop[] = []
  while (value.remaining > 0) entries.push({ afi: value.u16(), safi: value.u16(), nextHopAfi: value.u16() })
  return { kind: 'extended-next-hop', entries }
}

function decodeGracefulRestart(value: Reader): Capability {
  const flagsAndTime = value.u16()
  const families: GracefulRestartFamily[] = []
  while (value.remaining > 0) {
    const code = { afi: value.u16(), safi: value.u8() }
    families.push({ ...code, isForwardingPreserved: (value.u8() & FORWARDING_STATE) !== 0 })
  }
  return {
    kind: 'graceful-restart',
    isRestarting: (flagsAndTime & RESTART_STATE) !== 0,
    hasNotificationSupport: (flagsAndTime & NOTIFICATION_SUPPORT) !== 0,
    restartTimeSeconds: flagsAndTime & RESTART_TIME_MASK,
    families,
  }
}

export function encodeCapability(capability: Capability): Uint8Array {
  const value = encodeValue(capability)
  if (value.length > 0xff) throw new RangeError(`capability ${capability.kind} is too long: ${value.length} octets`)
  const code = capability.kind === 'unknown' ? capability.code : CAPABILITY_CODES[capability.kind]
  return new Writer().u8(code).u8(value.length).bytes(value).finish()
}

function encodeValue(capability: Capability): Uint8Array {
  const writer = new Writer()
  switch (capability.kind) {
    case 'multiprotocol':
      return writer.u16(capability.afi).u8(0).u8(capability.safi).finish()
    case 'extended-next-hop':
      for (const entry of capability.entries) writer.u16(entry.afi).u16(entry.safi).u16(entry.nextHopAfi)
      return writer.finish()
    case 'role':
      return writer.u8(capability.role).finish()
    case 'graceful-restart':
      return encodeGracefulRestart(capability)
    case 'four-octet-asn':
      return writer.u32(capability.asn).finish()
    case 'unknown':
      return capability.value
    case 'route-refresh':
    case 'extended-message':
    case 'enhanced-route-refresh':
      return writer.finish()
  }
}

function encodeGracefulRestart(capability: GracefulRestart): Uint8Array {
  const restart = capability.isRestarting ? RESTART_STATE : 0
  const notification = capability.hasNotificationSupport ? NOTIFICATION_SUPPORT : 0
  const writer = new Writer().u16(restart | notification | (capability.restartTimeSeconds & RESTART_TIME_MASK))
  for (const { afi, safi, isForwardingPreserved } of capability.families) {
    writer
      .u16(afi)
      .u8(safi)
      .u8(isForwardingPreserved ? FORWARDING_STATE : 0)
  }
  return writer.finish()
}
