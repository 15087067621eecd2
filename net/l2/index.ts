export { DEFEND_INTERVAL_MS } from './claim.ts'
export { type Contest, type Elected, elect, type Self, usableInterfaces } from './elect.ts'
export {
  type Action,
  type AliveMember,
  DEFAULT_OPTIONS,
  type Event,
  type Members,
  type Options,
  type OwnershipReason,
  type WantedAddress,
  type WantedService,
} from './node.ts'
export { PACE_MS } from './pace.ts'
export { BURST_GAPS_MS } from './schedule.ts'
export { initial, type State } from './state.ts'
export { step } from './step.ts'
