/** BGP Role (RFC 9234 section 4.1): what a speaker is to its peer. */
export const ROLES = { provider: 0, 'route-server': 1, 'route-server-client': 2, customer: 3, peer: 4 } as const
export type Role = keyof typeof ROLES

/** RFC 9234 section 4.2, table 2: the one role that the other side may have. */
const COUNTERPARTS: Readonly<Record<Role, Role>> = {
  provider: 'customer',
  customer: 'provider',
  'route-server': 'route-server-client',
  'route-server-client': 'route-server',
  peer: 'peer',
}

/**
 * Whether the roles fit. `theirs` holds the value of each role capability received: none is fine unless we insist,
 * several must agree.
 */
export function rolesFit(ours: Role | undefined, theirs: readonly number[], mustHaveRole: boolean): boolean {
  if (ours === undefined) return true
  if (theirs.length === 0) return !mustHaveRole
  return theirs.every((role) => role === ROLES[COUNTERPARTS[ours]])
}

/** RFC 9234 section 5, egress rule 1: routes that go to these must not travel up again, and say so. */
export function marksOnlyToCustomer(ours: Role | undefined): boolean {
  return ours === 'provider' || ours === 'peer' || ours === 'route-server'
}
