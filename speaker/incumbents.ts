/** Who is to keep an address: the nodes whose reports say that they answer for it. */
import type { ReadonlyStore, Service } from '../operator/index.ts'
import type { StoredReport } from './layer2-reports.ts'
import { BY_REPORTED_SERVICE } from './reported-service.ts'

/** Name of the index of Services by the addresses that their status shows. */
export const BY_ADDRESS = 'address'

/** As written in the status. */
export function shownAddresses({ status }: Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
}

export interface IncumbentSources {
  readonly services: ReadonlyStore<Service>
  readonly reports: ReadonlyStore<StoredReport>
}

/**
 * Names of nodes, the newest report first. Reports on the Services that share an address with this one count as well:
 * the sharers stay on one node, whoever of them comes or goes. Every speaker makes the same of the same objects.
 */
export function incumbentsOf(key: string, { services, reports }: IncumbentSources): readonly string[] {
  const found = sharersOf(key, services).flatMap((sharer) => reports.by(BY_REPORTED_SERVICE, sharer))
  const named = found.filter(({ status }) => status?.node !== undefined)
  return [...new Set(named.sort(newestFirst).map(({ status }) => status!.node!))]
}

/** The Service itself, and those that show one of its addresses. */
export function sharersOf(key: string, services: ReadonlyStore<Service>): readonly string[] {
  const service = services.get(key)
  const shown = service === undefined ? [] : shownAddresses(service)
  return [...new Set([key, ...shown.flatMap((ip) => services.keysBy(BY_ADDRESS, ip))])]
}

/** Times are in whole seconds; names decide between equals, so that all speakers decide alike. */
function newestFirst(a: StoredReport, b: StoredReport): number {
  const [timeA, timeB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (timeA !== timeB) return timeA < timeB ? 1 : -1
  return a.metadata.name < b.metadata.name ? -1 : 1
}
