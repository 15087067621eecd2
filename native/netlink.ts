/**
 * Messages of rtnetlink(7), as far as interfaces and addresses go: the dump requests and what answers them. Integers
 * have the byte order of the machine; those this program runs on are little-endian.
 *
 *   nlmsghdr  | length 4 | type 2 | flags 2 | sequence 4 | port 4 |
 *   ifinfomsg | family 1 | pad 1 | hardware type 2 | index 4 | flags 4 | change 4 |
 *   ifaddrmsg | family 1 | prefix length 1 | flags 1 | scope 1 | index 4 |
 *   rtattr    | length 2 | type 2 | value, padded to 4 |
 */

const HEADER_BYTES = 16
const IFINFO_BYTES = 16
const IFADDR_BYTES = 8
const ATTRIBUTE_BYTES = 4

const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const DUMP = { links: { type: 18, bytes: IFINFO_BYTES }, addresses: { type: 22, bytes: IFADDR_BYTES } } as const

const NLM_F_REQUEST = 0x1
const NLM_F_DUMP_INTERRUPTED = 0x10
const NLM_F_DUMP = 0x300

const AF_UNSPEC = 0
const AF_INET = 2
const AF_INET6 = 10

const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_MASTER = 10
const IFLA_OPERSTATE = 16
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_FLAGS = 8

/** RFC 2863 operational states in the kernel's numbering. */
const OPERATIONAL_STATES = ['unknown', 'not-present', 'down', 'lower-layer-down', 'testing', 'dormant', 'up'] as const

const ARPHRD_ETHER = 1

export interface Link {
  readonly index: number
  readonly name: string
  /** Ethernet, whatever carries it (veth, bond, bridge); not tunnels, loopback, InfiniBand. */
  readonly isEthernet: boolean
  /** IFF_UP: somebody wants it up. */
  readonly isUp: boolean
  /** IFF_LOWER_UP: it has carrier. */
  readonly hasCarrier: boolean
  readonly isLoopback: boolean
  readonly canBroadcast: boolean
  /** IFF_NOARP. */
  readonly isNoArp: boolean
  readonly operationalState: (typeof OPERATIONAL_STATES)[number]
  readonly mtu: number
  /** `02:00:00:00:00:01`; '' if it has none. */
  readonly mac: string
  /** Index of the bridge, bond or VRF it belongs to. */
  readonly master: number | undefined
  /** What made it: `veth`, `bridge`, `bond`, `vlan`…; undefined for hardware. */
  readonly kind: string | undefined
}

export interface LinkAddress {
  readonly family: 4 | 6
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array
  readonly prefixLength: number
  readonly scope: 'global' | 'link' | 'host' | 'other'
  /** IPv6: duplicate address detection is under way, or has failed; it cannot be used as a source. */
  readonly isTentative: boolean
  readonly isDeprecated: boolean
}

export type NetlinkMessage =
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'link-gone'; readonly index: number }
  | { readonly kind: 'address'; readonly index: number; readonly address: LinkAddress }
  | { readonly kind: 'address-gone'; readonly index: number; readonly address: LinkAddress }
  /** A dump has ended; `interrupted`: the tables changed meanwhile, and it is to be asked again. */
  | { readonly kind: 'done'; readonly interrupted: boolean }
  | { readonly kind: 'error'; readonly errno: number }

/** Request for all links or all addresses; returns its length in bytes. */
export function encodeDumpRequest(what: keyof typeof DUMP, sequence: number, into: Uint8Array): number {
  const { type, bytes } = DUMP[what]
  const length = HEADER_BYTES + bytes
  const view = new DataView(into.buffer, into.byteOffset, length)
  into.fill(0, 0, length)
  view.setUint32(0, length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true)
  view.setUint32(8, sequence, true)
  return length
}

/** All messages of one datagram that say something about links or addresses; stops at what has an impossible length. */
export function decodeNetlink(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = []
  const view = viewOf(datagram)
  let at = 0
  while (at + HEADER_BYTES <= datagram.length) {
    const length = view.getUint32(at, true)
    if (length < HEADER_BYTES || at + length > datagram.length) break
    const flags = view.getUint16(at + 6, true)
    const message = decodeMessage(
      view.getUint16(at + 4, true),
      flags,
      datagram.subarray(at + HEADER_BYTES, at + length),
    )
    if (message !== undefined) messages.push(message)
    at += align(length)
  }
  return messages
}

