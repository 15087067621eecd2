/** `invarctl peers`: how it stands with the BGP peers of the nodes, and why not better. Pure. */
import { type Report, type Shade, type TextStyle, table } from './report.ts'

/** A BGPPeer on one node. */
export interface PeerRow {
  readonly node: string
  readonly peer: string
  /** Absent where a peer has not been found on its link yet. */
  readonly address?: string
  readonly port: number
  /** '' = none. */
  readonly vrf: string
  /** RFC 4271 section 8.2.2. */
  readonly state: string
  /** RFC 3339: of the last change between Established and not. */
  readonly since: string
  /** Why it is not Established, or why it last was not. */
  readonly because?: string
  /** What should be mended although the session may work. */
  readonly notice?: string
  /** While Established. */
  readonly session?: PeerSession
  readonly bfd?: { readonly state: string; readonly because?: string }
  readonly routes?: { readonly announced: number; readonly wanted: number }
}

export interface PeerSession {
  readonly kind: 'internal' | 'external'
  readonly remoteAsn: number
  readonly localIdentifier: string
  readonly remoteIdentifier: string
  readonly localAddress: string
  readonly holdTimeSeconds: number
  readonly keepaliveTimeSeconds: number
  readonly families: readonly string[]
  /** Absent = the peer does not keep our routes while the speaker restarts. */
  readonly gracefulRestartSeconds?: number
}

/** A speaker that was asked in vain. */
export interface Unanswered {
  readonly node: string
  readonly because: string
}

/** As a speaker tells it. */
export type ToldPeer = Omit<PeerRow, 'node' | 'peer' | 'since'> & { readonly name: string; readonly sinceMs: number }

export function peerRow(node: string, { name, sinceMs, ...rest }: ToldPeer): PeerRow {
  return { node, peer: name, ...rest, since: new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z') }
}

export function peersReport(peers: readonly PeerRow[], unanswered: readonly Unanswered[]): Report {
  const isWell = unanswered.length === 0 && peers.every(({ state }) => state === 'Established')
  return {
    value: { peers, unanswered },
    text: (style) => `${tableOf(peers, style)}${unansweredLines(unanswered, style)}`,
    exitCode: isWell ? 0 : 1,
  }
}

export function unansweredLines(unanswered: readonly Unanswered[], { paint }: TextStyle): string {
  return unanswered.map(({ node, because }) => paint('bad', `${node} did not answer: ${because}\n`)).join('')
}

function tableOf(peers: readonly PeerRow[], { paint, isWide }: TextStyle): string {
  if (peers.length === 0) return 'No node has a BGP peer.\n'
  const wide = isWide ? ['SESSION', 'HOLD', 'FAMILIES', 'RESTART'] : []
  const headings = ['NODE', 'PEER', 'ADDRESS', 'STATE', 'SINCE', 'ROUTES', 'BFD', ...wide, 'BECAUSE']
  const [heading, ...lines] = table(
    headings,
    peers.map((peer) => [
      ...[peer.node, peer.peer, placeOf(peer), peer.state, peer.since, routesOf(peer), peer.bfd?.state ?? '-'],
      ...(isWide ? sessionCells(peer.session) : []),
      becauseOf(peer),
    ]),
  )
    .trimEnd()
    .split('\n')
  return [heading!, ...lines.map((line, index) => paint(shadeOf(peers[index]!), line))]
    .map((line) => `${line}\n`)
    .join('')
}

function placeOf({ address, port, vrf }: PeerRow): string {
  if (address === undefined) return '-'
  return `${address.includes(':') ? `[${address}]` : address}:${port}${vrf === '' ? '' : ` (${vrf})`}`
}

/** Those that the peer has, of those that it should have. */
function routesOf({ state, routes }: PeerRow): string {
  return state !== 'Established' || routes === undefined ? '-' : `${routes.announced}/${routes.wanted}`
}

function sessionCells(session: PeerSession | undefined): readonly string[] {
  if (session === undefined) return ['-', '-', '-', '-']
  const { kind, remoteAsn, holdTimeSeconds, families, gracefulRestartSeconds } = session
  const restart = gracefulRestartSeconds === undefined ? '-' : `${gracefulRestartSeconds}s`
  return [`${kind} AS${remoteAsn}`, `${holdTimeSeconds}s`, families.join(','), restart]
}

/** Why an established session was down before is history. */
function becauseOf({ state, because, notice, bfd }: PeerRow): string {
  const isUp = state === 'Established'
  const parts = [
    isUp ? undefined : because,
    bfd === undefined || bfd.state === 'Up' || bfd.because === undefined ? undefined : `BFD: ${bfd.because}`,
    notice,
  ]
  return parts.filter((part) => part !== undefined).join('; ')
}

function shadeOf(peer: PeerRow): Shade {
  if (peer.state !== 'Established') return 'bad'
  return becauseOf(peer) === '' ? 'good' : 'doubtful'
}
