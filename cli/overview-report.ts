/** What `invarctl status` prints: one screen, what is wrong last, where the eye ends. Pure. */

import { problemLine } from './lint-report.ts'
import { isWell, isWrong, type Overview, type ProgramRow, type SpeakerRow } from './overview.ts'
import { poolTable } from './pools.ts'
import { counted, type Paint, type Report, type TextStyle, table } from './report.ts'

export function overviewReport(overview: Overview): Report {
  return { value: overview, text: (style) => textOf(overview, style), exitCode: overview.healthy ? 0 : 1 }
}

function textOf(overview: Overview, style: TextStyle): string {
  const { paint } = style
  const sections = [
    `${headline(overview, paint)}\n`,
    section('Controller', controllerLines(overview, style)),
    section('Speakers', speakerLines(overview, style)),
    section('Pools', lines(poolTable(overview.pools, style.isWide))),
    section('Problems', problemLines(overview, style)),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

function section(heading: string, content: readonly string[]): string {
  return content.length === 0 ? '' : `${heading}:\n${content.map((line) => `  ${line}\n`).join('')}`
}

function lines(text: string): readonly string[] {
  return text.trimEnd().split('\n')
}

function headline({ healthy, services, speakers, namespace }: Overview, paint: Paint): string {
  const ready = speakers.filter(isWell).length
  const verdict = healthy ? paint('good', 'All is well') : paint('bad', 'Something is wrong')
  const served = counted(services.served, 'Service has an address', 'Services have addresses')
  const waiting = services.waiting.length === 0 ? '' : `, ${counted(services.waiting.length, 'waits', 'wait')} for one`
  return `${verdict}: ${served}${waiting}; ${ready} of ${counted(speakers.length, 'speaker')} well (namespace ${namespace}).`
}

function controllerLines({ controllers, leader }: Overview, { paint }: TextStyle): readonly string[] {
  if (controllers.length === 0) return [paint('bad', 'no Pod of a controller: no Service is given an address')]
  const rows = controllers.map((row) => [...programCells(row), row.pod === leader ? 'leads' : '', row.because ?? ''])
  return painted(
    ['POD', 'NODE', 'READY', 'RESTARTS', 'VERSION', 'LEADER', 'BECAUSE'],
    rows,
    (index) => controllers[index]!.ready,
    paint,
  )
}

/** Of more nodes only those that are not well are listed; -o wide has all. */
const MOST_SPEAKERS = 10

function speakerLines({ speakers, nodesWithout }: Overview, { paint, isWide }: TextStyle): readonly string[] {
  if (speakers.length === 0) return [paint('bad', 'no Pod of a speaker: no address is announced')]
  const isAll = isWide || speakers.length <= MOST_SPEAKERS
  const listed = isAll ? speakers : speakers.filter((row) => !isWell(row))
  const well = speakers.length - listed.length
  return [
    ...(listed.length === 0 ? [] : speakerTable(listed, { paint, isWide })),
    ...(isAll ? [] : [`${counted(well, 'speaker is', 'speakers are')} well (-o wide lists all)`]),
    ...(nodesWithout.length === 0 ? [] : [`no speaker runs on ${nodesWithout.join(', ')}`]),
  ]
}

function speakerTable(speakers: readonly SpeakerRow[], { paint, isWide }: TextStyle): readonly string[] {
  const pod = isWide ? ['POD'] : []
  const rows = speakers.map((row) => [
    ...[row.node, row.ready ? 'yes' : 'no', String(row.restarts), row.version ?? '-'],
    ...(isWide ? [row.pod] : []),
    ...[row.links?.join(',') || '-', row.hears === undefined ? '-' : String(row.hears.length)],
    ...[sessionsOf(row), row.because ?? ''],
  ])
  const headings = ['NODE', 'READY', 'RESTARTS', 'VERSION', ...pod, 'LINKS', 'HEARS', 'SESSIONS', 'BECAUSE']
  return painted(headings, rows, (index) => isWell(speakers[index]!), paint)
}

function programCells({ pod, node, ready, restarts, version }: ProgramRow): readonly string[] {
  return [pod, node || '-', ready ? 'yes' : 'no', String(restarts), version ?? '-']
}

function sessionsOf({ sessions }: SpeakerRow): string {
  if (sessions === undefined || sessions.length === 0) return '-'
  return `${sessions.filter(({ state }) => state === 'Established').length}/${sessions.length}`
}

function painted(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  isGood: (index: number) => boolean,
  paint: Paint,
): readonly string[] {
  const [heading, ...body] = lines(table(headings, rows))
  return [heading!, ...body.map((line, index) => (isGood(index) ? line : paint('bad', line)))]
}

/** Of each sort; -o wide and -o json have all. */
const MOST_SHOWN = 5

function problemLines(overview: Overview, { paint, isWide }: TextStyle): readonly string[] {
  const { problems, reported, services, conflicts, speakers } = overview
  const down = speakers.flatMap(({ node, sessions = [] }) => {
    return sessions
      .filter(({ state }) => state !== 'Established')
      .map(
        ({ peer, state, because }) =>
          `${node} has no session with ${peer} (${state})${because === undefined ? '' : `: ${because}`}`,
      )
  })
  const sorts = [
    problems.map((problem) => problemLine(problem, paint)),
    reported.map(({ by, message }) => `${by}: ${message}`),
    services.waiting.map(({ service, because }) => `${service} has no address: ${because}`),
    services.silent.filter(isWrong).map(({ service, because }) => `${service} is not announced: ${because}`),
    services.silent.filter((one) => !isWrong(one)).map(({ because }) => paint('doubtful', because)),
    conflicts.map(({ because }) => because),
    down,
  ]
  return sorts.flatMap((sort) => shortened(sort, isWide))
}

function shortened(sort: readonly string[], isWide: boolean): readonly string[] {
  if (isWide || sort.length <= MOST_SHOWN) return sort
  return [...sort.slice(0, MOST_SHOWN), `… and ${sort.length - MOST_SHOWN} more like this (-o wide shows all)`]
}