function decodeMessage(type: number, flags: number, body: Uint8Array): NetlinkMessage | undefined {
  const interrupted = (flags & NLM_F_DUMP_INTERRUPTED) !== 0
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return decodeLink(type, body)
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return decodeAddress(type, body)
    case NLMSG_DONE:
      return { kind: 'done', interrupted }
    case NLMSG_ERROR:
      return body.length < 4 ? undefined : { kind: 'error', errno: -viewOf(body).getInt32(0, true) }
    default:
      return undefined
  }
}

function decodeLink(type: number, body: Uint8Array): NetlinkMessage | undefined {
  // A bridge reports its ports by messages of its own family: leaving the bridge is not the end of the interface.
  if (body.length < IFINFO_BYTES || body[0] !== AF_UNSPEC) return undefined
  const view = viewOf(body)
  const index = view.getInt32(4, true)
  if (type === RTM_DELLINK) return { kind: 'link-gone', index }
  const flags = view.getUint32(8, true)
  const attributes = decodeAttributes(body.subarray(IFINFO_BYTES))
  const information = decodeAttributes(attributes.get(IFLA_LINKINFO) ?? new Uint8Array())
  const link: Link = {
    index,
    name: text(attributes.get(IFLA_IFNAME)) ?? '',
    isEthernet: view.getUint16(2, true) === ARPHRD_ETHER,
    isUp: (flags & 0x1) !== 0,
    hasCarrier: (flags & 0x10000) !== 0,
    isLoopback: (flags & 0x8) !== 0,
    canBroadcast: (flags & 0x2) !== 0,
    isNoArp: (flags & 0x80) !== 0,
    operationalState: OPERATIONAL_STATES[attributes.get(IFLA_OPERSTATE)?.[0] ?? 0] ?? 'unknown',
    mtu: uint32(attributes.get(IFLA_MTU)) ?? 0,
    mac: Array.from(attributes.get(IFLA_ADDRESS) ?? [], (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    master: uint32(attributes.get(IFLA_MASTER)),
    kind: text(information.get(IFLA_INFO_KIND)),
  }
  return { kind: 'link', link }
}

function decodeAddress(type: number, body: Uint8Array): NetlinkMessage | undefined {
  if (body.length < IFADDR_BYTES || (body[0] !== AF_INET && body[0] !== AF_INET6)) return undefined
  const attributes = decodeAttributes(body.subarray(IFADDR_BYTES))
  // On point-to-point links IFA_ADDRESS is the peer's; IFA_LOCAL is ours where there is one.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS)
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return undefined
  const flags = uint32(attributes.get(IFA_FLAGS)) ?? body[2]!
  const address: LinkAddress = {
    family: body[0] === AF_INET ? 4 : 6,
    bytes: bytes.slice(),
    prefixLength: body[1]!,
    scope: body[3] === 0 ? 'global' : body[3] === 253 ? 'link' : body[3] === 254 ? 'host' : 'other',
    isTentative: (flags & (0x40 | 0x08)) !== 0,
    isDeprecated: (flags & 0x20) !== 0,
  }
  const index = viewOf(body).getUint32(4, true)
  return { kind: type === RTM_NEWADDR ? 'address' : 'address-gone', index, address }
}

function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>()
  const view = viewOf(bytes)
  let at = 0
  while (at + ATTRIBUTE_BYTES <= bytes.length) {
    const length = view.getUint16(at, true)
    if (length < ATTRIBUTE_BYTES || at + length > bytes.length) break
    // The two highest bits say "nested" and "network byte order".
    attributes.set(view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + ATTRIBUTE_BYTES, at + length))
    at += align(length)
  }
  return attributes
}

function align(length: number): number {
  return (length + 3) & ~3
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function uint32(value: Uint8Array | undefined): number | undefined {
  return value === undefined || value.length < 4 ? undefined : viewOf(value).getUint32(0, true)
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('utf8').replace(/\0.*$/s, '')
}
