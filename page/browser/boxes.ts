/** Pools, speakers, problems and decisions: short lists, made anew when they change. */
import type { DecisionRow, Fill, PoolRow, ProblemRow, SessionRow, SpeakerRow } from '../model.ts'
import { IDLE, type Workload } from '../search.ts'
import { element } from './element.ts'

export function poolEntry(pool: PoolRow, services: number): HTMLElement {
  const { name, addresses, autoAssign, ipv4, ipv6, notes } = pool
  const families = [...fill('IPv4', ipv4), ...fill('IPv6', ipv6)]
  const asked = autoAssign ? '' : ', only when asked for'
  return element(
    'div',
    { class: 'entry' },
    first(name, element('span', {}, `${counted(services, 'Service')}${asked}`)),
    element('p', {}, addresses.join(', ')),
    ...families,
    ...notes.map((note) => element('p', { class: 'bad' }, note)),
  )
}

const NUMBERS = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
/** No word of the language helps any more: an IPv6 prefix has 1.8E19. */
const BEYOND_WORDS = 1e12
const HUGE_NUMBERS = new Intl.NumberFormat('en', { notation: 'scientific', maximumFractionDigits: 1 })
const HIGH = 0.8

function fill(family: string, { inUse, total }: Fill): readonly HTMLElement[] {
  if (total === 0 && inUse === 0) return []
  const part = total === 0 ? 1 : Math.min(1, inUse / total)
  const shade = part >= 1 ? 'full' : part >= HIGH ? 'high' : 'low'
  const bar = element('span', {})
  bar.style.setProperty('--fill', `${part * 100}%`)
  return [
    element('p', {}, `${family}: ${amount(inUse)} of ${amount(total)} in use`),
    element('div', { class: `bar ${shade}`, 'aria-hidden': 'true' }, bar),
  ]
}

function amount(addresses: number): string {
  return (addresses < BEYOND_WORDS ? NUMBERS : HUGE_NUMBERS).format(addresses)
}

const CONFIGURATIONS: Readonly<Record<SpeakerRow['configuration'], readonly [shade: string, words: string]>> = {
  Valid: ['good', 'in order'],
  Invalid: ['bad', 'cannot do all that is configured'],
  Unknown: ['doubtful', 'does not know its configuration'],
  none: ['doubtful', 'no speaker has reported'],
}

export function speakerEntry(speaker: SpeakerRow, { answers, routes, conflicts, links }: Workload = IDLE): HTMLElement {
  const { node, configuration, trouble, notes, sessions } = speaker
  const [shade, words] = CONFIGURATIONS[configuration]
  const over = links.length === 0 ? '' : ` on ${links.join(', ')}`
  const work = [
    ...(answers > 0 ? [`answers for ${counted(answers, 'Service')}${over}`] : []),
    ...(routes > 0 ? [`announces routes to ${counted(routes, 'Service')}`] : []),
  ]
  return element(
    'div',
    { class: 'entry' },
    first(node, element('span', { class: shade }, words)),
    element('p', {}, work.join('; ') || 'announces nothing'),
    ...(notes.length === 0 ? [] : [element('p', { class: 'doubtful' }, notes.join(', '))]),
    ...(conflicts === 0
      ? []
      : [element('p', { class: 'bad' }, `sees others use addresses of ${counted(conflicts, 'Service')}`)]),
    ...(trouble === undefined ? [] : [element('p', { class: 'bad' }, trouble)]),
    ...sessions.map(sessionLine),
  )
}

function sessionLine({ peer, state, since, sentence }: SessionRow): HTMLElement {
  if (state === 'quiet') return element('p', {}, `BGP peer ${peer}: no news of its session`)
  const at = since === undefined ? [] : [' since ', time(since)]
  if (state === 'up') return element('p', {}, `BGP peer ${peer}: up`, ...at)
  return element('p', { class: 'bad' }, `BGP peer ${peer}: down`, ...at, `: ${sentence ?? ''}`)
}

const SEVERITIES: Readonly<Record<ProblemRow['severity'], readonly [shade: string, words: string]>> = {
  error: ['bad', 'left out'],
  waiting: ['doubtful', 'waits for something'],
  notice: ['doubtful', 'in force'],
}

export function problemEntry({ severity, object, rule, sentence }: ProblemRow): HTMLElement {
  const [shade, words] = SEVERITIES[severity]
  const heading = element('span', {}, element('span', { class: 'strong' }, object), ` (${words})`)
  return element(
    'li',
    { class: 'entry' },
    element('div', { class: `first ${shade}` }, heading, element('span', { class: 'code' }, rule)),
    element('p', {}, sentence),
  )
}

const DECISION_SHADES: Readonly<Record<DecisionRow['kind'], string>> = {
  allocated: 'good',
  refused: 'bad',
  moved: 'doubtful',
  released: 'code',
  told: 'doubtful',
}

export function decisionEntry({ at, kind, service, sentence }: DecisionRow): HTMLElement {
  const what = element('span', { class: DECISION_SHADES[kind] }, kind)
  return element(
    'div',
    { class: 'entry' },
    element('div', { class: 'first' }, element('span', {}, what, ` ${service}`), time(at)),
    element('p', {}, sentence),
  )
}

function first(name: string, right: HTMLElement): HTMLElement {
  return element('div', { class: 'first' }, element('h3', {}, name), right)
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' })

function time(text: string): HTMLElement {
  const at = new Date(text)
  const isToday = at.toDateString() === new Date().toDateString()
  return element('time', { class: 'code', datetime: text }, (isToday ? TIME : DAY_AND_TIME).format(at))
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
