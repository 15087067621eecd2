export {
  type Heartbeat,
  MAX_HEARTBEAT_BYTES,
  MAX_INTERFACE_NAME_BYTES,
  MAX_INTERFACES,
  MAX_NODE_NAME_BYTES,
} from './heartbeat.ts'
export {
  type IgnoredDatagram,
  type Member,
  Membership,
  type MembershipAction,
  type MembershipConfiguration,
  type MembershipEvent,
  type MembershipOptions,
  type MembershipView,
} from './membership.ts'
