/** `invarctl probe`: what the network said when it was asked who answers for an address. Pure. */
import { type Report, table } from './report.ts'

/** A station that answered. */
export interface ProbeAnswer {
  /** Of the node that asked. */
  readonly interface: string
  readonly mac: string
  /** Since the question; 0 = the node that asked answers itself. */
  readonly afterMs: number
}

export interface Probe {
  readonly address: string
  /** The node that asked. */
  readonly node: string
  readonly waitedMs: number
  readonly answers: readonly ProbeAnswer[]
  /** The nodes that report that they answer; absent where that was not looked up. */
  readonly reportedBy?: readonly string[]
}

export function probeReport(probe: Probe): Report {
  const stations = new Set(probe.answers.map(({ mac }) => mac)).size
  return { value: probe, text: () => textOf(probe, stations), exitCode: stations === 1 ? 0 : 1 }
}

function textOf({ address, node, waitedMs, answers, reportedBy }: Probe, stations: number): string {
  const reported = reportedBy === undefined ? '' : `; ${reportedBy.join(' and ') || 'no node'} reports to answer`
  if (stations === 0) return `Nobody answered for ${address} within ${waitedMs} ms (asked from ${node}${reported}).\n`
  const summary =
    stations === 1
      ? `One station answers for ${address} (asked from ${node}${reported}).`
      : `${stations} stations answer for ${address} (asked from ${node}${reported}): only one of them should.`
  const rows = answers.map(({ mac, interface: name, afterMs }) => [mac, name, `${afterMs.toFixed(1)} ms`])
  return `${table(['MAC', 'INTERFACE', 'AFTER'], rows)}\n${summary}\n`
}
