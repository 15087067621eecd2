/** What `invarctl lint` prints. Pure. */
import type { Problem } from '../core/config/index.ts'
import type { FileProblem, LintResult } from './lint.ts'
import { counted, type Paint, type Report, type Shade } from './report.ts'

/** @param files how many were read */
export function lintReport(result: LintResult, files: number): Report {
  const { problems, checked, passedOver } = result
  return {
    value: { problems, checked, passedOver },
    text: ({ paint }) =>
      `${problems.map((one) => `${lineOf(one, paint)}\n`).join('')}${summary(result, files, paint)}\n`,
    exitCode: problems.some(isBlocking) ? 1 : 0,
  }
}

/** A notice is about an object that takes effect all the same. */
export function isBlocking({ severity }: Problem): boolean {
  return severity !== 'notice'
}

export const SHADE_OF: Readonly<Record<Problem['severity'], Shade>> = {
  error: 'bad',
  waiting: 'doubtful',
  notice: 'strong',
}

/** `pools.yaml:7 IPAddressPool/web spec.addresses[0]: "10.0.0.1" is a bare address; … [address-without-mask]` */
function lineOf(problem: FileProblem, paint: Paint): string {
  return `${paint('strong', `${problem.file}:${problem.line}`)} ${problemLine(problem, paint)}`
}

/** A problem without a place: `IPAddressPool/web spec.addresses[0]: … [rule]`. */
export function problemLine(problem: Problem, paint: Paint): string {
  const { object, path, rule, message, severity } = problem
  const field = path === '' ? '' : ` ${path}`
  const start = `${object.kind} ${object.name}${path === '' ? '' : `, ${path}`}: `
  const text = (message.startsWith(start) ? message.slice(start.length) : message).replace(/\.$/, '')
  const word = severity === 'error' ? '' : `${severity}: `
  return `${object.kind}/${object.name}${field}: ${paint(SHADE_OF[severity], `${word}${text}`)} [${rule}]`
}

function summary({ problems, checked, passedOver }: LintResult, files: number, paint: Paint): string {
  const blocking = problems.filter(isBlocking).length
  const notices = problems.length - blocking
  const found = blocking === 0 ? paint('good', 'no problems') : paint('bad', counted(blocking, 'problem'))
  const also = notices === 0 ? '' : ` and ${counted(notices, 'notice')}`
  const passed = passedOver === 0 ? '' : `; ${counted(passedOver, 'object')} of other kinds passed over`
  return `${found}${also} in ${counted(checked, 'object')} of ${counted(files, 'file')}${passed}`
}
