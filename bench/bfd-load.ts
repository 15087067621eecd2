/**
 * 20 BFD sessions at 50 ms × 3 with BIRD routers, while the main thread parses JSON without a pause and busy loops fill
 * both cores: none may go down by itself; and each is to be noticed within 3.3 intervals when its router stands still.
 * The router's last packet may be up to an interval older than its last moment, and the detection time counts from the
 * packet: what is over 150 ms since its arrival (by the kernel's clock) is ours and the scheduler's. Of a false down the
 * longest silences both ways are told, by the same clock: they show who was late.
 */
import { execFileSync, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DesiredBfd, ObservedPeer } from '../speaker/wire/messages.ts'
import type { WireNode } from '../testkit/wire-node.ts'
import { BfdPackets, type Way } from './bfd-load-packets.ts'
import { BgpSegment, peerAt, routerAddress } from './bgp-segment.ts'
import { timesOf } from './bgp-times.ts'

const SESSIONS = 20
const INTERVAL_MS = 50
const MULTIPLIER = 3
const SECONDS = process.env.INVAR_SHORT ? 30 : 600
const NOTICED_BAR_MS = 3.3 * INTERVAL_MS
/**
 * The routers stand for machines of their own: their packets are not to be late because ours is busy. A nice value would
 * not do: BIRD speaks BFD in a thread of its own, and the kernel shares the processors between sessions first (sched(7)).
 */
const AS_IF_ALONE = ['--all-tasks', '--rr', '--pid', '1']

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
  const node = await segment.startNode(fileURLToPath(new URL('./arp-speaker.ts', import.meta.url)))
  const peers = segment.routers.map((_, index) => peerAt(routerAddress(index), { bfd: BFD }))
  node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
  await allUp(node)
  for (const { pids } of segment.routers) for (const pid of pids) execFileSync('chrt', [...AS_IF_ALONE, String(pid)])
  using packets = new BfdPackets(segment.lan.host('node'), 'eth0')
  progress(`${SESSIONS} sessions are up; the load begins, for ${SECONDS} s`)
  node.post('parse' as never)
  const hogs = Array.from({ length: availableParallelism() }, () => spawn('sh', ['-c', 'while :; do :; done']))
  try {
    // The main thread makes its list and warms up.
    await delay(3_000)
    const watch = new FalseDowns(node, packets)
    for (let second = 1; second <= SECONDS; second++) {
      await delay(1_000)
      for (const one of watch.look()) progress(JSON.stringify(one))
      if (second % 10 === 0) progress(`${second} s: ${watch.all.length} false downs`)
    }
    progress('the routers stand still, one after the other')
    return outcome(watch.all, await noticeEach(segment, node, packets))
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL')
  }
}

async function allUp(node: WireNode): Promise<void> {
  // Several may come up between two turns of this loop: all that was said counts.
  while (upIn(node.messages).size < SESSIONS) await node.next('peer')
}

function upIn(messages: WireNode['messages']): ReadonlySet<string> {
  const isUp = ({ bfd, state }: ObservedPeer) => bfd?.state === 'Up' && state === 'Established'
  return new Set(
    messages.flatMap((message) => (message.kind === 'peer' && isUp(message.peer) ? message.peer.name : [])),
  )
}

interface FalseDown {
  readonly peer: string
  readonly because: string | undefined
  /** Until the session's end, of what is remembered. */
  readonly unheardMs: number
  readonly unsentMs: number
}

class FalseDowns {
  readonly all: FalseDown[] = []
  readonly #node: WireNode
  readonly #packets: BfdPackets
  readonly #down = new Set<string>()
  #seen: number

  constructor(node: WireNode, packets: BfdPackets) {
    this.#node = node
    this.#packets = packets
    this.#seen = node.messages.length
  }

  /** Those that came since it was last asked. */
  look(): readonly FalseDown[] {
    const before = this.all.length
    const { messages } = this.#node
    for (const message of messages.slice(this.#seen)) if (message.kind === 'peer') this.#take(message.peer)
    this.#seen = messages.length
    return this.all.slice(before)
  }

  #take({ name: peer, bfd, sinceMs }: ObservedPeer): void {
    if (bfd?.state === 'Up') this.#down.delete(peer)
    else if (!this.#down.has(peer)) {
      this.#down.add(peer)
      const silence = (way: Way) => Math.round(this.#packets.longestSilence(way, peer, sinceMs))
      this.all.push({ peer, because: bfd?.because, unheardMs: silence('from'), unsentMs: silence('to') })
    }
  }
}

/** Milliseconds until the session's end, by the wire thread's own clock. */
interface Noticed {
  readonly sinceStandstill: number
  readonly sinceLastPacket: number
}

async function noticeEach(segment: BgpSegment, node: WireNode, packets: BfdPackets): Promise<Noticed[]> {
  const noticed: Noticed[] = []
  for (const [index, router] of segment.routers.entries()) {
    const address = routerAddress(index)
    const down = node.next('peer', ({ peer }) => peer.name === address && peer.state !== 'Established')
    // As the wire thread reads it: a monotonic clock and this one drift apart in ten minutes.
    const stoppedMs = Date.now()
    router.freeze()
    const { peer } = await down
    const lastPacketMs = packets.lastBefore('from', address, peer.sinceMs)
    noticed.push({ sinceStandstill: peer.sinceMs - stoppedMs, sinceLastPacket: peer.sinceMs - lastPacketMs })
    router.thaw()
  }
  return noticed
}

function outcome(falseDowns: readonly FalseDown[], ends: readonly Noticed[]) {
  const noticed = timesOf(ends.map(({ sinceStandstill }) => sinceStandstill))
  const silence = timesOf(ends.map(({ sinceLastPacket }) => sinceLastPacket))
  return {
    figures: {
      ...{ sessions: SESSIONS, seconds: SECONDS, falseDowns: falseDowns.length, realDowns: ends.length },
      ...{ noticed, silence, falseDownsByCause: countBy(falseDowns, ({ because }) => because ?? 'not told') },
    },
    yardstick: NOTICED_BAR_MS,
    ratio: Math.round((noticed.maxMs / NOTICED_BAR_MS) * 100) / 100,
    bar: `no false down, a real one noticed within ${NOTICED_BAR_MS} ms`,
    pass: falseDowns.length === 0 && noticed.maxMs <= NOTICED_BAR_MS,
  }
}

function countBy<T>(all: readonly T[], nameOf: (one: T) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const one of all) counts[nameOf(one)] = (counts[nameOf(one)] ?? 0) + 1
  return counts
}
