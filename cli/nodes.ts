/** `invarctl nodes`: the nodes as their speakers see them: links, other speakers, settings of the kernel. Pure. */
import { type Unanswered, unansweredLines } from './peers.ts'
import { type Report, type TextStyle, table } from './report.ts'

export interface NodeRow {
  readonly node: string
  /** Of the speaker. */
  readonly version: string
  readonly ready: boolean
  /** Absent where it is ready. */
  readonly waitsFor?: string
  /** Other nodes whose speakers it hears. */
  readonly alive: readonly string[]
  /** All but those that are excluded. */
  readonly interfaces: readonly InterfaceRow[]
  readonly uplinks: readonly { readonly interface: string; readonly target: string; readonly reachable: boolean }[]
  /** The oldest first. */
  readonly faults: readonly FaultRow[]
  /** With BGP peers, by name. */
  readonly sessions: readonly SessionRow[]
  readonly kernel: KernelFacts
}

export interface SessionRow {
  readonly peer: string
  /** RFC 4271 section 8.2.2. */
  readonly state: string
  /** Why it is not Established, where that is known. */
  readonly because?: string
}

export interface InterfaceRow {
  readonly name: string
  readonly mac: string
  readonly usable: boolean
  /** Why not. */
  readonly because?: string
}

export interface FaultRow {
  readonly code: string
  readonly message: string
  /** RFC 3339. */
  readonly at: string
}

/** As the node's speaker reads them from /proc. */
export interface KernelFacts {
  /** `net.ipv4.conf`, for `all` and each interface. */
  readonly links: readonly {
    readonly name: string
    readonly rpFilter: number
    readonly arpIgnore: number
    readonly arpAnnounce: number
  }[]
  readonly forwards: boolean
  /** kube-proxy works with IPVS. */
  readonly hasIpvs: boolean
  readonly ports: readonly PortRow[]
}

export interface PortRow {
  readonly purpose: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly heldBy: 'us' | 'others' | 'nobody'
}

/** As the speaker's socket tells it. */
export type ToldNode = Omit<NodeRow, 'version' | 'faults'> & {
  readonly faults: readonly { readonly code: string; readonly message: string; readonly atMs: number }[]
}

/** @param version of the program that runs where the speaker does: they come in one image */
export function nodeRow({ faults, ...told }: ToldNode, version: string): NodeRow {
  const timed = faults.map(({ atMs, ...rest }) => ({ ...rest, at: new Date(atMs).toISOString() }))
  return { ...told, version, faults: timed }
}

export function nodesReport(nodes: readonly NodeRow[], unanswered: readonly Unanswered[]): Report {
  const isWell = unanswered.length === 0 && nodes.every(({ ready }) => ready)
  return {
    value: { nodes, unanswered },
    text: (style) => `${tableOf(nodes, style)}${unansweredLines(unanswered, style)}`,
    exitCode: isWell ? 0 : 1,
  }
}

function tableOf(nodes: readonly NodeRow[], { isWide }: TextStyle): string {
  if (nodes.length === 0) return ''
  const wide = isWide ? ['IPVS', 'RP-FILTER', 'PORTS'] : []
  const rows = nodes.map((row) => [
    ...[row.node, row.ready ? 'yes' : 'no', row.version, usableNames(row).join(',') || '-', row.alive.join(',') || '-'],
    ...(isWide ? kernelCells(row.kernel) : []),
    notesOf(row).join('; '),
  ])
  return table(['NODE', 'READY', 'VERSION', 'INTERFACES', 'HEARS', ...wide, 'NOTE'], rows)
}

/** Names of the interfaces that addresses can be announced on. */
export function usableNames({ interfaces }: NodeRow): readonly string[] {
  return interfaces.filter(({ usable }) => usable).map(({ name }) => name)
}

function kernelCells({ hasIpvs, links, ports }: KernelFacts): readonly string[] {
  const strict = links.filter(({ rpFilter }) => rpFilter === 1).map(({ name }) => name)
  const taken = ports.filter(({ heldBy }) => heldBy === 'others').map(({ port, protocol }) => `${port}/${protocol}`)
  return [hasIpvs ? 'yes' : 'no', strict.length === 0 ? '-' : `strict: ${strict.join(',')}`, taken.join(',') || '-']
}

function notesOf({ waitsFor, interfaces, uplinks, faults }: NodeRow): readonly string[] {
  return [
    ...(waitsFor === undefined ? [] : [waitsFor]),
    ...interfaces.filter(({ usable }) => !usable).map(({ name, because }) => `${name}: ${because}`),
    ...uplinks.filter(({ reachable }) => !reachable).map((one) => `${one.target} does not answer by ${one.interface}`),
    ...faults.slice(-1).map(({ message, at }) => `${message} (${at})`),
  ]
}
