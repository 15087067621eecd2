/** Everything that bytes from the segment and from routers reach first. */
import { type ArpTable, arpAnnouncement, arpProbe, decodeArp, judgeArp } from '../../net/arp/index.ts'
import { decodeFrame, ETHERNET_HEADER_BYTES } from '../../net/ethernet/index.ts'
import { parseAddress } from '../../net/ip/index.ts'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat, seal, unseal } from '../../net/membership/index.ts'
import {
  decodeNdp,
  decodeNdpPacket,
  judgeNdp,
  type NdpTable,
  ndpProbe,
  ndpSolicitation,
  neighborAnnouncement,
} from '../../net/ndp/index.ts'
import { BGP_TARGETS } from './bgp-targets.ts'
import { outcomeOf, type Target } from './target.ts'

const MAC = 0x02_00_00_00_00_01
const LINK_LOCAL = parseAddress('fe80::1')!
const IPV4 = parseAddress('192.0.2.10')!
const IPV6 = parseAddress('2001:db8::10')!
const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')
const TABLE: ArpTable & NdpTable = {
  mac: MAC,
  linkLocal: LINK_LOCAL,
  holding: () => 'here',
  isOwnMac: (mac: number) => mac === MAC,
}

const HEARTBEAT: Heartbeat = {
  ...{ node: 'alpha', bootId: 1n, sequence: 7n, intervalMs: 100 },
  ...{ isLeaving: false, cannotHearYou: true, isUrgent: true, echo: { bootId: 2n, sequence: 3n } },
  segments: [
    { interface: 'eth0', mac: '02:00:00:00:00:01', hears: 2 },
    { interface: 'bond1', mac: '02:00:00:00:00:0f', hears: 255 },
  ],
}

const arpFrames = [...arpAnnouncement(MAC, IPV4), arpProbe(MAC, IPV4)]
const ndpFrames = [
  neighborAnnouncement(MAC, LINK_LOCAL, IPV6),
  ndpProbe(MAC, IPV6),
  ndpSolicitation({ mac: MAC, ip: LINK_LOCAL }, IPV6),
]
const payloadOf = (frame: Uint8Array) => frame.subarray(ETHERNET_HEADER_BYTES)
const IPV6_HEADER_BYTES = 40

export const TARGETS: readonly Target[] = [
  { name: 'ethernet', run: outcomeOf(decodeFrame), seeds: [...arpFrames, ...ndpFrames] },
  { name: 'arp', run: outcomeOf(decodeArp), seeds: arpFrames.map(payloadOf) },
  { name: 'arp-frame', run: (bytes) => answerOf(judgeArp(bytes, TABLE).answer), seeds: arpFrames },
  {
    name: 'ndp',
    run: outcomeOf(decodeNdp),
    seeds: ndpFrames.map((frame) => payloadOf(frame).subarray(IPV6_HEADER_BYTES)),
  },
  { name: 'ndp-packet', run: outcomeOf(decodeNdpPacket), seeds: ndpFrames.map(payloadOf) },
  { name: 'ndp-frame', run: (bytes) => answerOf(judgeNdp(bytes, TABLE).answer), seeds: ndpFrames },
  { name: 'heartbeat', run: outcomeOf(decodeHeartbeat), seeds: [encodeHeartbeat(HEARTBEAT)] },
  {
    name: 'datagram',
    run: (bytes) => {
      const unsealed = unseal(bytes, [KEY])
      return unsealed.kind === 'heartbeat' ? 'decoded' : unsealed.because
    },
    seeds: [seal(HEARTBEAT, KEY)],
  },
  ...BGP_TARGETS,
]

function answerOf(answer: { readonly kind: string; readonly because?: string }): string {
  return answer.because ?? answer.kind
}
