/** What `invarctl doctor` prints. Pure. */
import { counted, type Paint, type Report, type Shade, type TextStyle } from '../report.ts'
import type { CheckResult, Diagnosis } from './examine.ts'
import { CHECKS, type Finding, type Severity } from './finding.ts'

const SHADES: Readonly<Record<Severity, Shade>> = { error: 'bad', warning: 'doubtful', notice: 'strong' }

export function doctorReport(diagnosis: Diagnosis): Report {
  const isSound = diagnosis.findings.every(({ severity }) => severity === 'notice')
  return { value: diagnosis, text: (style) => textOf(diagnosis, style), exitCode: isSound ? 0 : 1 }
}

function textOf({ findings, checks }: Diagnosis, { paint, isWide }: TextStyle): string {
  const skipped = checks.filter(({ outcome }) => outcome === 'skipped')
  const blocks = [
    ...findings.map((finding) => blockOf(finding, paint)),
    ...(isWide ? checks.map((check) => checkLine(check, paint)) : skipped.map((check) => checkLine(check, paint))),
  ]
  return `${blocks.join('')}${summary({ findings, checks }, paint)}\n`
}

/** `error Node/node-a: … [strict-arp]`, and below it what to do. */
function blockOf({ id, severity, object, what, remedy }: Finding, paint: Paint): string {
  const place = object.namespace ? `${object.namespace}/${object.name}` : object.name
  const line = `${paint(SHADES[severity], severity)} ${paint('strong', `${object.kind} ${place}`)}: ${what} [${id}]`
  return `${line}\n    ${remedy}\n`
}

function checkLine({ id, outcome, because }: CheckResult, paint: Paint): string {
  const word = outcome === 'well' ? paint('good', outcome) : paint('doubtful', outcome)
  return `${word} ${id}: ${because ?? CHECKS[id]}\n`
}

function summary({ findings, checks }: Diagnosis, paint: Paint): string {
  const made = checks.filter(({ outcome }) => outcome !== 'skipped').length
  const of = (wanted: Severity) => findings.filter(({ severity }) => severity === wanted).length
  const [errors, warnings, notices] = [of('error'), of('warning'), of('notice')]
  const verdict =
    errors + warnings === 0
      ? paint('good', 'nothing wrong')
      : [counted(errors, 'error'), counted(warnings, 'warning')].filter((text) => !text.startsWith('0 ')).join(' and ')
  const also = notices === 0 ? '' : `, ${counted(notices, 'notice')}`
  return `${verdict}${also} in ${counted(made, 'check')}`
}
