/**
 * 20 BFD sessions at 50 ms × 3 with BIRD routers, while the main thread parses JSON without a pause and busy loops fill
 * both cores: none may go down by itself; and each is to be noticed within 3.3 intervals when its router stands still.
 */
import { spawn } from 'node:child_process'
import { availableParallelism, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
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
    const times = await noticeEach(segment, node)
    return outcome(falseDowns, times)
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

/** Milliseconds from a router's last moment to the end of its session, by the wire thread's own clock. */
async function noticeEach(segment: BgpSegment, node: WireNode): Promise<number[]> {
  const times: number[] = []
  for (const [index, router] of segment.routers.entries()) {
    const down = node.next('peer', ({ peer }) => peer.name === routerAddress(index) && peer.state !== 'Established')
    const stoppedAt = performance.timeOrigin + performance.now()
    router.freeze()
    const { peer } = await down
    times.push(peer.sinceMs - stoppedAt)
    router.thaw()
  }
  return times
}

function outcome(falseDowns: number, times: readonly number[]) {
  const noticed = timesOf(times)
  return {
    figures: { sessions: SESSIONS, seconds: SECONDS, falseDowns, realDowns: times.length, noticed },
    yardstick: NOTICED_BAR_MS,
    ratio: Math.round((noticed.maxMs / NOTICED_BAR_MS) * 100) / 100,
    bar: `no false down, a real one noticed within ${NOTICED_BAR_MS} ms`,
    pass: falseDowns === 0 && noticed.maxMs <= NOTICED_BAR_MS,
  }
}
