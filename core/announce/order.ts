import type { L2Advertisement } from '../config/snapshot.ts'
import type { ClusterView } from './cluster-view.ts'
import type { LastReason } from './reasons.ts'

/** One candidate, and what gave it its place. */
export interface RankedNode {
  readonly node: string
  /** Sum of the weights of preferences that match. */
  readonly score: number
  /** It reported last that it answers, and is to keep the address among its equals. */
  readonly isIncumbent: boolean
  /** Set where it comes after all others. */
  readonly last: LastReason | undefined
}

/**
 * The candidates for an address, best first; every speaker computes the same from the same objects. Those that are to be
 * emptied come last; then the higher score wins; among equals who holds the address (`incumbents`, the newest report
 * first); else the order of the hashes, which is MetalLB's.
 */
export function rankCandidates(
  ip: string,
  candidates: ReadonlySet<string>,
  advertisements: readonly L2Advertisement[],
  view: ClusterView,
  incumbents: readonly string[],
): readonly RankedNode[] {
  const known = view.isSticky ? incumbents : []
  const preferring = advertisements.filter((advertisement) => advertisement.preferences.length > 0)
  const ranked = view.election
    .orderFor(ip)
    .filter((name) => candidates.has(name))
    .map((node) => ({
      node,
      score: scoreOf(node, preferring, view),
      isIncumbent: known.includes(node),
      last: view.lastReasonOf(node),
    }))
  // Array.sort is stable: what is equal stays in the order of the hashes.
  return ranked.sort((a, b) => {
    const byLast = Number(a.last !== undefined) - Number(b.last !== undefined)
    return byLast || b.score - a.score || tenure(a, known) - tenure(b, known)
  })
}

function scoreOf(node: string, preferring: readonly L2Advertisement[], view: ClusterView): number {
  const selecting = preferring.filter((advertisement) => view.selectedBy(advertisement).has(node))
  return selecting.reduce((sum, advertisement) => sum + view.scoreOf(advertisement, node), 0)
}

function tenure({ node, isIncumbent }: RankedNode, incumbents: readonly string[]): number {
  return isIncumbent ? incumbents.indexOf(node) : incumbents.length
}
