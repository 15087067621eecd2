/** Services that people were promised and nobody announces: what an alert is about. */
import type { Layer2Decision, SilentReason } from '../core/announce/index.ts'

export interface UnannouncedSource {
  /** All Services there are. */
  readonly keys: () => Iterable<string>
  /** What the whole cluster is to do on layer 2. */
  readonly layer2DecisionOn: (key: string) => Layer2Decision | undefined
  /** Whether any node reports that it answers on layer 2. */
  readonly isReported: (key: string) => boolean
  /** Whether this node announces the Service to a BGP peer. */
  readonly isAnnouncedByBgp: (key: string) => boolean
}

/** Nobody is at fault: it is not ours, not ready to be served, or its Pods are not. */
const AS_IT_SHOULD_BE: ReadonlySet<SilentReason> = new Set([
  'notLoadBalancer',
  'otherLoadBalancerClass',
  'beingDeleted',
  'noIPAllocated',
  'noEndpoints',
  'noLocalEndpoints',
])

/**
 * Services with an address and Pods that nobody announces, as far as this node can tell: another node may announce one by
 * BGP of which this one knows nothing. Those that no node announces are counted by all.
 */
export function countUnannounced({ keys, layer2DecisionOn, isReported, isAnnouncedByBgp }: UnannouncedSource): number {
  let count = 0
  for (const key of keys()) {
    const decision = layer2DecisionOn(key)
    if (decision === undefined || (decision.kind === 'silent' && AS_IT_SHOULD_BE.has(decision.because))) continue
    if (!isReported(key) && !isAnnouncedByBgp(key)) count++
  }
  return count
}
