import { formatAddress, parseAddress } from '../../net/ip/index.ts'
import type { Ledger } from './ledger.ts'
import { familiesOfTexts, type ServiceRequest } from './request.ts'
import { validateHeld } from './validate.ts'

/**
 * The order of a pass over all Services: holders, then those that wait for particular addresses, then the rest; inside
 * each group by age, namespace and name. So the older one keeps what two claim, and the same state gives the same
 * answer.
 */
export function passOrder(requests: Iterable<ServiceRequest>): ServiceRequest[] {
  return [...requests].sort(
    (a, b) =>
      group(a) - group(b) ||
      compareText(a.creationTimestamp, b.creationTimestamp) ||
      compareText(a.namespace, b.namespace) ||
      compareText(a.name, b.name),
  )
}

function group(request: ServiceRequest): number {
  if (request.statusAddresses.length > 0) return 0
  return request.requestedAddresses.kind === 'none' ? 2 : 1
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Of Services that wait for the same, the one with the lowest rank is helped first: the oldest. */
export function rankOf({ creationTimestamp, namespace, name }: ServiceRequest): string {
  return `${creationTimestamp}\0${namespace}\0${name}`
}

/**
 * Books what the statuses show, before anything is decided. Call it once on a fresh, configured ledger with all
 * Services there are; what cannot be adopted (in no pool, or an older Service has it) is for `decide` to move.
 */
export function adopt(ledger: Ledger, requests: Iterable<ServiceRequest>, nowMs: number): void {
  for (const request of passOrder(requests)) {
    if (!request.isLoadBalancer || !request.classMatches) continue
    if (familiesOfTexts(request.statusAddresses) === undefined) continue
    const addresses = request.statusAddresses.map((text) => parseAddress(text)!).sort((a, b) => a.family - b.family)
    const validation = validateHeld(ledger, request, addresses)
    if (validation.kind === 'refused') continue
    const { key, sharingKey, backendKey, ports } = request
    const texts = addresses.map(formatAddress)
    ledger.assign({ key, addresses: texts, sharingKey, backendKey, ports, isShown: true }, nowMs, validation.places)
    ledger.markServed(key)
  }
}
