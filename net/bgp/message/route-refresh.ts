/**
 * ROUTE-REFRESH (RFC 2918 section 3, RFC 7313 section 3.2):
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+---------------+---------------+
 *    |             AFI               |    Subtype    |     SAFI      |
 *    +-------------------------------+---------------+---------------+
 */
import { DecodeError, Reader, Writer } from '../../bytes/index.ts'
import { type AddressFamily, FAMILY_CODES, type FamilyCode } from './family.ts'
import { frameMessage } from './header.ts'

/** `request` asks for all routes again; the other two stand around the answer (RFC 7313 section 4). */
export const REFRESH_SUBTYPES = { request: 0, 'beginning-of-refresh': 1, 'end-of-refresh': 2 } as const
export type RefreshSubtype = keyof typeof REFRESH_SUBTYPES

export interface RouteRefresh extends FamilyCode {
  /** One of REFRESH_SUBTYPES; a message of another subtype "MUST be ignored" (RFC 7313 section 5). */
  readonly subtype: number
}

const BODY_LENGTH = 4
/** A request with outbound route filters (RFC 5291) is longer; we do not offer that capability, so it is malformed. */
export function decodeRouteRefresh(body: Uint8Array): RouteRefresh {
  if (body.length > BODY_LENGTH) throw new DecodeError('malformed', BODY_LENGTH, 'ROUTE-REFRESH is too long')
  const reader = new Reader(body)
  const afi = reader.u16()
  const subtype = reader.u8()
  return { afi, subtype, safi: reader.u8() }
}

export function encodeRouteRefresh(refresh: RouteRefresh): Uint8Array {
  return new Writer().u16(refresh.afi).u8(refresh.subtype).u8(refresh.safi).finish()
}

/** A whole message. */
export function routeRefresh(family: AddressFamily, subtype: RefreshSubtype): Uint8Array {
  const refresh = { ...FAMILY_CODES[family], subtype: REFRESH_SUBTYPES[subtype] }
  return frameMessage('route-refresh', encodeRouteRefresh(refresh))
}
