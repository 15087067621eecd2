export { type AnnouncedService, type AnnouncedServiceShape, announcedServiceOf } from './announced-service.ts'
export { type BgpDecision, decideBgp } from './bgp.ts'
export { type BgpRoute, bgpRoutes, peersOf } from './bgp-routes.ts'
export {
  ClusterView,
  DEFAULT_VIEW,
  METALLB_VIEW,
  type NodeShape,
  type NodeView,
  nodeViewOf,
  type ViewOptions,
} from './cluster-view.ts'
export { Election } from './election.ts'
export { type EndpointSliceShape, joinServing, type ServingEndpoints, servingEndpoints } from './endpoints.ts'
export {
  type AddressForNode,
  addressesForNode,
  decideLayer2,
  type ExcludedNode,
  explainOrder,
  keepAnnounced,
  type Layer2Announcement,
  type Layer2Decision,
} from './layer2.ts'
export type { RankedNode } from './order.ts'
export {
  EXCLUDE_LABEL,
  type LastReason,
  lastReasonSentence,
  NODE_REASONS,
  type NodeReason,
  nodeReasonSentence,
  type Silent,
  type SilentReason,
} from './reasons.ts'
export { explainSilence, type Silence, type SilenceReason } from './silence.ts'
