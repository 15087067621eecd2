/** A frame as lines of a terminal. Pure. */
import { counted, type Paint, table } from '../report.ts'
import type { DecisionLine, Frame, SpeakerLine } from './frame.ts'

export interface ScreenSize {
  readonly rows: number
  readonly columns: number
}

/** What a terminal has that does not know its size (a serial line, `script`): it says 0 × 0. */
const CUSTOMARY: ScreenSize = { rows: 24, columns: 80 }

export function sizeOf({ rows, columns }: ScreenSize): ScreenSize {
  return { rows: rows || CUSTOMARY.rows, columns: columns || CUSTOMARY.columns }
}

/** Lines that fit, none longer than the screen is wide; addresses get the room that is left. */
export function screenOf(frame: Frame, { rows, columns }: ScreenSize, paint: Paint): readonly string[] {
  const speakers = speakerLines(frame.speakers)
  const decisions = frame.decisions.slice(0, Math.max(1, Math.floor(rows / 4))).map(decisionLine)
  const fixed = [headline(frame), '', ...speakers.slice(0, Math.max(2, Math.floor(rows / 3))), '']
  const tail = [...(decisions.length === 0 ? [] : ['', 'LAST DECISIONS', ...decisions]), ...frame.notes]
  const addresses = addressLines(frame).slice(0, Math.max(2, rows - fixed.length - tail.length))
  const lines = [...fixed, ...addresses, ...tail].slice(0, rows).map((line) => line.slice(0, columns))
  return lines.map((line, index) => shaded(line, index, frame, paint))
}

/** For who reads no terminal: everything, and a line between two frames. */
export function streamOf(frame: Frame): string {
  const decisions = frame.decisions.map((one) => `${decisionLine(one)}\n`).join('')
  const notes = frame.notes.map((note) => `${note}\n`).join('')
  return `${headline(frame)}\n${speakerLines(frame.speakers).join('\n')}\n${addressLines(frame).join('\n')}\n${decisions}${notes}\n`
}

function headline({ at, addresses, speakers }: Frame): string {
  const answers = speakers.reduce((sum, { answersPerSecond }) => sum + answersPerSecond, 0)
  const silent = speakers.filter(({ because }) => because !== undefined).length
  const lacking = silent === 0 ? '' : `, ${silent} silent`
  return `${at}  ${counted(addresses.length, 'address', 'addresses')}, ${counted(speakers.length, 'speaker')}${lacking}, ${perSecond(answers)} answers/s   (q leaves)`
}

function speakerLines(speakers: readonly SpeakerLine[]): readonly string[] {
  const rows = speakers.map((one) => [
    ...[one.node, String(one.addresses), perSecond(one.requestsPerSecond), perSecond(one.answersPerSecond)],
    ...[perSecond(one.ignoredPerSecond), sessionsOf(one), one.because ?? downOf(one)],
  ])
  return lines(table(['NODE', 'ADDRESSES', 'ASKED/S', 'ANSWERED/S', 'IGNORED/S', 'SESSIONS', 'NOTE'], rows))
}

function addressLines({ addresses }: Frame): readonly string[] {
  const rows = addresses.map(({ address, services, nodes, requestsPerSecond, answersPerSecond }) => [
    ...[address, nodes.join(','), perSecond(requestsPerSecond), perSecond(answersPerSecond), services.join(',') || '-'],
  ])
  return lines(table(['ADDRESS', 'NODE', 'ASKED/S', 'ANSWERED/S', 'SERVICE'], rows))
}

function lines(text: string): readonly string[] {
  return text.trimEnd().split('\n')
}

function decisionLine({ at, object, reason, message }: DecisionLine): string {
  return `${at} ${object} ${reason}: ${message}`
}

function perSecond(rate: number): string {
  return rate === 0 || rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)
}

function sessionsOf({ sessions }: SpeakerLine): string {
  if (sessions.length === 0) return '-'
  return `${sessions.filter(({ state }) => state === 'Established').length}/${sessions.length}`
}

function downOf({ sessions }: SpeakerLine): string {
  const down = sessions.filter(({ state }) => state !== 'Established').map(({ peer, state }) => `${peer}: ${state}`)
  return down.join(', ')
}

/** Colour comes last: what a line is wide is counted without it. */
function shaded(line: string, index: number, { speakers }: Frame, paint: Paint): string {
  if (index === 0 || /^(NODE|ADDRESS|LAST DECISIONS)\b/.test(line)) return paint('strong', line)
  const speaker = speakers.find(({ node }) => line.startsWith(`${node} `))
  const isBad = speaker !== undefined && (speaker.because !== undefined || downOf(speaker) !== '')
  return isBad ? paint('bad', line) : line
}
