/**
 * How the BGP sessions end when the speaker was told to stop (ADR 0016). An upgrade must not cost a packet: peers keep
 * the routes of a speaker that comes back. A node that is emptied or shut down, and a speaker that is uninstalled, must
 * attract no more traffic.
 */
import type { NodeView } from '../core/announce/index.ts'
import { ApiError, type Client, DAEMON_SETS, PODS, unless } from '../operator/index.ts'
import type { Farewell } from './wire/messages.ts'

/** Between "these routes are about to go" and their withdrawal: for routers to move the traffic elsewhere. */
const DRAIN_MS = 2_000
/** The API server may be what is going away. */
const ANSWER_MS = 1_000

/** What has become of the DaemonSet that the speaker's Pod belongs to. */
export type DaemonSetFate = 'there' | 'gone' | 'unknown'

/** `node` undefined = the cluster does not know it any more. */
export function farewellOf(node: NodeView | undefined, daemonSet: DaemonSetFate): Farewell {
  const because = reasonToGo(node, daemonSet)
  return because === undefined ? { kind: 'restart' } : { kind: 'shutdown', text: because, drainMs: DRAIN_MS }
}

function reasonToGo(node: NodeView | undefined, daemonSet: DaemonSetFate): string | undefined {
  if (node === undefined) return 'the node was removed from the cluster'
  if (node.isCordoned) return 'the node is being emptied'
  if (!node.isReady) return 'the node is shutting down'
  return daemonSet === 'gone' ? 'the speaker was uninstalled' : undefined
}

/** Asks the API server; `unknown` where it does not answer at once, or the Pod belongs to no DaemonSet. */
export async function daemonSetFate(
  client: Pick<Client, 'get'>,
  pod: { readonly namespace: string; readonly name: string },
): Promise<DaemonSetFate> {
  const options = { timeoutMs: ANSWER_MS }
  try {
    const { metadata } = await client.get(PODS, pod, options)
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'DaemonSet')
    if (owner === undefined) return 'unknown'
    const reading = client.get(DAEMON_SETS, { namespace: pod.namespace, name: owner.name }, options)
    const daemonSet = await unless(['not-found'], reading)
    return daemonSet === undefined || daemonSet.metadata.deletionTimestamp !== undefined ? 'gone' : 'there'
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return 'unknown'
  }
}
