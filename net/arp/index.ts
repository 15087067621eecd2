export {
  ARP_FRAME_BYTES,
  type ArpStation,
  answerInto,
  arpStation,
  CLAIM,
  claimAt,
  targetIpv4At,
  VERDICT_MASK,
  VERDICTS,
  Verdict,
} from './batch.ts'
export { ARP_PACKET_BYTES, ArpOperation, type ArpPacket, decodeArp, encodeArp } from './packet.ts'
export {
  type ArpAnswer,
  type ArpClaim,
  type ArpIgnored,
  type ArpJudgement,
  type ArpTable,
  arpAnnouncement,
  arpProbe,
  arpRequest,
  type Holding,
  judgeArp,
} from './responder.ts'
