/**
 * How long an address is dark when its owner dies: a client asks for it by ARP every 10 ms while the owner's program is
 * killed, frozen, its cable pulled, or its whole machine gone. Dark is from the last answer of the old owner to the
 * first of another. Beside it: for how long the traffic of an ordinary client got no answer. What comes back, thawed or
 * plugged in again, must have yielded after 100 ms.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { systemRandom } from '../runtime/random.ts'
import { Asker, type HeardArp, percentile, Segment, Traffic, tenths, wallMs } from './l2-segment.ts'

const RUNS = Number(process.env.INVAR_BENCH_RUNS ?? (process.env.INVAR_SHORT === '1' ? 3 : 30))
const SIZES = (process.env.INVAR_BENCH_NODES ?? '3,10').split(',').map(Number)
const DARK_BAR_MS = 500
const YIELD_BAR_MS = 100
/** Far more than any takeover takes. */
const PATIENCE_MS = 20_000
/** How long the one that is back is watched. */
const AFTERMATH_MS = 1_000
const TRAFFIC_INTERVAL_US = 10_000
/** 3.5 intervals of 100 ms: net/membership. */
const DETECTION_MS = 350

const FAULTS = ['killed', 'frozen', 'unplugged', 'gone'] as const
type Fault = (typeof FAULTS)[number]

interface Round {
  readonly darkMs: number
  /** The longest silence that traffic met; 0 = none above 30 ms. */
  readonly trafficDarkMs: number
  /** The last answer of the old owner, after it was back; 0 = none. */
  readonly yieldedAfterMs: number
  /** Its answers later than the bar. */
  readonly lateAnswers: number
}

interface Figure {
  readonly nodes: number
  readonly fault: Fault
  readonly runs: number
  readonly darkMs: { readonly median: number; readonly p99: number; readonly max: number }
  readonly trafficDarkMs: { readonly median: number; readonly max: number }
  readonly yieldedAfterMs: { readonly median: number; readonly max: number }
  readonly lateAnswers: number
}

export default {
  name: 'l2-failover',
  about: `dark time of an address when its owner fails in four ways, 3 and 10 nodes, ${RUNS} runs each (root)`,
  run,
}

async function run(progress: (text: string) => void) {
  const figures: Figure[] = []
  for (const nodes of SIZES) {
    using segment = await Segment.start(nodes)
    await segment.agreed()
    const asker = new Asker(segment)
    const traffic = await Traffic.start(segment, TRAFFIC_INTERVAL_US)
    const play = new Play(segment, asker, traffic)
    for (const fault of FAULTS) {
      const rounds: Round[] = []
      while (rounds.length < RUNS) rounds.push(await play.round(fault))
      figures.push(figureOf(nodes, fault, rounds))
      progress(JSON.stringify(figures.at(-1)))
    }
  }
  const worst = Math.max(...figures.map(({ darkMs }) => darkMs.p99))
  const isFast = worst < DARK_BAR_MS
  const isYielding = figures.every(({ lateAnswers }) => lateAnswers === 0)
  return {
    figures: { worstP99Ms: worst, yieldBarMs: YIELD_BAR_MS, runs: figures },
    yardstick: {
      detectionMs: DETECTION_MS,
      quotedOfMetallbMs: { killed: '5500-6600', frozen: '5400-8300', unplugged: '5200-6000' },
    },
    ratio: Math.round((worst / DETECTION_MS) * 100) / 100,
    bar: { p99Ms: DARK_BAR_MS },
    pass: isFast && isYielding,
  }
}

/** One fault after another; whoever took over is the best candidate of the next round, as the speakers keep it. */
class Play {
  readonly #segment: Segment
  readonly #asker: Asker
  readonly #traffic: Traffic
  #owner: string

  constructor(segment: Segment, asker: Asker, traffic: Traffic) {
    this.#segment = segment
    this.#asker = asker
    this.#traffic = traffic
    this.#owner = segment.names[0]!
  }

  async round(fault: Fault): Promise<Round> {
    const old = this.#owner
    const isOlds = ({ mac }: HeardArp) => this.#segment.nameOf(mac) === old
    await this.#segment.agreed()
    // Anywhere between two heartbeats.
    await delay(500 + 100 * systemRandom())
    const struckAtMs = wallMs()
    const heir = this.#asker.next((heard) => heard.kind === 'reply' && !isOlds(heard), PATIENCE_MS)
    await this.#strike(fault, old)
    const first = await heir
    this.#owner = this.#segment.nameOf(first.mac)!
    this.#segment.desire([this.#owner, ...this.#segment.names.filter((name) => name !== this.#owner)])
    const isAnswered = ({ kind, atMs }: HeardArp) => kind === 'reply' && atMs < first.atMs
    const last = this.#asker.heard.findLast((heard) => isAnswered(heard) && isOlds(heard))!
    // The gap of traffic is known when it is over.
    await delay(AFTERMATH_MS)
    const healedAtMs = wallMs()
    await this.#heal(fault, old)
    await delay(AFTERMATH_MS)
    const afterwards = this.#asker.heard.filter((heard) => heard.atMs > healedAtMs && isOlds(heard))
    const gaps = this.#traffic.gaps.filter(({ fromMs, lengthMs }) => fromMs + lengthMs > struckAtMs)
    return {
      darkMs: first.atMs - last.atMs,
      trafficDarkMs: Math.max(0, ...gaps.map(({ lengthMs }) => lengthMs)),
      yieldedAfterMs: Math.max(0, ...afterwards.map(({ atMs }) => atMs - healedAtMs)),
      lateAnswers: afterwards.filter(({ atMs }) => atMs - healedAtMs > YIELD_BAR_MS).length,
    }
  }

  async #strike(fault: Fault, name: string): Promise<void> {
    if (fault === 'frozen') this.#segment.node(name).freeze()
    else if (fault === 'unplugged') this.#segment.host(name).unplug()
    else {
      if (fault === 'gone') this.#segment.lan.bridge.run('ip', 'link', 'delete', name)
      await this.#segment.forget(name)
    }
  }

  async #heal(fault: Fault, name: string): Promise<void> {
    if (fault === 'frozen') this.#segment.node(name).thaw()
    else if (fault === 'unplugged') this.#segment.host(name).plug()
    else {
      if (fault === 'gone') this.#segment.replaceHost(name)
      await this.#segment.startNode(name)
    }
  }
}

function figureOf(nodes: number, fault: Fault, rounds: readonly Round[]): Figure {
  const dark = rounds.map(({ darkMs }) => darkMs)
  const traffic = rounds.map(({ trafficDarkMs }) => trafficDarkMs)
  const yielded = rounds.map(({ yieldedAfterMs }) => yieldedAfterMs)
  const share = (values: readonly number[], percent: number) => tenths(percentile(values, percent))
  return {
    ...{ nodes, fault, runs: rounds.length },
    darkMs: { median: share(dark, 50), p99: share(dark, 99), max: share(dark, 100) },
    trafficDarkMs: { median: share(traffic, 50), max: share(traffic, 100) },
    yieldedAfterMs: { median: share(yielded, 50), max: share(yielded, 100) },
    lateAnswers: rounds.reduce((sum, { lateAnswers }) => sum + lateAnswers, 0),
  }
}
