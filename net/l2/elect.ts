import type { Members, OwnershipReason } from './node.ts'

/** What an election needs to know of this node. */
export interface Self {
  readonly node: string
  readonly usable: ReadonlyMap<string, string>
  readonly isLeaving: boolean
}

/** What an election needs to know of an address. */
export interface Contest {
  readonly candidates: readonly string[]
  readonly interfaces: readonly string[] | undefined
}

export interface Elected {
  /** undefined = nobody can. */
  readonly owner: string | undefined
  readonly reason: OwnershipReason
}

/**
 * The owner is the first candidate that is alive and has a usable interface. Every node computes it alike from what
 * all publish; nobody is asked.
 */
export function elect(contest: Contest, members: Members, self: Self): Elected {
  if (!members.isSettled) return { owner: undefined, reason: { kind: 'waiting-for-members' } }
  const owner = firstEligible(contest, members, self)
  if (owner === self.node) return { owner, reason: { kind: 'elected' } }
  if (!contest.candidates.includes(self.node)) return { owner, reason: { kind: 'not-a-candidate' } }
  if (self.isLeaving && firstEligible(contest, members, { ...self, isLeaving: false }) === self.node) {
    return { owner, reason: { kind: 'leaving' } }
  }
  if (owner === undefined || usableInterfaces(contest, self).length === 0) {
    return { owner, reason: { kind: 'no-usable-interface', wanted: contest.interfaces } }
  }
  return lostTo(owner)
}

export function lostTo(owner: string): Elected {
  return { owner, reason: { kind: 'lost-election', owner } }
}

function firstEligible(contest: Contest, members: Members, self: Self): string | undefined {
  return contest.candidates.find((node) => isEligible(node, contest, members, self))
}

function isEligible(node: string, contest: Contest, members: Members, self: Self): boolean {
  if (node === self.node) return !self.isLeaving && usableInterfaces(contest, self).length > 0
  if (members.alive === undefined) return true
  const member = members.alive.get(node)
  if (member === undefined) return false
  const { interfaces } = member
  if (interfaces === undefined) return true
  return contest.interfaces === undefined
    ? interfaces.length > 0
    : contest.interfaces.some((name) => interfaces.includes(name))
}

/** Interfaces of this node to answer on, in name order. */
export function usableInterfaces(contest: Contest, self: Self): readonly string[] {
  const names = contest.interfaces ?? [...self.usable.keys()]
  return names.filter((name) => self.usable.has(name)).sort()
}

/** Whether `node` comes before `other` among the candidates; one that is no candidate comes last. */
export function outranks(contest: Contest, node: string, other: string): boolean {
  const rank = contest.candidates.indexOf(node)
  const otherRank = contest.candidates.indexOf(other)
  return rank !== -1 && (otherRank === -1 || rank < otherRank)
}
