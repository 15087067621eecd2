import { DecodeError } from '../bytes/index.ts'
import { BROADCAST_MAC, decodeFrame, EtherType, encodeFrame, type Frame, type Mac } from '../ethernet/index.ts'
import type { Address } from '../ip/index.ts'
import { ArpOperation, type ArpPacket, decodeArp, encodeArp } from './packet.ts'

/**
 * Where this node answers for an address: on the interface asked about, only on others, or nowhere. `watched`: it does
 * not answer, but wants to know who else uses the address on this interface.
 */
export type Holding = 'here' | 'watched' | 'elsewhere' | 'nowhere'

const UNSPECIFIED: Address = { family: 4, bits: 0n }

/** What the responder of one interface must know. */
export interface ArpTable {
  /** MAC address of the interface. */
  readonly mac: Mac
  readonly holding: (ip: Address) => Holding
  /** True for the MAC of any interface of this node: two of them may lie on one segment and hear each other. */
  readonly isOwnMac: (mac: Mac) => boolean
}

/** Why a frame gets no answer. The order is that of the checks. */
export type ArpIgnored = 'not-arp' | 'malformed' | 'not-a-request' | 'not-our-mac' | 'not-owned' | 'wrong-interface'

export type ArpAnswer =
  | { readonly kind: 'reply'; readonly ip: Address; readonly frame: Uint8Array }
  | { readonly kind: 'ignore'; readonly because: ArpIgnored }

/** Another station uses an address that we answer for or watch, or asks whether it may. */
export interface ArpClaim {
  readonly ip: Address
  readonly mac: Mac
  /** It only asks: a probe (RFC 5227 section 2.1.1). */
  readonly isProbe: boolean
}

export interface ArpJudgement {
  readonly answer: ArpAnswer
  readonly claim: ArpClaim | undefined
}

/**
 * What to do about a received frame: answer it or not, and whether it shows another station using our address. Never
 * throws. This is the readable form; `answerInto` does the same without allocating, and a test holds them equal.
 */
export function judgeArp(bytes: Uint8Array, table: ArpTable): ArpJudgement {
  const read = readArp(bytes)
  if (read.kind === 'ignore') return { answer: read, claim: undefined }
  return { answer: answerArp(read.frame, read.packet, table), claim: claimOf(read.packet, table) }
}

type ReadArp =
  | { readonly kind: 'arp'; readonly frame: Frame; readonly packet: ArpPacket }
  | { readonly kind: 'ignore'; readonly because: 'not-arp' | 'malformed' }

function readArp(bytes: Uint8Array): ReadArp {
  try {
    const frame = decodeFrame(bytes)
    if (frame.etherType !== EtherType.Arp) return { kind: 'ignore', because: 'not-arp' }
    return { kind: 'arp', frame, packet: decodeArp(frame.payload) }
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'ignore', because: 'malformed' }
    throw error
  }
}

/** The sender is not examined: a probe from 0.0.0.0 is answered too, which defends the address (RFC 5227 section 2.4). */
function answerArp(frame: Frame, packet: ArpPacket, table: ArpTable): ArpAnswer {
  const because = whyNot(frame, packet, table)
  if (because !== undefined) return { kind: 'ignore', because }
  return { kind: 'reply', ip: packet.targetIp, frame: replyTo(packet, table.mac) }
}

function whyNot(frame: Frame, packet: ArpPacket, table: ArpTable): ArpIgnored | undefined {
  if (packet.operation !== ArpOperation.Request) return 'not-a-request'
  if (frame.destination !== BROADCAST_MAC && frame.destination !== table.mac) return 'not-our-mac'
  const holding = table.holding(packet.targetIp)
  if (holding === 'here') return undefined
  return holding === 'elsewhere' ? 'wrong-interface' : 'not-owned'
}

function replyTo(request: ArpPacket, mac: Mac): Uint8Array {
  return arpFrame(request.senderMac, {
    operation: ArpOperation.Reply,
    senderMac: mac,
    senderIp: request.targetIp,
    targetMac: request.senderMac,
    targetIp: request.senderIp,
  })
}

/**
 * RFC 5227 section 2.4: any ARP packet whose sender address is ours and whose sender MAC is not. Section 2.1.1: a probe
 * for the address, since two that ask at once would both find it free.
 */
function claimOf(packet: ArpPacket, table: ArpTable): ArpClaim | undefined {
  const isProbe = packet.operation === ArpOperation.Request && packet.senderIp.bits === 0n
  const ip = isProbe ? packet.targetIp : packet.senderIp
  const holding = table.holding(ip)
  if ((holding !== 'here' && holding !== 'watched') || table.isOwnMac(packet.senderMac)) return undefined
  return { ip, mac: packet.senderMac, isProbe }
}

/**
 * One round of telling the neighbours: a request and a reply, both to everybody, both with the address as sender and
 * target. Some stacks learn only from one, some only from the other (RFC 5944 section 4.6 allows either).
 */
export function arpAnnouncement(mac: Mac, ip: Address): readonly [request: Uint8Array, reply: Uint8Array] {
  const gratuitous = { senderMac: mac, senderIp: ip, targetMac: BROADCAST_MAC, targetIp: ip }
  return [
    arpFrame(BROADCAST_MAC, { operation: ArpOperation.Request, ...gratuitous }),
    arpFrame(BROADCAST_MAC, { operation: ArpOperation.Reply, ...gratuitous }),
  ]
}

/** Asks whether anybody has the address, without touching a neighbour's table (RFC 5227 section 2.1.1). */
export function arpProbe(mac: Mac, ip: Address): Uint8Array {
  return arpRequest({ mac, ip: UNSPECIFIED }, ip)
}

/** Asks who has `target`; the answer goes to the sender. */
export function arpRequest(sender: { readonly mac: Mac; readonly ip: Address }, target: Address): Uint8Array {
  const question = { senderMac: sender.mac, senderIp: sender.ip, targetMac: 0, targetIp: target }
  return arpFrame(BROADCAST_MAC, { operation: ArpOperation.Request, ...question })
}

function arpFrame(destination: Mac, packet: ArpPacket): Uint8Array {
  return encodeFrame({ destination, source: packet.senderMac, etherType: EtherType.Arp, payload: encodeArp(packet) })
}
