import type { Elected } from './elect.ts'
import type { OwnershipReason } from './node.ts'
import { type Address, heldOn, isSameList, type Turn, type Verdict } from './state.ts'

/** Says to each Service whether and why this node answers, where that is news to it. */
export function report(turn: Turn, address: Address, elected: Elected): void {
  const interfaces = heldOn(address)
  const verdict: Verdict = { owned: interfaces.length > 0, interfaces, reason: reasonOf(address, elected) }
  const isNews = address.verdict === undefined || !isSameVerdict(address.verdict, verdict)
  if (isNews) address.verdict = verdict
  for (const want of address.wants) {
    if (want.told === address.verdict) continue
    want.told = address.verdict
    turn.actions.push({ kind: 'ownership', key: want.key, ip: address.ip, ...address.verdict! })
  }
}

function reasonOf({ phase }: Address, elected: Elected): OwnershipReason {
  if (phase.kind === 'handing-over') return { kind: 'handing-over', to: phase.to }
  if (phase.kind !== 'probing' && phase.kind !== 'in-use') return elected.reason
  const { found } = phase
  if (found === undefined) return { kind: 'probing' }
  return { kind: 'address-in-use', mac: found.mac, interface: found.interface }
}

function isSameVerdict(a: Verdict, b: Verdict): boolean {
  return a.owned === b.owned && isSameList(a.interfaces, b.interfaces) && isSameReason(a.reason, b.reason)
}

function isSameReason(a: OwnershipReason, b: OwnershipReason): boolean {
  switch (a.kind) {
    case 'lost-election':
      return b.kind === a.kind && a.owner === b.owner
    case 'no-usable-interface':
      return b.kind === a.kind && isSameList(a.wanted, b.wanted)
    case 'address-in-use':
      return b.kind === a.kind && a.mac === b.mac && a.interface === b.interface
    case 'handing-over':
      return b.kind === a.kind && a.to === b.to
    default:
      return a.kind === b.kind
  }
}
