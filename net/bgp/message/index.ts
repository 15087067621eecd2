export { type AsnWidth, type AsPathSegment, decodeAsPath, encodeAsPath } from './as-path.ts'
export {
  ATTRIBUTES,
  type AttributeName,
  decodeAttributes,
  encodeAttributes,
  FLAGS,
  type PathAttribute,
} from './attribute.ts'
export { ATTRIBUTE_RULES, type AttributeRule, TREATMENTS, type Treatment } from './attribute-rule.ts'
export { CAPABILITY_CODES, type Capability, type GracefulRestart } from './capability.ts'
export {
  compareLargeCommunities,
  decodeCommunities,
  decodeLargeCommunities,
  encodeCommunities,
  encodeLargeCommunities,
  formatCommunity,
  formatLargeCommunity,
  type LargeCommunity,
  WELL_KNOWN_COMMUNITIES,
} from './community.ts'
export { type CeaseReason, describeError, ERRORS, type ErrorName, type SubcodeName } from './error-code.ts'
export {
  ADDRESS_FAMILIES,
  type AddressFamily,
  AFI,
  addressFamilyOf,
  addressFamilyOfCode,
  FAMILY_CODES,
  type FamilyCode,
  ipFamilyOf,
  SAFI_UNICAST,
} from './family.ts'
export {
  frameMessage,
  HEADER_LENGTH,
  MAXIMUM_EXTENDED_LENGTH,
  MAXIMUM_MESSAGE_LENGTH,
  MESSAGE_TYPES,
  type MessageType,
} from './header.ts'
export { type Judgement, judgeUpdate, type SessionFacts, type UpdateFault } from './judge-update.ts'
export { decodeBody, decodeMessage, encodeMessage, type Message } from './message.ts'
export { decodeMpReach, decodeMpUnreach, encodeMpReach, encodeMpUnreach } from './multiprotocol.ts'
export { decodePrefixes, encodePrefix, encodePrefixes } from './nlri.ts'
export {
  decodeNotification,
  describeNotification,
  encodeNotification,
  encodeShutdownText,
  hardReset,
  isNotification,
  type Notification,
  notification,
  shutdownText,
  withinHardReset,
} from './notification.ts'
export { AS_TRANS, BGP_VERSION, decodeOpen, encodeOpen, LARGEST_TWO_OCTET_ASN, type Open } from './open.ts'
export {
  decodeRouteRefresh,
  encodeRouteRefresh,
  REFRESH_SUBTYPES,
  type RouteRefresh,
  routeRefresh,
} from './route-refresh.ts'
export { MessageStream, type StreamItem } from './stream.ts'
export { decodeUpdate, encodeUpdate, endOfRib, endOfRibFamily, type Update } from './update.ts'
