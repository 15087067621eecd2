export { ADDRESS_CONFLICT, type AddressConflict, CONFLICT_ANNOTATION, conflictSentence } from './address-conflict.ts'
export { bgpReport } from './bgp-report.ts'
export { type Condition, type ConditionSaying, says, withCondition } from './condition.ts'
export {
  type Component,
  type ConfigurationReason,
  configurationStateName,
  configurationStateObject,
  configurationStatus,
  type Judgement,
} from './configuration-state.ts'
export { type Layer2Standing, layer2Report } from './layer2-report.ts'
export {
  type PoolCounters,
  type PoolStatusPatch,
  type PoolStatusShape,
  poolCounters,
  poolStatusPatch,
} from './pool-status.ts'
export {
  type ReportChanges,
  type ReportedService,
  type Reporter,
  type ReportUpdate,
  reportLabels,
  writerOf,
} from './report-shape.ts'
export { conflictsIn, isAnnounced, isWithheld, type ReportedConflict, type ReportShape } from './reported-conflict.ts'
export {
  type AddressConditionReason,
  CLEANUP_FINALIZER,
  type ServiceStatusPatch,
  type ServiceStatusShape,
  serviceStatusPatch,
} from './service-status.ts'
