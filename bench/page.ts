import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Browser, startBrowser } from '../testkit/browser/index.ts'
import { type PageCluster, servePageOf } from './page-cluster.ts'

/** What is promised: everything is there, and a change is seen, within a second. */
const BAR_MS = 1_000
/** A frame while 10,000 rows are scrolled through; above it people see it stumble. */
const FRAME_BAR_MS = 100
const ORDINARY = 1_000
const MANY = 10_000
const RUNS = 5
const PICTURE = join(import.meta.dirname, '..', 'docs', 'images', 'page.png')

export default {
  name: 'page',
  about: 'the web page in a real browser: loading, a change, scrolling; PICTURE=1 renews docs/images/page.png',
  run,
}

/** The yardstick is the same page without Services: what the browser takes for itself. */
async function run(progress: (text: string) => void) {
  const browser = await startBrowser()
  try {
    await browser.look({ theme: 'light', width: 1280, height: 900 })
    progress('a page without Services')
    const empty = await timesOf(browser, 0)
    progress(`${ORDINARY} Services`)
    const ordinary = await timesOf(browser, ORDINARY)
    progress(`${MANY} Services`)
    const many = await timesOf(browser, MANY)
    if (process.env.PICTURE === '1') await picture(browser)
    const figures = { empty, ordinary, many, complaints: browser.complaints }
    const isFast = ordinary.loadMs <= BAR_MS && ordinary.changeMs <= BAR_MS && many.worstFrameMs <= FRAME_BAR_MS
    const bar = { loadMs: BAR_MS, changeMs: BAR_MS, worstFrameMs: FRAME_BAR_MS }
    const ratio = Math.round((ordinary.loadMs / empty.loadMs) * 100) / 100
    return { figures, yardstick: empty.loadMs, ratio, bar, pass: isFast && browser.complaints.length === 0 }
  } finally {
    await browser.stop()
  }
}

interface Times {
  /** Medians. From the first byte asked for until all is drawn; from a change until it is drawn. */
  readonly loadMs: number
  readonly changeMs: number
  readonly searchMs: number
  /** Longest time between two frames while it is scrolled from top to bottom. */
  readonly worstFrameMs: number
}

async function timesOf(browser: Browser, services: number): Promise<Times> {
  const cluster = await servePageOf(services)
  try {
    const loads: number[] = []
    const changes: number[] = []
    for (let run = 0; run < RUNS; run++) {
      loads.push(await loadMs(browser, cluster, services))
      if (services > 0) changes.push(await changeMs(browser, cluster, run))
    }
    const searchMs = services === 0 ? 0 : await browser.evaluate<number>(SEARCH)
    const worstFrameMs = services === 0 ? 0 : await browser.evaluate<number>(SCROLL)
    return {
      loadMs: median(loads),
      changeMs: median(changes),
      searchMs: round(searchMs),
      worstFrameMs: round(worstFrameMs),
    }
  } finally {
    await browser.open('about:blank')
    await cluster.stop()
  }
}

async function loadMs(browser: Browser, { url }: PageCluster, services: number): Promise<number> {
  await browser.open(url)
  const shown = `${services.toLocaleString('en')} Services`
  await browser.until(`document.querySelector('#count')?.textContent === '${shown}'`)
  // Two frames later it is on the screen.
  return browser.evaluate<number>(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))',
  )
}

/** By the clock of this process: it changes the Service, and asks the page. */
async function changeMs(browser: Browser, cluster: PageCluster, run: number): Promise<number> {
  // All within the first rows, as they are sorted.
  const name = `billing/${['api', 'api-1', 'api-10', 'api-11', 'api-12'][run]}`
  const started = performance.now()
  cluster.move(name)
  await browser.until(`document.querySelectorAll('tbody')[0].innerText.split('node-z').length > ${run + 1}`)
  return performance.now() - started
}

/** One key stroke that all rows have to be searched for. */
const SEARCH = `new Promise((done) => {
  const words = document.querySelector('#words')
  const started = performance.now()
  words.value = 'mail cache'
  words.dispatchEvent(new Event('input'))
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const took = performance.now() - started
    words.value = ''
    words.dispatchEvent(new Event('input'))
    requestAnimationFrame(() => done(took))
  }))
})`

const SCROLL = `new Promise((done) => {
  const end = document.documentElement.scrollHeight
  const step = end / 120
  let worst = 0
  let last
  const frame = (now) => {
    if (last !== undefined) worst = Math.max(worst, now - last)
    last = now
    if (scrollY + innerHeight >= document.documentElement.scrollHeight - 5) done(worst)
    else { scrollBy(0, step); requestAnimationFrame(frame) }
  }
  requestAnimationFrame(frame)
})`

async function picture(browser: Browser): Promise<void> {
  const cluster = await servePageOf(ORDINARY)
  try {
    await loadMs(browser, cluster, ORDINARY)
    mkdirSync(dirname(PICTURE), { recursive: true })
    writeFileSync(PICTURE, await browser.screenshot())
  } finally {
    await browser.open('about:blank')
    await cluster.stop()
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return round(sorted[Math.floor(sorted.length / 2)] ?? 0)
}

function round(value: number): number {
  return Math.round(value)
}
