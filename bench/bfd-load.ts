/**
 * 20 BFD sessions at 50 ms × 3 with BIRD routers, while the main thread parses JSON without a pause and busy loops fill
 * both cores: none may go down by itself; and each is to be noticed within 3.3 intervals when its router stands still.
 * The router's last packet may be up to an interval older than its last moment, and the detection time counts from the
 * packet: what is over 150 ms since its arrival (by the kernel's clock) is ours and the scheduler's.
 */
import { spawn } from 'node:child_process'
import { availableParallelism, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildProgram } from '../native/build.ts'
import type { DesiredBfd } from '../speaker/wire/messages.ts'
import type { WireNode } from '../testkit/wire-node.ts'
import { BgpSegment, peerAt, routerAddress } from './bgp-segment.ts'
import { timesOf } from './bgp-times.ts'

const SESSIONS = 20
const INTERVAL_MS = 50
const MULTIPLIER = 3
const SECONDS = process.env.INVAR_SHORT ? 30 : 600
const NOTICED_BAR_MS = 3.3 * INTERVAL_MS
/** The routers stand for machines of their own: their packets are not to be late because ours is busy. */
const ROUTER_PRIORITY = -20

const BFD: DesiredBfd = {
  transmitIntervalMs: INTERVAL_MS,
  receiveIntervalMs: INTERVAL_MS,
  detectMultiplier: MULTIPLIER,
  echoIntervalMs: undefined,
  isPassive: false,
  minimumTtl: undefined,
}

export default {
  name: 'bfd-load',
  about: '20 BFD sessions at 50 ms × 3 on a machine without idle time: false downs, time to notice a real one (root)',
  run,
}

async function run(progress: (text: string) => void) {
  const neighbor = { bfd: { intervalMs: INTERVAL_MS, multiplier: MULTIPLIER } }
  await using segment = await BgpSegment.start(SESSIONS, { isCollector: true, neighbor })
  for (const { pids } of segment.routers) for (const pid of pids) setPriority(pid, ROUTER_PRIORITY)
  const node = await segment.startNode(fileURLToPath(new URL('./arp-speaker.ts', import.meta.url)))
  const peers = segment.routers.map((_, index) => peerAt(routerAddress(index), { bfd: BFD }))
  node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
  await allUp(node)
  // Now: its compiler is not part of the load.
  buildProgram('bench/bfd-listener.c')
  progress(`${SESSIONS} sessions are up; the load begins, for ${SECONDS} s`)
  node.post('parse' as never)
  const hogs = Array.from({ length: availableParallelism() }, () => spawn('sh', ['-c', 'while :; do :; done']))
  try {
    // The main thread makes its list and warms up.
    await delay(3_000)
    const from = node.messages.length
    for (let second = 0; second < SECONDS; second += 10) {
      await delay(10_000)
      progress(`${second + 10} s: ${downsSince(node, from).length} false downs`)
    }
    const falseDowns = downsSince(node, from).length
    progress('the routers stand still, one after the other')
    return outcome(falseDowns, await noticeEach(segment, node))
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL')
  }
}

async function allUp(node: WireNode): Promise<void> {
  const up = new Set<string>()
  while (up.size < SESSIONS) {
    const { peer } = await node.next(
      'peer',
      ({ peer: { bfd, state } }) => bfd?.state === 'Up' && state === 'Established',
    )
    up.add(peer.name)
  }
}

function downsSince(node: WireNode, from: number): string[] {
  const reports = node.messages.slice(from).flatMap((message) => (message.kind === 'peer' ? [message.peer] : []))
  return reports.filter(({ bfd }) => bfd?.state !== 'Up').map(({ name }) => name)
}

/** Milliseconds until the session's end, by the wire thread's own clock. */
interface Noticed {
  readonly sinceStandstill: number
  readonly sinceLastPacket: number
}

async function noticeEach(segment: BgpSegment, node: WireNode): Promise<Noticed[]> {
  const listener = segment.lan.host('node').spawn(buildProgram('bench/bfd-listener.c'), ['eth0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const arrivals = new Map<string, number[]>()
  const reading = readArrivals(listener.stdout!, arrivals)
  // Every router has been heard then.
  await delay(1_000)
  const ends: { readonly address: string; readonly stoppedMs: number; readonly downMs: number }[] = []
  for (const [index, router] of segment.routers.entries()) {
    const address = routerAddress(index)
    const down = node.next('peer', ({ peer }) => peer.name === address && peer.state !== 'Established')
    // As the wire thread reads it: a monotonic clock and this one drift apart in ten minutes.
    const stoppedMs = Date.now()
    router.freeze()
    const { peer } = await down
    ends.push({ address, stoppedMs, downMs: peer.sinceMs })
    router.thaw()
  }
  listener.kill()
  await reading
  return ends.map(({ address, stoppedMs, downMs }) => {
    const last = arrivals.get(address)?.findLast((arrival) => arrival < downMs) ?? Number.NaN
    return { sinceStandstill: downMs - stoppedMs, sinceLastPacket: downMs - last }
  })
}

async function readArrivals(lines: Readable, arrivals: Map<string, number[]>): Promise<void> {
  for await (const line of createInterface({ input: lines })) {
    const [nanoseconds, sender = ''] = line.split(' ')
    const known = arrivals.get(sender)
    if (known === undefined) arrivals.set(sender, [Number(nanoseconds) / 1e6])
    else known.push(Number(nanoseconds) / 1e6)
  }
}

function outcome(falseDowns: number, ends: readonly Noticed[]) {
  const noticed = timesOf(ends.map(({ sinceStandstill }) => sinceStandstill))
  const silence = timesOf(ends.map(({ sinceLastPacket }) => sinceLastPacket))
  return {
    figures: { sessions: SESSIONS, seconds: SECONDS, falseDowns, realDowns: ends.length, noticed, silence },
    yardstick: NOTICED_BAR_MS,
    ratio: Math.round((noticed.maxMs / NOTICED_BAR_MS) * 100) / 100,
    bar: `no false down, a real one noticed within ${NOTICED_BAR_MS} ms`,
    pass: falseDowns === 0 && noticed.maxMs <= NOTICED_BAR_MS,
  }
}
