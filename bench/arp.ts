/**
 * ARP: how long until we answer, against the kernel answering for its own address, asked in turn by one client in
 * another network namespace. Bars: our median at most twice the kernel's; and with the main thread parsing 20 MB of JSON
 * without a pause, our 99th percentile below a millisecond.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildProgram } from '../native/build.ts'
import { formatAddress } from '../net/ip/index.ts'
import { createLan, type Lan } from '../testkit/netns.ts'
import { startWireNode, type WireNode } from '../testkit/wire-node.ts'

const ROUNDS = Number(process.env.INVAR_BENCH_ROUNDS ?? 5000)
const FIRST = 0x0a640000
export const ADDRESSES_FROM = formatAddress({ family: 4, bits: BigInt(FIRST) })
const MEDIAN_RATIO_BAR = 2
const BUSY_P99_BAR_US = 1000

interface Times {
  readonly lost: number
  readonly medianUs: number
  readonly p99Us: number
  readonly maxUs: number
}

interface Figure {
  readonly addresses: number
  readonly mainThread: 'idle' | 'parsing'
  readonly kernel: Times
  readonly ours: Times
  readonly medianRatio: number
  readonly pass: boolean
}

export default {
  name: 'arp',
  about: "ARP replies against the kernel's own, at 1 and 10,000 addresses, idle and with a parsing main thread (root)",
  run,
}

async function run(progress: (text: string) => void) {
  const client = buildProgram('bench/arp-client.c')
  const figures: Figure[] = []
  for (const addresses of [1, 10_000]) {
    using lan = createLan([
      { name: 'speaker', addresses: ['10.99.0.1/8'] },
      { name: 'client', addresses: ['10.99.0.2/8'] },
    ])
    progress(`${addresses} addresses: until they are announced`)
    const node = await startAnnouncing(lan, addresses)
    for (const mainThread of ['idle', 'parsing'] as const) {
      if (mainThread === 'parsing') await startParsing(node)
      progress(`${addresses} addresses, main thread ${mainThread}: ${ROUNDS} questions to each`)
      const figure = measure(lan, client, addresses, mainThread)
      progress(JSON.stringify(figure))
      figures.push(figure)
    }
  }
  const idle = figures.filter(({ mainThread }) => mainThread === 'idle')
  const parsing = figures.filter(({ mainThread }) => mainThread === 'parsing')
  return {
    figures: {
      busyP99Us: Math.max(...parsing.map(({ ours }) => ours.p99Us)),
      busyP99BarUs: BUSY_P99_BAR_US,
      runs: figures,
    },
    yardstick: Math.max(...idle.map(({ kernel }) => kernel.medianUs)),
    ratio: Math.round(Math.max(...idle.map(({ medianRatio }) => medianRatio)) * 100) / 100,
    bar: MEDIAN_RATIO_BAR,
    pass: figures.every(({ pass }) => pass),
  }
}

export async function startAnnouncing(lan: Lan, addresses: number): Promise<WireNode> {
  const main = fileURLToPath(new URL('./arp-speaker.ts', import.meta.url))
  const node = await startWireNode(lan.host('speaker'), { name: 'speaker', main })
  const ips = Array.from({ length: addresses }, (_, index) => formatAddress({ family: 4, bits: BigInt(FIRST + index) }))
  node.desire(ips, ['speaker'])
  // Until the burst of the takeover is over.
  for (let before = -1, now = 0; before !== now; ) {
    await delay(2500)
    node.post({ kind: 'read-counters', id: 1 })
    const { counters } = await node.next('counters')
    before = now
    now = counters.addresses.reduce((sum, { gratuitousSent }) => sum + gratuitousSent, 0)
    if (before === 0) before = -1
  }
  return node
}

/** Gives it time to make the list and warm up. */
async function startParsing(node: WireNode): Promise<void> {
  node.post('parse' as never)
  await delay(3000)
}

function measure(lan: Lan, client: string, addresses: number, mainThread: Figure['mainThread']): Figure {
  const range = [ADDRESSES_FROM, String(addresses), String(ROUNDS)]
  const output = lan.host('client').run(client, 'eth0', '10.99.0.2', '10.99.0.1', ...range)
  const [kernel, ours] = ['kernel', 'ours'].map((name) => timesOf(output, name)) as [Times, Times]
  const medianRatio = ours.medianUs / kernel.medianUs
  const isFast = mainThread === 'parsing' ? ours.p99Us < BUSY_P99_BAR_US : medianRatio <= MEDIAN_RATIO_BAR
  return { addresses, mainThread, kernel, ours, medianRatio, pass: isFast && ours.lost === 0 }
}

export function timesOf(output: string, name: string): Times {
  const line = output.split('\n').find((text) => text.startsWith(`${name} `)) ?? ''
  const field = (key: string) => Number(new RegExp(`${key}=(\\d+)`).exec(line)?.[1] ?? Number.NaN)
  return { lost: field('lost'), medianUs: field('median') / 1e3, p99Us: field('p99') / 1e3, maxUs: field('max') / 1e3 }
}
