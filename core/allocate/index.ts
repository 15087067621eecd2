export { adopt, passOrder } from './adoption.ts'
export { capacityOf, MOST_COUNTED, saturated } from './capacity.ts'
export { decide } from './decide.ts'
export type { Decision, EventReason, Outcome, ServiceEvent, Shortcoming } from './decision.ts'
export { explainPools, type PoolExplanation, type PoolStanding } from './explain.ts'
export type { Assignment, Holding } from './holding.ts'
export { Ledger, type Quarantine } from './ledger.ts'
export type { PoolOccupancy } from './pool-occupancy.ts'
export type { AddressRefusal, AllocationFailure, ClearCause, PoolRefusal, PoolVerdict } from './refusal.ts'
export {
  ADDRESS_CONDITION,
  type AddressRequest,
  ALLOCATED_FROM_POOL,
  type ClusterFamilies,
  DEFAULT_REQUEST_OPTIONS,
  type RequestOptions,
  requestOf,
  type ServiceRequest,
  type ServiceShape,
} from './request.ts'
export { addressSentence, clearSentence, failureSentence, poolSentence } from './sentence.ts'
export type { WaitingFor, WaitingRoom } from './waiting-room.ts'
