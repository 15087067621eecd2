export {
  decodeHeartbeat,
  type Echo,
  encodeHeartbeat,
  type Heartbeat,
  MAX_SEGMENTS,
  type Segment,
} from './heartbeat.ts'
export { MAX_PROVISIONAL } from './receive.ts'
export { MAX_DATAGRAM_BYTES, seal, type Unsealed, unseal } from './seal.ts'
export {
  type Action,
  type AliveMember,
  type Event,
  type Ignored,
  initial,
  type LocalInterface,
  type Member,
  type Options,
  type State,
} from './state.ts'
export { step } from './step.ts'
export { DEFAULT_MIN_INTERVAL_MS, isDue, mayAnswer } from './timing.ts'
