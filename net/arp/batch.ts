/**
 * The responder once more for the receive loop: it reads frames where the socket put them, writes replies where the
 * socket will take them from, and allocates nothing. `judgeArp` says what it means; arp.test.ts holds the two equal
 * for all bytes.
 */
import { ETHERNET_HEADER_BYTES, EtherType, type Mac, macAt, macToBytes } from '../ethernet/index.ts'
import { type Address, addressFromBytes } from '../ip/index.ts'
import { ARP_PACKET_BYTES, ArpOperation } from './packet.ts'
import type { ArpClaim, ArpIgnored, Holding } from './responder.ts'

/** Length of every reply that is written. */
export const ARP_FRAME_BYTES = ETHERNET_HEADER_BYTES + ARP_PACKET_BYTES

/** The low bits of a verdict: `Replied`, or why not. */
export const Verdict = {
  Replied: 0,
  NotArp: 1,
  Malformed: 2,
  NotARequest: 3,
  NotOurMac: 4,
  NotOwned: 5,
  WrongInterface: 6,
} as const

/** `VERDICTS[verdict & VERDICT_MASK]` is the reason to count. */
export const VERDICTS: readonly ('replied' | ArpIgnored)[] = [
  'replied',
  'not-arp',
  'malformed',
  'not-a-request',
  'not-our-mac',
  'not-owned',
  'wrong-interface',
]
export const VERDICT_MASK = 0x0f

/** Set in a verdict, besides its low bits, when another station uses an address of ours or probes for it: see `claimAt`. */
export const CLAIM = 0x10

/** What the loop must know of the interface. Make one object per interface and keep it: the engine then inlines it. */
export interface ArpStation {
  /** 6 bytes of the interface's MAC address. */
  readonly macBytes: Uint8Array
  /** Where we answer for an IPv4 address, given as a signed 32-bit number: the engine has no need to box it. */
  readonly holding: (ipv4: number) => Holding
  readonly isOwnMac: (mac: Mac) => boolean
}

export function arpStation(mac: Mac, holding: ArpStation['holding'], isOwnMac: ArpStation['isOwnMac']): ArpStation {
  return { macBytes: macToBytes(mac), holding, isOwnMac }
}

const TYPE_AT = 12
const OPERATION_AT = 20
const SENDER_MAC_AT = 22
const SENDER_IP_AT = 28
const TARGET_IP_AT = 38

/**
 * Judges the frame of `length` bytes at `offset` of `input`. When the verdict's low bits are `Verdict.Replied`, the
 * reply of ARP_FRAME_BYTES bytes has been written at `outputOffset` of `output`, which must have room and must not
 * overlap the frame.
 */
export function answerInto(
  input: Uint8Array,
  offset: number,
  length: number,
  output: Uint8Array,
  outputOffset: number,
  station: ArpStation,
): number {
  const because = structureFault(input, offset, length)
  if (because !== Verdict.Replied) return because
  const claim = showsClaim(input, offset, station) ? CLAIM : 0
  const verdict = judge(input, offset, station)
  if (verdict === Verdict.Replied) writeReply(input, offset, output, outputOffset, station.macBytes)
  return verdict | claim
}

function structureFault(input: Uint8Array, offset: number, length: number): number {
  if (length < ETHERNET_HEADER_BYTES) return Verdict.Malformed
  if (u16(input, offset + TYPE_AT) !== EtherType.Arp) return Verdict.NotArp
  if (length < ARP_FRAME_BYTES) return Verdict.Malformed
  // Hardware type 1, protocol type 0800, lengths 6 and 4.
  const isIpv4OverEthernet = i32(input, offset + 14) === 0x0001_0800 && u16(input, offset + 18) === 0x0604
  return isIpv4OverEthernet ? Verdict.Replied : Verdict.Malformed
}

function showsClaim(input: Uint8Array, offset: number, station: ArpStation): boolean {
  const holding = station.holding(i32(input, offset + claimedAt(input, offset)))
  if (holding !== 'here' && holding !== 'watched') return false
  return !station.isOwnMac(macAt(input, offset + SENDER_MAC_AT))
}

function judge(input: Uint8Array, offset: number, station: ArpStation): number {
  if (u16(input, offset + OPERATION_AT) !== ArpOperation.Request) return Verdict.NotARequest
  if (!isBroadcast(input, offset) && !isEqual(input, offset, station.macBytes)) return Verdict.NotOurMac
  const holding = station.holding(i32(input, offset + TARGET_IP_AT))
  if (holding === 'here') return Verdict.Replied
  return holding === 'elsewhere' ? Verdict.WrongInterface : Verdict.NotOwned
}

function writeReply(input: Uint8Array, offset: number, output: Uint8Array, at: number, mac: Uint8Array): void {
  copy(input, offset + SENDER_MAC_AT, output, at, 6)
  copy(mac, 0, output, at + 6, 6)
  // EtherType, and the six constant bytes that the request carries too.
  copy(input, offset + TYPE_AT, output, at + TYPE_AT, 8)
  output[at + OPERATION_AT] = 0
  output[at + OPERATION_AT + 1] = ArpOperation.Reply
  copy(mac, 0, output, at + SENDER_MAC_AT, 6)
  copy(input, offset + TARGET_IP_AT, output, at + SENDER_IP_AT, 4)
  // Target MAC and address: the asker's.
  copy(input, offset + SENDER_MAC_AT, output, at + 32, 10)
}

/** The address asked for, as a signed 32-bit number. Only for a frame whose verdict is not NotArp or Malformed. */
export function targetIpv4At(input: Uint8Array, offset: number): number {
  return i32(input, offset + TARGET_IP_AT)
}

/** Who claims what. Only for a frame whose verdict has the CLAIM bit. */
export function claimAt(input: Uint8Array, offset: number): ArpClaim {
  const at = offset + claimedAt(input, offset)
  const ip: Address = addressFromBytes(input.subarray(at, at + 4))
  return { ip, mac: macAt(input, offset + SENDER_MAC_AT), isProbe: isProbe(input, offset) }
}

/** Where in the frame the address stands that its sender uses or wants to use. */
function claimedAt(input: Uint8Array, offset: number): number {
  return isProbe(input, offset) ? TARGET_IP_AT : SENDER_IP_AT
}

function isProbe(input: Uint8Array, offset: number): boolean {
  return u16(input, offset + OPERATION_AT) === ArpOperation.Request && i32(input, offset + SENDER_IP_AT) === 0
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function i32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function isBroadcast(bytes: Uint8Array, at: number): boolean {
  return i32(bytes, at) === -1 && u16(bytes, at + 4) === 0xffff
}

function isEqual(bytes: Uint8Array, at: number, mac: Uint8Array): boolean {
  for (let index = 0; index < 6; index++) if (bytes[at + index] !== mac[index]) return false
  return true
}

/** A loop, since `set` and `subarray` cost more than they save on a few bytes. */
function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  for (let index = 0; index < length; index++) to[toAt + index] = from[fromAt + index]!
}
