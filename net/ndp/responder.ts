import { DecodeError } from '../bytes/index.ts'
import {
  decodeFrame,
  EtherType,
  encodeFrame,
  type Frame,
  isGroupMac,
  type Mac,
  multicastMac,
} from '../ethernet/index.ts'
import type { Address } from '../ip/index.ts'
import type { NeighborAdvertisement, NeighborSolicitation } from './message.ts'
import { decodeNdpPacket, encodeNdpPacket, type NdpPacket } from './packet.ts'

/**
 * Where this node answers for an address: on the interface asked about, only on others, or nowhere. `watched`: it does
 * not answer, but wants to know who else uses the address on this interface.
 */
export type Holding = 'here' | 'watched' | 'elsewhere' | 'nowhere'

/** What the responder of one interface must know. */
export interface NdpTable {
  readonly mac: Mac
  /** The interface's own link-local address: the source of what we send. */
  readonly linkLocal: Address
  readonly holding: (ip: Address) => Holding
  /** True for the MAC of any interface of this node: two of them may lie on one segment and hear each other. */
  readonly isOwnMac: (mac: Mac) => boolean
}

/** Why a frame gets no answer. The order is that of the checks. */
export type NdpIgnored =
  | 'not-ipv6'
  | 'not-neighbor-discovery'
  | 'malformed'
  | 'not-a-solicitation'
  | 'not-our-mac'
  | 'not-owned'
  | 'wrong-interface'

export type NdpAnswer =
  | { readonly kind: 'reply'; readonly ip: Address; readonly frame: Uint8Array }
  | { readonly kind: 'ignore'; readonly because: NdpIgnored }

/** Another station uses an address that we answer for or watch, or asks whether it may. */
export interface NdpClaim {
  readonly ip: Address
  readonly mac: Mac
  /** It only asks: duplicate address detection (RFC 4862 section 5.4.2). */
  readonly isProbe: boolean
}

export interface NdpJudgement {
  readonly answer: NdpAnswer
  readonly claim: NdpClaim | undefined
}

const UNSPECIFIED: Address = { family: 6, bits: 0n }
/** ff02::1, all nodes on the link (RFC 4291 section 2.7.1). */
const ALL_NODES: Address = { family: 6, bits: (0xff02n << 112n) | 1n }
/** ff02::1:ff00:0/104 (RFC 4291 section 2.7.1). */
const SOLICITED_NODE = (0xff02n << 112n) | 0x1_ff00_0000n

/** The group that an address's solicitations are sent to: ff02::1:ff and its last 24 bits. */
export function solicitedNodeGroup(address: Address): Address {
  return { family: 6, bits: SOLICITED_NODE | (address.bits & 0xff_ffffn) }
}

/** What to do about a received frame: answer it or not, and whether it shows another station using our address. */
export function judgeNdp(bytes: Uint8Array, table: NdpTable): NdpJudgement {
  const read = readNdp(bytes)
  if (read.kind === 'ignore') return { answer: read, claim: undefined }
  const { frame, packet } = read
  return { answer: answerNdp(frame, packet, table), claim: claimOf(frame, packet, table) }
}

type ReadNdp =
  | { readonly kind: 'ndp'; readonly frame: Frame; readonly packet: NdpPacket }
  | { readonly kind: 'ignore'; readonly because: NdpIgnored }

function readNdp(bytes: Uint8Array): ReadNdp {
  try {
    const frame = decodeFrame(bytes)
    if (frame.etherType !== EtherType.Ipv6) return { kind: 'ignore', because: 'not-ipv6' }
    const packet = decodeNdpPacket(frame.payload)
    return isValid(packet) ? { kind: 'ndp', frame, packet } : { kind: 'ignore', because: 'malformed' }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { kind: 'ignore', because: error.kind === 'unsupported' ? 'not-neighbor-discovery' : 'malformed' }
  }
}

/** RFC 4861 sections 7.1.1 and 7.1.2, what the structure does not show. */
function isValid({ source, destination, message }: NdpPacket): boolean {
  if (isMulticast(message.target) || isMulticast(source)) return false
  if (message.kind === 'advertisement') return !(message.isSolicited && isMulticast(destination))
  if (source.bits !== UNSPECIFIED.bits) return true
  return destination.bits === solicitedNodeGroup(message.target).bits && message.sourceMac === undefined
}

function isMulticast(address: Address): boolean {
  return address.bits >> 120n === 0xffn
}

