/** The page: one state, drawn at most once a frame, only where it changed. */
import { type PageMessage, STANDINGS, type Standing } from '../model.ts'
import { customers, found, tally, workloads } from '../search.ts'
import { PageState } from '../state.ts'
import { decisionEntry, poolEntry, problemEntry, speakerEntry } from './boxes.ts'
import { connect } from './connection.ts'
import { byId, element } from './element.ts'
import { ServicesTable, WORDS } from './services-table.ts'

const state = new PageState()
const table = new ServicesTable(byId('table'))
const words = byId<HTMLInputElement>('words')
let standing: Standing | undefined
/** What is to be drawn with the next frame. */
const stale = new Set<keyof PageMessage>()

function draw(): void {
  const { services } = state
  const have = (...names: readonly (keyof PageMessage)[]) => names.some((name) => stale.has(name))
  if (have('about')) drawReplica()
  if (have('problems')) drawProblems()
  // While the first of everything comes in, a hundred Services at a time, what is summed up over all of them waits.
  const isCounted = state.isComplete || have('isFirst')
  if (isCounted && have('pools', 'services', 'gone', 'isComplete')) drawPools()
  if (isCounted && have('speakers', 'services', 'gone', 'isComplete')) drawSpeakers()
  if (have('decisions', 'isFirst', 'about')) drawDecisions()
  if (isCounted && have('services', 'gone', 'isComplete')) drawServices()
  if (isCounted) document.title = titleOf(tally(services))
  stale.clear()
}

function drawSoon(...names: readonly (keyof PageMessage)[]): void {
  if (stale.size === 0) requestAnimationFrame(draw)
  for (const name of names) stale.add(name)
}

function drawReplica(): void {
  const { pod = '', namespace = '', isLeader = true, unread = [] } = state.about ?? {}
  const role = isLeader ? 'gives out the addresses' : 'stands by: the decisions are told by the one that leads'
  byId('replica').textContent = pod === '' ? `${namespace}; ${role}` : `${namespace}/${pod} ${role}`
  const notes = byId('unread')
  notes.hidden = unread.length === 0
  notes.textContent = `Not shown here, as it cannot be read: ${unread.join('; ')}`
}

function drawProblems(): void {
  const section = byId('problems')
  section.hidden = state.problems.length === 0
  section.querySelector('ul')?.replaceChildren(...state.problems.map(problemEntry))
}

function drawPools(): void {
  const counts = customers(state.services)
  const entries = state.pools.map((pool) => poolEntry(pool, counts.get(pool.name) ?? 0))
  fillBox('pools', entries, 'There is no IPAddressPool: no Service gets an address.')
}

function drawSpeakers(): void {
  const work = workloads(state.services)
  const entries = state.speakers.map((speaker) => speakerEntry(speaker, work.get(speaker.node)))
  fillBox('speakers', entries, 'There is no node.')
}

function drawDecisions(): void {
  const none = state.about?.isLeader === false ? 'The replica that leads knows them.' : 'None since it leads.'
  fillBox('decisions', state.decisions.map(decisionEntry), none)
}

function fillBox(id: string, entries: readonly HTMLElement[], ifNone: string): void {
  const box = byId(id)
  box.replaceChildren(...(entries.length === 0 ? [element('p', { class: 'empty' }, ifNone)] : entries))
}

function drawServices(): void {
  const { services } = state
  const shown = found(services, { text: words.value, standing })
  table.show(shown)
  drawStandings()
  const all = services.length.toLocaleString('en')
  const count =
    shown.length === services.length ? `${all} Services` : `${shown.length.toLocaleString('en')} of ${all} Services`
  const text = state.isComplete ? count : 'Services come in …'
  // A screen reader says what is written here, so nothing is written twice.
  if (byId('count').textContent !== text) byId('count').textContent = text
}

function drawStandings(): void {
  const counts = tally(state.services)
  const label = (one: Standing | undefined) =>
    one === undefined
      ? `all ${state.services.length.toLocaleString('en')}`
      : `${WORDS[one]} ${counts[one].toLocaleString('en')}`
  for (const [one, button] of buttons) {
    button.textContent = label(one)
    button.setAttribute('aria-pressed', String(one === standing))
  }
}

function titleOf(counts: Readonly<Record<Standing, number>>): string {
  const wrong = counts.waiting + counts.silent + counts.doubtful
  return wrong === 0 ? 'Invar' : `(${wrong}) Invar`
}

for (const box of document.querySelectorAll<HTMLElement>('.box')) {
  // So that it can be scrolled by the keyboard.
  box.tabIndex = 0
}

const buttons = new Map<Standing | undefined, HTMLButtonElement>()
for (const one of [undefined, ...STANDINGS]) {
  const button = element('button', {})
  button.type = 'button'
  button.addEventListener('click', () => {
    standing = one
    drawSoon('services')
  })
  buttons.set(one, button)
  byId('standings').append(button)
}

words.addEventListener('input', () => drawSoon('services'))
byId('search').addEventListener('submit', (event) => event.preventDefault())

connect({
  onMessage: (message) => {
    state.apply(message)
    drawSoon(...(Object.keys(message) as (keyof PageMessage)[]))
  },
  onState: (isLive, sentence) => {
    const status = byId('connection')
    status.classList.toggle('live', isLive)
    if (status.textContent !== sentence) status.textContent = sentence
  },
})
