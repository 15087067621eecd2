/** What the kernel of the node says of itself, as far as it matters to load balancer addresses. Reads `/proc` alone. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

export interface NodeFacts {
  /** `net.ipv4.conf`, for `all` and each interface. */
  readonly links: readonly LinkSettings[]
  /** The kernel forwards IPv4 packets. */
  readonly forwards: boolean
  /** kube-proxy works with IPVS: every address of every Service lies on an interface of this node. */
  readonly hasIpvs: boolean
  readonly ports: readonly PortStanding[]
}

export interface LinkSettings {
  /** `all` is in force beside that of each interface. */
  readonly name: string
  /** 0 = off, 1 = strict, 2 = loose (RFC 3704). */
  readonly rpFilter: number
  readonly arpIgnore: number
  readonly arpAnnounce: number
}

/** A port that something of Invar's, or of MetalLB's, may want. */
export interface PortOfInterest {
  readonly purpose: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

export interface PortStanding extends PortOfInterest {
  readonly heldBy: 'us' | 'others' | 'nobody'
}

/** Those on which only MetalLB listens. */
export const METALLB_PORTS: readonly PortOfInterest[] = [
  { purpose: "MetalLB's metrics", protocol: 'tcp', port: 7472 },
  { purpose: "MetalLB's membership", protocol: 'tcp', port: 7946 },
]

/** kube-proxy makes it in IPVS mode. */
const IPVS_INTERFACE = 'kube-ipvs0'

/** @param proc where procfs is, for tests */
export function readNodeFacts(wanted: readonly PortOfInterest[], proc = '/proc'): NodeFacts {
  const folder = join(proc, 'sys/net/ipv4/conf')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name !== 'default') : []
  const own = ownInodes(join(proc, 'self/fd'))
  const sockets = { tcp: socketsOf(proc, 'tcp'), udp: socketsOf(proc, 'udp') }
  return {
    links: names.sort().map((name) => settingsOf(folder, name)),
    forwards: numberIn(join(proc, 'sys/net/ipv4/ip_forward')) === 1,
    hasIpvs: names.includes(IPVS_INTERFACE),
    ports: wanted.map((port) => ({ ...port, heldBy: holderOf(port.port, sockets[port.protocol], own) })),
  }
}

function settingsOf(folder: string, name: string): LinkSettings {
  const setting = (file: string) => numberIn(join(folder, name, file))
  return {
    name,
    rpFilter: setting('rp_filter'),
    arpIgnore: setting('arp_ignore'),
    arpAnnounce: setting('arp_announce'),
  }
}

/** 0 also where the kernel was built without it, or the interface vanished meanwhile. */
function numberIn(path: string): number {
  const text = textOf(path)
  return text === undefined ? 0 : Number(text.trim())
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

interface BoundSocket {
  readonly port: number
  readonly inode: string
}

/** TCP_LISTEN; of UDP, which has no states of its own, what is bound and not connected (TCP_CLOSE). proc(5). */
const BOUND = { tcp: '0A', udp: '07' } as const

function socketsOf(proc: string, protocol: 'tcp' | 'udp'): readonly BoundSocket[] {
  return [protocol, `${protocol}6`].flatMap((file) => {
    return parseSockets(textOf(join(proc, 'self/net', file)) ?? '', BOUND[protocol])
  })
}

/** Lines of `/proc/net/tcp` and its like: `sl local_address rem_address st … uid timeout inode …`. */
export function parseSockets(text: string, state: string): readonly BoundSocket[] {
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
  return rows
    .filter((fields) => fields[3] === state)
    .map((fields) => ({ port: Number.parseInt(fields[1]?.split(':')[1] ?? '', 16), inode: fields[9] ?? '' }))
}

/** Of the sockets of this process. */
function ownInodes(folder: string): ReadonlySet<string> {
  const targets = readdirSync(folder).map((descriptor) => linkTarget(join(folder, descriptor)))
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []))
}

/** '' where the descriptor was closed meanwhile: that of the folder itself always is. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function holderOf(port: number, sockets: readonly BoundSocket[], own: ReadonlySet<string>): PortStanding['heldBy'] {
  const holders = sockets.filter((socket) => socket.port === port)
  if (holders.some(({ inode }) => own.has(inode))) return 'us'
  return holders.length > 0 ? 'others' : 'nobody'
}
