/**
 * Why a Service, or a node, does not announce. The codes are MetalLB's where it has one; there they end in the debug
 * log, here they are published.
 */
export type SilentReason =
  | 'notLoadBalancer'
  /** Of another load balancer class. */
  | 'otherLoadBalancerClass'
  /** Deleted: the controller's finalizer may wait for us to cease. */
  | 'beingDeleted'
  | 'noIPAllocated'
  | 'invalidIP'
  | 'ipNotAllowed'
  | 'noEndpoints'
  | 'sharedIPWithServiceSelector'
  | 'conflictingAdvertisements'
  /** BGP: no advertisement of the pool selects this node. */
  | 'notOwner'
  | NodeReason

/** Why one node is no candidate. In the order of the checks. */
export type NodeReason = (typeof NODE_REASONS)[number]

export const NODE_REASONS = [
  'noMatchingAdvertisement',
  'nodeNetworkUnavailable',
  'nodeLabeledExcludeBalancers',
  'noLocalEndpoints',
  'noUsableInterface',
] as const

export interface Silent {
  readonly kind: 'silent'
  readonly because: SilentReason
  /** One sentence that names what is in the way. */
  readonly detail: string
}

export function silent(because: SilentReason, detail: string): Silent {
  return { kind: 'silent', because, detail }
}

/** What to say of a node that may not announce. */
export function nodeReasonSentence(node: string, reason: NodeReason): string {
  switch (reason) {
    case 'noMatchingAdvertisement':
      return `no matching advertisement selects node ${node}`
    case 'nodeNetworkUnavailable':
      return `node ${node} has condition NetworkUnavailable`
    case 'nodeLabeledExcludeBalancers':
      return `node ${node} has the label ${EXCLUDE_LABEL} (--ignore-exclude-lb disregards it)`
    case 'noLocalEndpoints':
      return `externalTrafficPolicy is Local and no endpoint on node ${node} can serve`
    case 'noUsableInterface':
      return `node ${node} has none of the interfaces that the advertisements name`
  }
}

/** With any value, it keeps load balancers off a node. */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** Why a candidate comes after the others, whatever its score: its addresses are to leave it while it can hand them over. */
export type LastReason = 'nodeCordoned' | 'nodeNotReady'

export function lastReasonSentence(node: string, reason: LastReason): string {
  switch (reason) {
    case 'nodeCordoned':
      return `node ${node} is cordoned or tainted to be emptied, so it comes last (--ignore-cordon disregards that)`
    case 'nodeNotReady':
      return `node ${node} is not Ready, so it comes last (--heed-node-ready)`
  }
}
