/** `invarctl owners`: who answers for which address on layer 2, since when, and why this node. Pure. */
import { lastReasonSentence, nodeReasonSentence } from '../core/announce/index.ts'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import { type AnnouncedCluster, type Answering, type Layer2View, layer2Views } from './announced-cluster.ts'
import { type Report, type TextStyle, table } from './report.ts'

export interface OwnerRow {
  readonly service: string
  readonly addresses: readonly string[]
  /** Nodes that report that they answer, the newest report first; one, but for a moment. */
  readonly answeredBy: readonly Answering[]
  /** Why this node, or why nobody. */
  readonly because: string
  /** Best first: the first of them that is alive and has a usable interface answers. */
  readonly order: readonly OwnerCandidate[]
  readonly excluded: readonly { readonly node: string; readonly reason: string; readonly sentence: string }[]
  readonly conflicts: readonly { readonly address: string; readonly because: string }[]
}

export interface OwnerCandidate {
  readonly node: string
  /** Sum of the weights of the preferences that match. */
  readonly score: number
  readonly keepsIt: boolean
  /** Why it comes after all others. */
  readonly last?: string
}

/** Which Services to show: `namespace/name`, or those that have an address. */
export type OwnerTarget =
  | { readonly kind: 'all' }
  | { readonly kind: 'service'; readonly key: string }
  | { readonly kind: 'address'; readonly address: string }

export function ownerRows(cluster: AnnouncedCluster, target: OwnerTarget): readonly OwnerRow[] {
  return layer2Views(cluster)
    .filter((view) => isMeant(view, target))
    .map(rowOf)
}

function isMeant({ service, addresses }: Layer2View, target: OwnerTarget): boolean {
  if (target.kind === 'all') return true
  if (target.kind === 'service') return target.key === service
  return addresses.some((text) => canonical(text) === target.address)
}

function canonical(text: string): string {
  const address = parseAddress(text)
  return address === undefined ? text : formatAddress(address)
}

function rowOf(view: Layer2View): OwnerRow {
  const { service, addresses, answering, decision, order, conflicts } = view
  return {
    ...{ service, addresses },
    answeredBy: answering,
    because: becauseOf(view),
    order: order.map(({ node, score, isIncumbent, last }) => {
      return { node, score, keepsIt: isIncumbent, ...(last === undefined ? {} : { last }) }
    }),
    excluded: decision.excluded.map((one) => ({ ...one, sentence: nodeReasonSentence(one.node, one.reason) })),
    conflicts: conflicts.map(({ address, because }) => ({ address, because })),
  }
}

function becauseOf({ decision, answering, order, freshOrder, conflicts }: Layer2View): string {
  const [owner, ...others] = answering.map(({ node }) => node)
  if (decision.kind === 'silent') return `${decision.detail} [${decision.because}]`
  if (owner === undefined) return conflicts[0]?.because ?? `nobody reports; ${order[0]!.node} is to answer`
  if (others.length > 0) return `the address is moving: ${others.join(' and ')} answered before`
  const place = order.findIndex(({ node }) => node === owner)
  if (place < 0) return `${owner} is no candidate any more; ${order[0]!.node} is to answer`
  if (place > 0) return `candidate ${place + 1} of ${order.length}: ${order[0]!.node} comes first, and does not answer`
  return reasonForFirst(order, freshOrder[0]!.node === owner)
}

function reasonForFirst(order: Layer2View['order'], isFirstAnyway: boolean): string {
  const [first, second] = order
  if (second === undefined) return 'the only candidate'
  if (first!.last === undefined && second.last !== undefined) return 'the others are to be emptied'
  if (first!.score > second.score) return `preferred (weight ${first!.score})`
  return isFirstAnyway ? 'first in the order of the hashes' : 'keeps it, as it answers already'
}

export function ownersReport(rows: readonly OwnerRow[], isDetailed: boolean): Report {
  return {
    value: { owners: rows },
    text: (style) => (isDetailed ? rows.map((row) => detailOf(row, style)).join('\n') : tableOf(rows, style)),
    exitCode: 0,
  }
}

function tableOf(rows: readonly OwnerRow[], { isWide }: TextStyle): string {
  if (rows.length === 0) return 'No Service has an address.\n'
  const headings = ['ADDRESS', 'SERVICE', 'NODE', 'INTERFACES', 'SINCE', ...(isWide ? ['ORDER'] : []), 'BECAUSE']
  const cells = rows.map(({ addresses, service, answeredBy, order, because }) => [
    addresses.join(','),
    service,
    answeredBy.map(({ node }) => node).join(',') || '-',
    answeredBy[0] === undefined ? '-' : answeredBy[0].interfaces.join(',') || 'all',
    answeredBy[0]?.since ?? '-',
    ...(isWide ? [order.map(({ node }) => node).join(',') || '-'] : []),
    because,
  ])
  return table(headings, cells)
}

function detailOf({ service, addresses, answeredBy, because, order, excluded, conflicts }: OwnerRow, style: TextStyle) {
  const who = answeredBy.map(({ node, interfaces, since }) => {
    return `${node} answers on ${interfaces.join(', ') || 'all interfaces'} since ${since}`
  })
  const summary = `${addresses.join(' and ')} of ${service}: ${who.join('; ') || 'nobody answers'} (${because}).`
  const lines = [
    ...order.map((candidate, index) => `${index + 1}. ${candidateLine(candidate)}`),
    ...excluded.map(({ sentence, reason }) => `not: ${sentence} [${reason}]`),
    ...conflicts.map(({ because: sentence }) => style.paint('bad', `conflict: ${sentence}`)),
  ]
  const heading = style.paint(answeredBy.length === 1 && conflicts.length === 0 ? 'good' : 'doubtful', summary)
  return `${heading}\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function candidateLine({ node, score, keepsIt, last }: OwnerCandidate): string {
  const notes = [
    ...(score > 0 ? [`weight ${score}`] : []),
    ...(keepsIt ? ['answers, and keeps it among equals'] : []),
    ...(last === undefined ? [] : [lastReasonSentence(node, last as Parameters<typeof lastReasonSentence>[1])]),
  ]
  return notes.length === 0 ? node : `${node}: ${notes.join('; ')}`
}
