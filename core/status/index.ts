export {
  bgpReport,
  layer2Report,
  type ReportChanges,
  type ReportedService,
  type Reporter,
  reportLabels,
} from './announcement-status.ts'
export { type Condition, type ConditionSaying, says, withCondition } from './condition.ts'
export {
  type Component,
  configurationStateName,
  configurationStateObject,
  configurationStatus,
  type Judgement,
} from './configuration-state.ts'
export {
  type PoolCounters,
  type PoolStatusPatch,
  type PoolStatusShape,
  poolCounters,
  poolStatusPatch,
} from './pool-status.ts'
export { type ServiceStatusPatch, type ServiceStatusShape, serviceStatusPatch } from './service-status.ts'
