import type { EventReason, ServiceEvent } from './decision.ts'
import type { Place } from './holding.ts'
import { isSameList, type Ledger } from './ledger.ts'
import type { ClearCause } from './refusal.ts'
import type { ServiceRequest } from './request.ts'
import { clearSentence } from './sentence.ts'

/** One Service being decided. */
export interface Pass {
  readonly ledger: Ledger
  readonly request: ServiceRequest
  readonly nowMs: number
  events: readonly ServiceEvent[]
}

/** Books the addresses as the Service's. */
export function book({ ledger, request, nowMs }: Pass, addresses: readonly string[], places?: readonly Place[]): void {
  const { key, sharingKey, backendKey, ports, statusAddresses } = request
  const isShown = isSameList(addresses, statusAddresses)
  ledger.assign({ key, addresses, sharingKey, backendKey, ports, isShown }, nowMs, places)
}

/** A `ClearAssignment`: what the Service has is taken from it and will be replaced, if it can be. */
export function clear(pass: Pass, cause: ClearCause): void {
  const { key, statusAddresses } = pass.request
  if (statusAddresses.length === 0) return
  const what = statusAddresses.join(' and ')
  tell(pass, 'Normal', 'ClearAssignment', `${what} of ${key} is taken back: ${clearSentence(cause)}`)
}

/** For what happens in this pass. */
export function tell(pass: Pass, type: ServiceEvent['type'], reason: EventReason, message: string): void {
  pass.events = [...pass.events, { type, reason, message }]
}

/** For what lasts: told when it begins or its cause changes. After a restart the Service's condition remembers it. */
export function tellOnce(pass: Pass, type: ServiceEvent['type'], reason: EventReason, message: string): void {
  const { ledger, request } = pass
  const told = ledger.told.get(request.key) ?? request.lastMessage
  ledger.told.set(request.key, message)
  if (told !== message) tell(pass, type, reason, message)
}
