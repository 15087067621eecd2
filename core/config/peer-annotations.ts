/** What can be asked of a BGPPeer that MetalLB's resource has no field for: annotations of ours. */
import type { ObjectMeta } from '../../crds/index.ts'
import type { Findings } from './draft.ts'

/** `"true"`: never connect to the peer, let it connect to us. */
export const PASSIVE_ANNOTATION = 'invar.dev/passive'
/** How many hops away the peer is at most: packets from further off are dropped by the kernel (RFC 5082). */
export const SECURITY_HOPS_ANNOTATION = 'invar.dev/ttl-security-hops'
/** Our role towards the peer (RFC 9234). */
export const ROLE_ANNOTATION = 'invar.dev/role'
/** `"true"`: refuse a peer that names no role. */
export const ROLE_REQUIRED_ANNOTATION = 'invar.dev/role-required'

export const PEER_ROLES = ['provider', 'route-server', 'route-server-client', 'customer', 'peer'] as const
export type PeerRole = (typeof PEER_ROLES)[number]

export interface PeerAnnotations {
  readonly isPassive: boolean
  /** undefined = not checked. */
  readonly securityHops: number | undefined
  readonly role: PeerRole | undefined
  readonly isRoleRequired: boolean
}

/** A path of more hops than this would not get through the Internet either. */
const MOST_HOPS = 254

export function readPeerAnnotations({ annotations = {} }: ObjectMeta, findings: Findings): PeerAnnotations {
  const read = <T>(name: string, values: string, parse: (text: string) => T | undefined): T | undefined => {
    const text = annotations[name]
    const value = text === undefined ? undefined : parse(text)
    if (text !== undefined && value === undefined) {
      findings.error(`metadata.annotations[${name}]`, 'peer-annotation-invalid', `"${text}" is not ${values}`)
    }
    return value
  }
  return {
    isPassive: read(PASSIVE_ANNOTATION, '"true" or "false"', switchOf) ?? false,
    securityHops: read(SECURITY_HOPS_ANNOTATION, `a number from 1 to ${MOST_HOPS}`, hopsOf),
    role: read(ROLE_ANNOTATION, `one of ${PEER_ROLES.join(', ')}`, (text) => PEER_ROLES.find((role) => role === text)),
    isRoleRequired: read(ROLE_REQUIRED_ANNOTATION, '"true" or "false"', switchOf) ?? false,
  }
}

function switchOf(text: string): boolean | undefined {
  if (text === 'true') return true
  return text === 'false' ? false : undefined
}

function hopsOf(text: string): number | undefined {
  const hops = /^\d{1,3}$/.test(text) ? Number(text) : 0
  return hops >= 1 && hops <= MOST_HOPS ? hops : undefined
}
