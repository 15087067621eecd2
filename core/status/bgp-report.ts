import type { ServiceBGPStatus } from '../../crds/index.ts'
import {
  namesOf,
  type ReportChanges,
  type ReportedService,
  type Reporter,
  reportHead,
  writerOf,
} from './report-shape.ts'

/**
 * ServiceBGPStatus: one a Service and node. `peers` are names of the BGPPeers that the routes are handed to, or
 * undefined where this node does not announce; only this node's reports are touched.
 */
export function bgpReport(
  reporter: Reporter,
  service: ReportedService,
  peers: readonly string[] | undefined,
  observed: readonly ServiceBGPStatus[],
): ReportChanges<ServiceBGPStatus> {
  const own = observed.filter((report) => writerOf(report) === reporter.node)
  if (peers === undefined) return { create: [], update: [], remove: namesOf(own) }
  const sorted = [...new Set(peers)].sort()
  const status = {
    node: reporter.node,
    serviceName: service.name,
    serviceNamespace: service.namespace,
    peers: sorted,
  }
  const [kept, ...duplicates] = own
  const remove = namesOf(duplicates)
  if (kept === undefined) {
    return { create: [{ ...reportHead('ServiceBGPStatus', 'bgp-', reporter, service), status }], update: [], remove }
  }
  const isRight = kept.status?.node !== undefined && (kept.status.peers ?? []).join() === sorted.join()
  return { create: [], update: isRight ? [] : [{ name: kept.metadata.name!, status }], remove }
}
