export { judgeEcho, whyDiscarded } from './judge.ts'
export {
  BFD_VERSION,
  type BfdState,
  type ControlPacket,
  DIAGNOSTICS,
  type Diagnostic,
  decodeControlPacket,
  describeDiagnostic,
  encodeControlPacket,
} from './packet.ts'
export {
  type BfdAction,
  type BfdDownReason,
  type BfdEvent,
  type BfdOptions,
  type BfdSession,
  type BfdStep,
  type BfdTimer,
  createBfdSession,
  type DiscardReason,
  detectionTimeMs,
  SINGLE_HOP_TTL,
  transmitIntervalMs,
} from './session.ts'
export { NEXT_STATE, stepBfd } from './step.ts'
