/** An address of ours that another station uses: how a ServiceL2Status tells of it. Its readers: reported-conflict.ts. */
import type { ConditionSaying } from './condition.ts'

/** Type of the condition that is True as long as there is a conflict, and absent otherwise. */
export const ADDRESS_CONFLICT = 'AddressConflict'

/** Annotation of a ServiceL2Status: the addresses in conflict, separated by commas; absent where there is none. */
export const CONFLICT_ANNOTATION = 'invar.dev/conflict'

/** Another station was seen with an address of ours. */
export interface AddressConflict {
  /** Canonical text. */
  readonly ip: string
  /** Of the other station. */
  readonly mac: string
  /** Of the node that saw it. */
  readonly interface: string
  /**
   * `AddressInUse`: found by asking before the first announcement, which was left undone. `ForeignClaim`: the address is
   * announced, and somebody else answers as well.
   */
  readonly reason: 'AddressInUse' | 'ForeignClaim'
}

/** Value of the annotation; undefined = no annotation. */
export function conflictAnnotation(conflicts: readonly AddressConflict[]): string | undefined {
  if (conflicts.length === 0) return undefined
  return sorted(conflicts)
    .map(({ ip }) => ip)
    .join(',')
}

/** What the condition says; undefined = no condition. One address that is announced makes it a ForeignClaim. */
export function conflictCondition(node: string, conflicts: readonly AddressConflict[]): ConditionSaying | undefined {
  if (conflicts.length === 0) return undefined
  const isInUse = conflicts.every(({ reason }) => reason === 'AddressInUse')
  return {
    type: ADDRESS_CONFLICT,
    status: 'True',
    reason: isInUse ? 'AddressInUse' : 'ForeignClaim',
    message: sorted(conflicts)
      .map((conflict) => conflictSentence(node, conflict))
      .join('; '),
  }
}

/** Names address, station, where it was seen, and the remedy. */
export function conflictSentence(node: string, { ip, mac, interface: name, reason }: AddressConflict): string {
  const station = `station ${mac}, seen on interface ${name} of node ${node}`
  const remedy = 'take the address from that station, or out of the pool'
  if (reason === 'AddressInUse') return `${ip} is not announced, as ${station}, has it already: ${remedy}`
  return `${station}, answers for ${ip} as well: ${remedy}`
}

function sorted(conflicts: readonly AddressConflict[]): readonly AddressConflict[] {
  return [...conflicts].sort((a, b) => (a.ip < b.ip ? -1 : 1))
}
