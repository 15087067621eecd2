/** What `invarctl migrate from-metallb` prints. Pure. */
import type { Paint, Report, Shade } from '../report.ts'
import type { Finding } from './findings.ts'
import type { Migration } from './migration.ts'

/** - `looked`: nothing was changed - `refused`: something stops it - `done`: the steps were taken */
export type Outcome = 'looked' | 'refused' | 'done'

/** Exit code 1 where something stops it. */
export function migrationReport(migration: Migration, outcome: Outcome): Report {
  const isStopped = migration.findings.some(({ severity }) => severity === 'stops')
  return {
    value: { ...migration, outcome },
    text: ({ paint }) => textOf(migration, outcome, paint),
    exitCode: outcome === 'refused' || (outcome === 'looked' && isStopped) ? 1 : 0,
  }
}

const HEADINGS: Readonly<Record<Finding['severity'], readonly [string, Shade]>> = {
  stops: ['To be mended first (or go on with --force)', 'bad'],
  changes: ['Will be different', 'doubtful'],
  notice: ['Worth knowing', 'good'],
}

const HEADING_OF_STEPS: Readonly<Record<Outcome, string>> = {
  looked: 'With --yes, this is done',
  refused: 'Not done',
  done: 'Done',
}

function textOf(migration: Migration, outcome: Outcome, paint: Paint): string {
  const { summary, findings, steps, next } = migration
  const sections = [`${paint('strong', summary)}.\n`]
  for (const [severity, [heading, shade]] of Object.entries(HEADINGS)) {
    const messages = findings
      .filter((one) => one.severity === severity)
      .map(({ message, code }) => `${message} [${code}]`)
    sections.push(section(paint(shade, heading), messages))
  }
  sections.push(
    section(
      HEADING_OF_STEPS[outcome],
      steps.map((step, index) => `${index + 1}. ${step}`),
    ),
  )
  if (outcome !== 'refused') sections.push(section(outcome === 'done' ? 'Now run' : 'Then run', next))
  return sections.filter((text) => text !== '').join('\n')
}

function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${heading}:\n${lines.map((line) => `  ${line}\n`).join('')}`
}
