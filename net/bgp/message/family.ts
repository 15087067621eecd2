import type { Family } from '../../ip/index.ts'

/** The address families whose routes Invar announces. */
export type AddressFamily = 'ipv4-unicast' | 'ipv6-unicast'

/** Address family and subsequent address family as numbers (RFC 4760 section 3, IANA address-family-numbers). */
export interface FamilyCode {
  readonly afi: number
  readonly safi: number
}

export const AFI = { ipv4: 1, ipv6: 2 } as const
export const SAFI_UNICAST = 1

export const FAMILY_CODES: Readonly<Record<AddressFamily, FamilyCode>> = {
  'ipv4-unicast': { afi: AFI.ipv4, safi: SAFI_UNICAST },
  'ipv6-unicast': { afi: AFI.ipv6, safi: SAFI_UNICAST },
}

export const ADDRESS_FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const satisfies readonly AddressFamily[]

/** undefined = a family that Invar does not carry. */
export function addressFamilyOfCode(code: FamilyCode): AddressFamily | undefined {
  return ADDRESS_FAMILIES.find((name) => FAMILY_CODES[name].afi === code.afi && FAMILY_CODES[name].safi === code.safi)
}

export function addressFamilyOf(family: Family): AddressFamily {
  return family === 4 ? 'ipv4-unicast' : 'ipv6-unicast'
}

export function ipFamilyOf(family: AddressFamily): Family {
  return family === 'ipv4-unicast' ? 4 : 6
}
