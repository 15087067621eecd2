/** `invarctl drain NODE --simulate`: which addresses would leave the node, and for where. Pure. */
import { type AnnouncedCluster, type Layer2View, layer2Views } from './announced-cluster.ts'
import { counted, type Report, table } from './report.ts'

export interface DrainRow {
  readonly service: string
  readonly addresses: readonly string[]
  /** Node that would answer; absent = none: the addresses fall silent when the node stops. */
  readonly to?: string
  /** Why nobody would, or what to know. */
  readonly because?: string
}

export interface DrainPlan {
  readonly node: string
  readonly services: readonly DrainRow[]
  readonly counts: { readonly moves: number; readonly loses: number; readonly stays: number }
}

/** What happens to everything that the node answers for, or is to answer for, when it is cordoned and emptied. */
export function simulateDrain(cluster: AnnouncedCluster, node: string): DrainPlan {
  const without = new Map(layer2Views(cluster, othersThan(node, cluster)).map((view) => [view.service, view]))
  const all = layer2Views(cluster)
  const affected = all.filter((view) => ownerOf(view) === node)
  const services = affected.map((view) => rowOf(view, without.get(view.service)!, node))
  const loses = services.filter(({ to }) => to === undefined).length
  return {
    node,
    services,
    counts: { moves: services.length - loses, loses, stays: all.length - affected.length },
  }
}

function othersThan(node: string, { state }: AnnouncedCluster) {
  return state.nodes.filter(({ name }) => name !== node)
}

/** Who reports that it answers, or else who is to. */
function ownerOf({ answering, decision }: Layer2View): string | undefined {
  return answering[0]?.node ?? (decision.kind === 'announce' ? decision.candidates[0] : undefined)
}

function rowOf({ service, addresses }: Layer2View, after: Layer2View, node: string): DrainRow {
  const { decision, endpoints } = after
  if (decision.kind === 'silent') {
    const { because, detail } = decision
    return { service, addresses, because: `${detail} [${because}]` }
  }
  const isOnlyHere = [...endpoints.nodes].every((name) => name === node)
  const note = isOnlyHere ? { because: `all its endpoints are on ${node}: it is served when they run elsewhere` } : {}
  return { service, addresses, to: decision.candidates[0]!, ...note }
}

export function drainReport(plan: DrainPlan): Report {
  return { value: plan, text: () => textOf(plan), exitCode: plan.counts.loses > 0 ? 1 : 0 }
}

function textOf({ node, services, counts }: DrainPlan): string {
  if (services.length === 0) return `${node} answers for no address.\n`
  const rows = services.map(({ service, addresses, to = '-', because = '' }) => [
    service,
    addresses.join(','),
    to,
    because,
  ])
  const moving = `${counted(counts.moves, 'Service moves', 'Services move')}`
  const losing = counts.loses === 0 ? '' : `, ${counted(counts.loses, 'Service falls', 'Services fall')} silent`
  const staying = `, ${counted(counts.stays, 'Service stays', 'Services stay')} where ${counts.stays === 1 ? 'it is' : 'they are'}`
  return `${table(['SERVICE', 'ADDRESSES', 'TO', 'NOTE'], rows)}\n${moving}${losing}${staying}.\n`
}
