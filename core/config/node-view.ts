import type { NodeFacts, Resources } from './resources.ts'
import { compileSelector, type LabelSelectorText, matchesAny } from './selector.ts'

/**
 * What the speaker of one node compiles: without the peers and BGP advertisements that do not select the node, so that
 * a fault in them is not reported there. L2 advertisements stay: the election needs the same view on all nodes.
 */
export function viewOfNode(resources: Resources, node: NodeFacts): Resources {
  const selects = ({ spec }: { readonly spec?: { readonly nodeSelectors?: readonly LabelSelectorText[] } }) =>
    selectsNode(spec?.nodeSelectors, node)
  return {
    ...resources,
    peers: resources.peers.filter(selects),
    bgpAdvertisements: resources.bgpAdvertisements.filter(selects),
  }
}

function selectsNode(texts: readonly LabelSelectorText[] | undefined, node: NodeFacts): boolean {
  const compiled = (texts ?? []).map(compileSelector)
  // Where a selector is faulty nobody knows whom it selects: every node reports it.
  if (compiled.some(({ faults }) => faults.length > 0)) return true
  return matchesAny(
    compiled.map(({ selector }) => selector),
    node.labels,
  )
}
