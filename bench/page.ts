import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Browser, startBrowser } from '../testkit/browser/index.ts'
import { type PageCluster, servePageOf } from './page-cluster.ts'

/** What is promised: everything is there, and a change is seen, within a second. */
const BAR_MS = 1_000
/** 95 of 100 frames while 10,000 rows are scrolled through in two seconds: twenty a second look like motion. */
const FRAME_BAR_MS = 50
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
    const isFast = ordinary.loadMs <= BAR_MS && ordinary.changeMs <= BAR_MS && many.frameMs <= FRAME_BAR_MS
    const bar = { loadMs: BAR_MS, changeMs: BAR_MS, frameMs: FRAME_BAR_MS }
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
  /** Between two frames while it is scrolled from top to bottom: the 95th percentile, and the longest. */
  readonly frameMs: number
  readonly longestFrameMs: number
}

async function timesOf(browser: Browser, services: number): Promise<Times> {
  const cluster = await servePageOf(services)
  try {
    const loads: number[] = []
    const changes: number[] = []
    for (let run = 0; run < RUNS; run++) {
      loads.push(await loadMs(browser, cluster, services))
      if (services > 0) changes.push(await changeMs(browser, cluster))
    }
    const searchMs = services === 0 ? 0 : await browser.evaluate<number>(SEARCH)
    const frames = services === 0 ? [0] : await browser.evaluate<readonly number[]>(SCROLL)
    const sorted = frames.toSorted((a, b) => a - b)
    return {
      ...{ loadMs: median(loads), changeMs: median(changes), searchMs: round(searchMs) },
      frameMs: round(sorted[Math.floor(sorted.length * 0.95)]!),
      longestFrameMs: round(sorted.at(-1)!),
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

/** By the clock of this process: it changes a Service, and asks the page. */
async function changeMs(browser: Browser, cluster: PageCluster): Promise<number> {
  const sums = `document.querySelector('#standings').textContent`
  const before = await browser.evaluate<string>(sums)
  const started = performance.now()
  cluster.mend()
  await browser.until(`${sums} !== ${JSON.stringify(before)}`)
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
  const frames = []
  let last
  const frame = (now) => {
    if (last !== undefined) frames.push(now - last)
    last = now
    if (scrollY + innerHeight >= document.documentElement.scrollHeight - 5) done(frames)
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