function answerNdp(frame: Frame, packet: NdpPacket, table: NdpTable): NdpAnswer {
  const { message } = packet
  if (message.kind !== 'solicitation') return { kind: 'ignore', because: 'not-a-solicitation' }
  if (!isForUs(frame, packet, table)) return { kind: 'ignore', because: 'not-our-mac' }
  const holding = table.holding(message.target)
  if (holding === 'elsewhere') return { kind: 'ignore', because: 'wrong-interface' }
  if (holding !== 'here') return { kind: 'ignore', because: 'not-owned' }
  return { kind: 'reply', ip: message.target, frame: replyTo(frame, packet.source, message, table) }
}

function isForUs(frame: Frame, packet: NdpPacket, table: NdpTable): boolean {
  if (frame.destination === table.mac) return true
  return isMulticast(packet.destination) && frame.destination === multicastMac(packet.destination)
}

/**
 * RFC 4861 section 7.2.4. Duplicate address detection has no address to answer to: all nodes are told, so that the
 * newcomer gives way. Anybody else is answered alone; without a source option (reachability probes) the frame itself
 * says where it came from.
 */
function replyTo(frame: Frame, source: Address, message: NeighborSolicitation, table: NdpTable): Uint8Array {
  if (source.bits === UNSPECIFIED.bits) return neighborAnnouncement(table.mac, table.linkLocal, message.target)
  const { sourceMac } = message
  const destination = sourceMac === undefined || isGroupMac(sourceMac) ? frame.source : sourceMac
  const advertisement = { isSolicited: true, isOverride: false, target: message.target }
  // From the target itself, as kernels do: ndisc6 does not believe a link-local source about another scope.
  return advertisementFrame(destination, table.mac, { source: message.target, destination: source }, advertisement)
}

/**
 * An advertisement's target, or the source of a solicitation, is an address of ours under another's MAC. So is the
 * target of another's duplicate address detection (source ::), as far as it asks: two that ask at once would both find
 * the address free (RFC 4862 section 5.4.3).
 */
function claimOf(frame: Frame, { source, message }: NdpPacket, table: NdpTable): NdpClaim | undefined {
  const isAdvertisement = message.kind === 'advertisement'
  const isProbe = !isAdvertisement && source.bits === UNSPECIFIED.bits
  const ip = isAdvertisement || isProbe ? message.target : source
  const mac = (isAdvertisement ? message.targetMac : message.sourceMac) ?? frame.source
  const holding = table.holding(ip)
  if ((holding !== 'here' && holding !== 'watched') || table.isOwnMac(mac)) return undefined
  return { ip, mac, isProbe }
}

/** One round of telling the neighbours: an unsolicited advertisement to all nodes, S=0, O=1 (RFC 4861 section 7.2.6). */
export function neighborAnnouncement(mac: Mac, linkLocal: Address, ip: Address): Uint8Array {
  const advertisement = { isSolicited: false, isOverride: true, target: ip }
  return advertisementFrame(multicastMac(ALL_NODES), mac, { source: linkLocal, destination: ALL_NODES }, advertisement)
}

/** Asks whether anybody has the address, as duplicate address detection does (RFC 4862 section 5.4.2). */
export function ndpProbe(mac: Mac, ip: Address): Uint8Array {
  return solicitationFrame(mac, UNSPECIFIED, { kind: 'solicitation', target: ip, sourceMac: undefined })
}

/** Asks who has `target`; the answer goes to the sender, an address of this interface. */
export function ndpSolicitation(sender: { readonly mac: Mac; readonly ip: Address }, target: Address): Uint8Array {
  return solicitationFrame(sender.mac, sender.ip, { kind: 'solicitation', target, sourceMac: sender.mac })
}

function solicitationFrame(mac: Mac, source: Address, message: NeighborSolicitation): Uint8Array {
  const destination = solicitedNodeGroup(message.target)
  const payload = encodeNdpPacket({ source, destination, message })
  return encodeFrame({ destination: multicastMac(destination), source: mac, etherType: EtherType.Ipv6, payload })
}

function advertisementFrame(
  destination: Mac,
  mac: Mac,
  addresses: { readonly source: Address; readonly destination: Address },
  advertisement: Pick<NeighborAdvertisement, 'isSolicited' | 'isOverride' | 'target'>,
): Uint8Array {
  const message: NeighborAdvertisement = { kind: 'advertisement', isRouter: false, ...advertisement, targetMac: mac }
  const payload = encodeNdpPacket({ ...addresses, message })
  return encodeFrame({ destination, source: mac, etherType: EtherType.Ipv6, payload })
}

/** True for fe80::/10 (RFC 4291 section 2.5.6): what `linkLocal` must be. */
export function isLinkLocal(address: Address): boolean {
  return address.family === 6 && address.bits >> 118n === 0x3fan
}
