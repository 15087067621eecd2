export { describeDown } from './describe.ts'
export { type Negotiated, negotiate, openOf } from './negotiate.ts'
export { changesThatReset, type GracefulRestartOptions, type RemoteAs, type SessionOptions } from './options.ts'
export { ROLES, type Role } from './role.ts'
export {
  type Connection,
  createSession,
  type Direction,
  type DownReason,
  type Ending,
  type Session,
  type SessionAction,
  type SessionEvent,
  type SessionStep,
  type State,
  stateOf,
  type TimerName,
} from './session.ts'
export { step } from './step.ts'
