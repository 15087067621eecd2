/**
 * Classic BPF programs (Linux Documentation/networking/filter.rst) that decide in the kernel what reaches a packet
 * socket: on a node with much traffic a wrong frame must not wake the thread.
 */

/** Instruction: code, jump if true, jump if false (both relative, in instructions), operand. */
type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, operand: number]

const LOAD_BYTE = 0x30
const JUMP_IF_EQUAL = 0x15
const RETURN = 0x06
const LOAD_WORD = 0x20
const MULTIPLY = 0x24
const SHIFT_RIGHT = 0x74
const RETURN_ACCUMULATOR = 0x16

/** SKF_AD_OFF + SKF_AD_PKTTYPE: how the device saw the destination. */
const PACKET_TYPE = 0xfffff000 + 4
const PACKET_OTHERHOST = 3

const ACCEPT_WHOLE = 0xffffffff
const REJECT = 0

/** SKF_LL_OFF: from the link-layer header, wherever the program's own offsets count from. */
const LINK_LAYER = 0xffe00000
/** The last four bytes of the source MAC: the first are often the vendor's. */
const SOURCE_MAC_END_AT = 8

const IPV6_NEXT_HEADER_AT = 14 + 6
const ICMPV6 = 58
const ICMPV6_TYPE_AT = 14 + 40
const ROUTER_ADVERTISEMENT = 134
const NEIGHBOR_SOLICITATION = 135
const NEIGHBOR_ADVERTISEMENT = 136

/** Frames for other hosts arrive in promiscuous mode, and with VLAN tags nobody here has a device for. */
const ARP: readonly Instruction[] = [
  [LOAD_BYTE, 0, 0, PACKET_TYPE],
  [JUMP_IF_EQUAL, 1, 0, PACKET_OTHERHOST],
  [RETURN, 0, 0, ACCEPT_WHOLE],
  [RETURN, 0, 0, REJECT],
]

/**
 * Only ICMPv6 directly behind the IPv6 header: RFC 6980 forbids fragments of Neighbor Discovery, and nobody puts other
 * extension headers before it. A frame too short for a load is rejected by the kernel.
 */
const NDP: readonly Instruction[] = [
  [LOAD_BYTE, 0, 0, PACKET_TYPE],
  [JUMP_IF_EQUAL, 6, 0, PACKET_OTHERHOST],
  [LOAD_BYTE, 0, 0, IPV6_NEXT_HEADER_AT],
  [JUMP_IF_EQUAL, 0, 4, ICMPV6],
  [LOAD_BYTE, 0, 0, ICMPV6_TYPE_AT],
  [JUMP_IF_EQUAL, 1, 0, NEIGHBOR_SOLICITATION],
  [JUMP_IF_EQUAL, 0, 1, NEIGHBOR_ADVERTISEMENT],
  [RETURN, 0, 0, ACCEPT_WHOLE],
  [RETURN, 0, 0, REJECT],
]

/** As above, for router advertisements. */
const ROUTER: readonly Instruction[] = [
  [LOAD_BYTE, 0, 0, PACKET_TYPE],
  [JUMP_IF_EQUAL, 5, 0, PACKET_OTHERHOST],
  [LOAD_BYTE, 0, 0, IPV6_NEXT_HEADER_AT],
  [JUMP_IF_EQUAL, 0, 3, ICMPV6],
  [LOAD_BYTE, 0, 0, ICMPV6_TYPE_AT],
  [JUMP_IF_EQUAL, 0, 1, ROUTER_ADVERTISEMENT],
  [RETURN, 0, 0, ACCEPT_WHOLE],
  [RETURN, 0, 0, REJECT],
]

export const REJECT_ALL = new Uint32Array([RETURN, 0, 0, REJECT])

/** A number from the source MAC address; an odd `factor` that nobody else knows makes it hard to meet another's. */
export function spreadBySource(factor: number): Uint32Array {
  const program: readonly Instruction[] = [
    [LOAD_WORD, 0, 0, LINK_LAYER + SOURCE_MAC_END_AT],
    [MULTIPLY, 0, 0, factor | 1],
    [SHIFT_RIGHT, 0, 0, 24],
    [RETURN_ACCUMULATOR, 0, 0, 0],
  ]
  return new Uint32Array(program.flat())
}

/** What a packet socket hears: EtherType, filter, and slots large enough for every frame worth an answer. */
export const PROTOCOLS = {
  arp: { etherType: 0x0806, filter: new Uint32Array(ARP.flat()), receivedSlotBytes: 128, sendingSlotBytes: 64 },
  /** Solicitations with options of any length that this program understands; the advertisements it sends are 86 bytes. */
  ndp: { etherType: 0x86dd, filter: new Uint32Array(NDP.flat()), receivedSlotBytes: 512, sendingSlotBytes: 128 },
  router: { etherType: 0x86dd, filter: new Uint32Array(ROUTER.flat()), receivedSlotBytes: 1514, sendingSlotBytes: 128 },
} as const

export type Protocol = keyof typeof PROTOCOLS
