/** The scenarios as they stand in docs/interop.md; `node e2e/interop/table.ts` prints the table. */
import { ROUTER_KINDS, type RouterKind } from '../../testkit/routers/index.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'

const TITLES: Readonly<Record<RouterKind, string>> = {
  frr: 'FRR 8.4.4',
  bird: 'BIRD 2.0.12',
  gobgp: 'GoBGP 3.10.0',
  exabgp: 'ExaBGP 4.2.21',
}

export function interopTable(): string {
  const reasons: string[] = []
  const rows = SCENARIOS.map((scenario) => `| ${[scenario.name, ...cellsOf(scenario, reasons)].join(' | ')} |`)
  const head = `| scenario | ${ROUTER_KINDS.map((kind) => TITLES[kind]).join(' | ')} |`
  const notes = reasons.map((reason, index) => `${index + 1}. The router ${reason}.`)
  return [head, `|${' --- |'.repeat(ROUTER_KINDS.length + 1)}`, ...rows, '', ...notes].join('\n')
}

/** `yes`, or the number of the reason why not. */
function cellsOf({ cannot = {} }: Scenario, reasons: string[]): string[] {
  return ROUTER_KINDS.map((kind) => {
    const reason = cannot[kind]
    if (reason === undefined) return 'yes'
    if (!reasons.includes(reason)) reasons.push(reason)
    return `no (${reasons.indexOf(reason) + 1})`
  })
}

if (import.meta.main) console.log(interopTable())
