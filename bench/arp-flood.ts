/**
 * ARP: requests as fast as one sender can. How many a second are answered, against the kernel answering for its own
 * address in the same run; and how long a second client waits for its answers meanwhile. Bars: 0.6 of the kernel's rate
 * for one address and for 10,000; and the second client's 99th percentile below 5 ms, none of its questions lost.
 */
import { once } from 'node:events'
import { buildProgram } from '../native/build.ts'
import { createLan, type Host, type Lan } from '../testkit/netns.ts'
import { ADDRESSES_FROM, startAnnouncing, timesOf } from './arp.ts'

const ROUND_MS = Number(process.env.INVAR_BENCH_MS ?? 2000)
const ROUNDS = Number(process.env.INVAR_BENCH_ROUNDS ?? 3)
const SECOND_CLIENT_QUESTIONS = 1000
const RATE_BAR = 0.6
const SECOND_CLIENT_BAR_US = 5000
/** A question that waited so long is lost. */
const LOST_AFTER_MS = 100
const KERNEL_IP = '10.99.0.1'

interface Rate {
  readonly askedPerSecond: number
  readonly answeredPerSecond: number
}

export default {
  name: 'arp-flood',
  about:
    "ARP requests as fast as one sender can: answers a second against the kernel's, and a second client's wait (root)",
  run,
}

async function run(progress: (text: string) => void) {
  const flood = buildProgram('bench/arp-flood.c')
  const client = buildProgram('bench/arp-client.c')
  const figures: Awaited<ReturnType<typeof measure>>[] = []
  for (const addresses of [1, 10_000]) {
    using lan = createLan([
      { name: 'speaker', addresses: [`${KERNEL_IP}/8`] },
      { name: 'flooder', addresses: ['10.99.0.2/8'] },
      { name: 'client', addresses: ['10.99.0.3/8'] },
    ])
    progress(`${addresses} addresses: until they are announced`)
    await startAnnouncing(lan, addresses)
    const figure = await measure(lan, { flood, client, addresses }, progress)
    progress(JSON.stringify(figure))
    figures.push(figure)
  }
  return {
    figures: { secondClientBarUs: SECOND_CLIENT_BAR_US, runs: figures },
    yardstick: Math.min(...figures.map(({ kernel }) => kernel.answeredPerSecond)),
    ratio: Math.min(...figures.map(({ ratio }) => ratio)),
    bar: RATE_BAR,
    pass: figures.every(({ pass }) => pass),
  }
}

interface Setting {
  readonly flood: string
  readonly client: string
  readonly addresses: number
}

async function measure(lan: Lan, { flood, client, addresses }: Setting, progress: (text: string) => void) {
  const flooder = lan.host('flooder')
  const kernel: Rate[] = []
  const ours: Rate[] = []
  // In turn, so that what else the machine does meets both alike.
  for (let round = 0; round < ROUNDS; round++) {
    progress(`${addresses} addresses: round ${round + 1} of ${ROUNDS}, ${ROUND_MS} ms to each`)
    kernel.push(floodFor(flooder, flood, KERNEL_IP, 1))
    ours.push(floodFor(flooder, flood, ADDRESSES_FROM, addresses))
  }
  progress(`${addresses} addresses: a second client`)
  const secondClient = await askMeanwhile(lan, { flood, client, addresses })
  const rates = { kernel: median(kernel), ours: median(ours) }
  const ratio = Math.round((rates.ours.answeredPerSecond / rates.kernel.answeredPerSecond) * 100) / 100
  const { lost, p99Us } = secondClient.ours
  const isFair = lost === 0 && p99Us < SECOND_CLIENT_BAR_US
  return { addresses, ...rates, ratio, secondClient, pass: ratio >= RATE_BAR && isFair }
}

/** The median round. */
function median(rates: Rate[]): Rate {
  return rates.sort((a, b) => a.answeredPerSecond - b.answeredPerSecond)[Math.floor(rates.length / 2)]!
}

function floodFor(flooder: Host, program: string, first: string, addresses: number): Rate {
  const output = flooder.run(program, 'eth0', '10.99.0.2', first, String(addresses), String(ROUND_MS))
  const field = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(output)![1])
  const seconds = field('nanoseconds') / 1e9
  return {
    askedPerSecond: Math.round(field('sent') / seconds),
    answeredPerSecond: Math.round(field('received') / seconds),
  }
}

async function askMeanwhile(lan: Lan, { flood, client, addresses }: Setting) {
  const forLong = ['eth0', '10.99.0.2', ADDRESSES_FROM, String(addresses), '600000']
  const flooding = lan.host('flooder').spawn(flood, forLong, { stdio: 'inherit' })
  await once(flooding, 'spawn')
  const range = [ADDRESSES_FROM, String(addresses), String(SECOND_CLIENT_QUESTIONS), String(LOST_AFTER_MS)]
  const output = lan.host('client').run(client, 'eth0', '10.99.0.3', KERNEL_IP, ...range)
  const ended = once(flooding, 'exit')
  flooding.kill()
  await ended
  return { kernel: timesOf(output, 'kernel'), ours: timesOf(output, 'ours') }
}
