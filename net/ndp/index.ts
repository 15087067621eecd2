export {
  decodeNdp,
  encodeNdp,
  type NdpMessage,
  NdpType,
  type NeighborAdvertisement,
  type NeighborSolicitation,
} from './message.ts'
export { decodeNdpPacket, encodeNdpPacket, type NdpPacket } from './packet.ts'
export {
  type Holding,
  isLinkLocal,
  judgeNdp,
  type NdpAnswer,
  type NdpClaim,
  type NdpIgnored,
  type NdpJudgement,
  type NdpTable,
  ndpProbe,
  ndpSolicitation,
  neighborAnnouncement,
  solicitedNodeGroup,
} from './responder.ts'
export { announceRouter, decodeRouterAdvertisement, type RouterAdvertisement } from './router-advertisement.ts'
