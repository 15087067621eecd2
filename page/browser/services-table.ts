/**
 * The table of Services. Rows come in blocks that are filled when they come near the window, or when there is nothing
 * else to do; the browser lays out what is in sight (`content-visibility`), so ten thousand rows scroll like ten.
 */
import type { Announcer, ServiceRow, Standing } from '../model.ts'
import { element } from './element.ts'

const ROWS_A_BLOCK = 50
/** Up to here every row is there sooner or later, for the browser's own search and for screen readers. */
const ROWS_FILLED_UNASKED = 2_000
/** Blocks are filled before they come into sight, one a frame: more at once, and whoever scrolls feels it. */
const AHEAD = '1200px'

export const WORDS: Readonly<Record<Standing, string>> = {
  waiting: 'waiting',
  silent: 'silent',
  doubtful: 'in doubt',
  leaving: 'leaving',
  served: 'served',
}
const SHADES: Readonly<Record<Standing, string>> = {
  waiting: 'bad',
  silent: 'bad',
  doubtful: 'doubtful',
  leaving: 'code',
  served: 'good',
}

interface Block {
  readonly element: HTMLElement
  rows: readonly ServiceRow[]
  /** Of its first row, in the whole table. */
  firstIndex: number
  isFilled: boolean
}

interface Shown {
  readonly element: HTMLElement
  row: ServiceRow
}

export class ServicesTable {
  readonly #table: HTMLElement
  readonly #blocks: Block[] = []
  readonly #shown = new Map<string, Shown>()
  readonly #observer: IntersectionObserver
  #isIdleAwaited = false
  /** In sight or nearly so, and empty; the one that came last is where the reader is now. */
  readonly #wanted = new Set<Block>()
  #isFrameAwaited = false

  constructor(table: HTMLElement) {
    this.#table = table
    nameRoles(table)
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: AHEAD })
  }

  /** Shows these, in this order. What is there already stays, and keeps its place in the document. */
  show(rows: readonly ServiceRow[]): void {
    this.#table.setAttribute('aria-rowcount', String(rows.length + 1))
    this.#resize(Math.ceil(rows.length / ROWS_A_BLOCK))
    for (const [index, block] of this.#blocks.entries()) {
      block.firstIndex = index * ROWS_A_BLOCK
      block.rows = rows.slice(block.firstIndex, block.firstIndex + ROWS_A_BLOCK)
      block.element.style.setProperty('--rows', String(block.rows.length))
      if (block.isFilled || index === 0) this.#fill(block)
    }
    this.#forgetAllBut(rows)
    if (rows.length <= ROWS_FILLED_UNASKED) this.#fillWhenIdle()
  }

  #resize(count: number): void {
    while (this.#blocks.length > count) {
      const block = this.#blocks.pop()!
      this.#wanted.delete(block)
      this.#observer.unobserve(block.element)
      block.element.remove()
    }
    while (this.#blocks.length < count) {
      const block = {
        element: element('tbody', { class: 'block', role: 'rowgroup' }),
        rows: [],
        firstIndex: 0,
        isFilled: false,
      }
      this.#blocks.push(block)
      this.#table.append(block.element)
      this.#observer.observe(block.element)
    }
  }

  #seen(entries: readonly IntersectionObserverEntry[]): void {
    for (const { isIntersecting, target } of entries) {
      const block = this.#blocks.find((one) => one.element === target)
      if (block === undefined) continue
      this.#wanted.delete(block)
      if (isIntersecting && !block.isFilled) this.#wanted.add(block)
    }
    this.#fillWithNextFrame()
  }

  #fillWithNextFrame(): void {
    if (this.#isFrameAwaited || this.#wanted.size === 0) return
    this.#isFrameAwaited = true
    requestAnimationFrame(() => {
      this.#isFrameAwaited = false
      const block = [...this.#wanted].at(-1)
      if (block === undefined) return
      this.#fill(block)
      this.#fillWithNextFrame()
    })
  }

  #fillWhenIdle(): void {
    if (this.#isIdleAwaited || this.#blocks.every(({ isFilled }) => isFilled)) return
    this.#isIdleAwaited = true
    whenIdle(() => {
      this.#isIdleAwaited = false
      const next = this.#blocks.find(({ isFilled }) => !isFilled)
      if (next === undefined) return
      this.#fill(next)
      this.#fillWhenIdle()
    })
  }

  #fill(block: Block): void {
    block.isFilled = true
    this.#wanted.delete(block)
    const elements = block.rows.map((row, index) => this.#elementOf(row, block.firstIndex + index + 2))
    const { children } = block.element
    const isSame = children.length === elements.length && elements.every((one, index) => children[index] === one)
    if (!isSame) block.element.replaceChildren(...elements)
  }

  #elementOf(row: ServiceRow, rowIndex: number): HTMLElement {
    const known = this.#shown.get(row.key)
    const shown = known ?? { element: element('tr', { class: 'row', role: 'row' }), row }
    if (shown.row !== row || known === undefined) shown.element.replaceChildren(...cells(row))
    if (known !== undefined && known.row !== row) flash(shown.element)
    shown.row = row
    shown.element.setAttribute('aria-rowindex', String(rowIndex))
    this.#shown.set(row.key, shown)
    return shown.element
  }

  /** Rows that are not shown any more may not be kept for ever. */
  #forgetAllBut(rows: readonly ServiceRow[]): void {
    if (this.#shown.size <= rows.length) return
    const keys = new Set(rows.map(({ key }) => key))
    for (const key of this.#shown.keys()) if (!keys.has(key)) this.#shown.delete(key)
  }
}

/** Not every browser says when it has nothing to do. */
const whenIdle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 30))

/** Laid out as a grid, a table is one no more for some browsers, unless it is said. */
function nameRoles(table: HTMLElement): void {
  const roles = { thead: 'rowgroup', tr: 'row', th: 'columnheader' } as const
  table.setAttribute('role', 'table')
  for (const [name, role] of Object.entries(roles)) {
    for (const found of table.querySelectorAll(name)) found.setAttribute('role', role)
  }
}

function flash(row: HTMLElement): void {
  row.classList.remove('changed')
  // Read, so that the animation begins anew.
  void row.offsetWidth
  row.classList.add('changed')
}

function cells({
  key,
  standing,
  addresses,
  pool,
  answers = [],
  routes = [],
  reason,
}: ServiceRow): readonly HTMLElement[] {
  const [namespace = '', name = ''] = key.split('/')
  const standingCell = cell('Standing', element('span', { class: SHADES[standing] }, WORDS[standing]))
  const why = reason === undefined ? [] : [reason.sentence, element('span', { class: 'code' }, reason.code)]
  return [
    element(
      'th',
      { role: 'rowheader' },
      element('span', { class: 'strong' }, name),
      element('span', { class: 'code' }, namespace),
    ),
    standingCell,
    cell('Address', addresses.join(', ')),
    cell('Pool', pool ?? ''),
    cell('Announced by', announcers(answers, routes)),
    cell('What is wrong', ...why),
  ]
}

function cell(heading: string, ...children: readonly (Node | string)[]): HTMLElement {
  // An empty text node would keep the cell from being `:empty`.
  return element('td', { role: 'cell', 'data-heading': heading }, ...children.filter((child) => child !== ''))
}

function announcers(answers: readonly Announcer[], routes: readonly Announcer[]): string {
  const answering = answers.map(({ node, over }) => (over.length === 0 ? node : `${node} (${over.join(', ')})`))
  const routing = routes.map(({ node, over }) => `${node} to ${over.join(', ')}`)
  return [...answering, ...routing].join('; ')
}
