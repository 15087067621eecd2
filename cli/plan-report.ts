/** What `invarctl plan` prints. Pure. */
import type { Problem } from '../core/config/index.ts'
import { problemLine } from './lint-report.ts'
import { EFFECTS, type Effect, type Plan, type PlannedService } from './plan.ts'
import { counted, type Paint, type Report, type Shade, type TextStyle, table } from './report.ts'

/** Exit code 1 where the change itself takes an address from a Service or moves it, or would be refused. */
export function planReport(plan: Plan): Report {
  const isHarmful = plan.services.some(
    ({ effect, regardless }) => !regardless && (effect === 'loses' || effect === 'moves'),
  )
  return { value: plan, text: (style) => textOf(plan, style), exitCode: isHarmful || plan.refused.length > 0 ? 1 : 0 }
}

function textOf({ services, counts, problems, refused }: Plan, { paint, isWide }: TextStyle): string {
  const shown = isWide ? services : services.filter(({ effect }) => effect !== 'keeps')
  const rows = shown.map(({ service, effect, before, after, regardless, ...rest }) => [
    ...[service, before.join(',') || '-', after.join(',') || '-', effect],
    [rest.because ?? '', regardless ? '(also without this change)' : ''].filter((text) => text !== '').join(' '),
  ])
  const list = rows.length === 0 ? '' : `${table(['SERVICE', 'NOW', 'THEN', 'EFFECT', 'BECAUSE'], rows)}\n`
  return [
    list,
    problemList('Would be refused at apply', refused, paint),
    problemList('Problems that would appear', problems.appear, paint),
    problemList('Problems that would be gone', problems.vanish, paint),
    `${summary(services, counts, paint)}\n`,
  ].join('')
}

function problemList(heading: string, problems: readonly Problem[], paint: Paint): string {
  if (problems.length === 0) return ''
  return `${heading}:\n${problems.map((one) => `  ${problemLine(one, paint)}\n`).join('')}\n`
}

const WORDS: Readonly<Record<Effect, readonly [string, string, Shade]>> = {
  loses: ['loses an address', 'lose an address', 'bad'],
  moves: ['moves', 'move', 'bad'],
  gains: ['gains an address', 'gain an address', 'good'],
  waits: ['waits', 'wait', 'doubtful'],
  keeps: ['keeps its address', 'keep their addresses', 'good'],
}

function summary(services: readonly PlannedService[], counts: Plan['counts'], paint: Paint): string {
  if (services.length === 0) return 'No Service has or wants an address.'
  const parts = EFFECTS.filter((effect) => counts[effect] > 0).map((effect) => {
    const [one, many, shade] = WORDS[effect]
    const count = counts[effect]
    return paint(shade, `${counted(count, 'Service')} ${count === 1 ? one : many}`)
  })
  return `${parts.join(', ')}.`
}
