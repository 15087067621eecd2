/** The controller's work without a controller: every Service decided, until nothing changes any more. */
import assert from 'node:assert/strict'
import {
  adopt,
  type Decision,
  decide,
  Ledger,
  passOrder,
  type ServiceEvent,
  type ServiceRequest,
} from '../core/allocate/index.ts'
import type { Snapshot } from '../core/config/index.ts'
import type { ReportedConflict } from '../core/status/index.ts'

/** What became of one Service. */
export interface Settlement {
  /** As the Service showed itself at the beginning. */
  readonly request: ServiceRequest
  /** The last decision: no further one would differ. */
  readonly decision: Decision
  /** Of all decisions, in their order. */
  readonly events: readonly ServiceEvent[]
}

/**
 * One moment: what is freed now and rests before others may have it does rest, whatever the time. A ledger that was
 * just adopted has no address that rests.
 */
export const NOW_MS = 0

/** A ledger that holds what the statuses show, as a controller has it that has just started. */
export function adoptedLedger(
  snapshot: Snapshot,
  requests: readonly ServiceRequest[],
  conflicts: readonly ReportedConflict[] = [],
): Ledger {
  const ledger = new Ledger()
  ledger.configure(snapshot)
  for (const { address, because, reason } of conflicts) {
    ledger.quarantine({ address, because, isUnusable: reason === 'AddressInUse', isOver: false })
  }
  adopt(ledger, requests, NOW_MS)
  return ledger
}

/** Decides all, then those whom that may help, and so on. By `namespace/name`, in the order of the pass. */
export function settle(ledger: Ledger, requests: readonly ServiceRequest[]): ReadonlyMap<string, Settlement> {
  const settlements = new Map<string, Settlement>()
  const shown = new Map<string, ServiceRequest>()
  const order = passOrder(requests)
  const first = new Map(order.map((request) => [request.key, request]))
  let keys = [...first.keys()]
  for (let round = 0; keys.length > 0; round++) {
    assert.ok(round <= order.length + 1, 'Services take addresses from each other for ever')
    for (const key of keys) {
      const request = first.get(key)
      if (request === undefined) continue
      const decision = decide(ledger, shown.get(key) ?? request, NOW_MS)
      shown.set(key, asWritten(shown.get(key) ?? request, decision))
      settlements.set(key, { request, decision, events: [...(settlements.get(key)?.events ?? []), ...decision.events] })
    }
    keys = ledger.waiting.takeStirred()
  }
  return settlements
}

/** The Service once the decision is written to it. */
function asWritten(request: ServiceRequest, { addresses, pool, changed }: Decision): ServiceRequest {
  if (!changed) return request
  return { ...request, statusAddresses: addresses, allocatedFromPool: pool, foreignIngress: [] }
}
