/**
 * 10,000 addresses on 10 nodes, a thousand each, and one node dies: how long until all of its thousand are announced by
 * others. The client's port has 100 Mbit/s and a queue of 1,000 packets, as has the kernel's input queue: neither may
 * drop a packet of the burst.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { buildProgram } from '../native/build.ts'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import type { DesiredService } from '../speaker/wire/messages.ts'
import { percentile, Reader, Segment, serviceFor, tenths, wallMs } from './l2-segment.ts'

const RUNS = Number(process.env.INVAR_BENCH_RUNS ?? (process.env.INVAR_SHORT === '1' ? 1 : 5))
const NODES = 10
const ADDRESSES = Number(process.env.INVAR_BENCH_ADDRESSES ?? 10_000)
const SHARE = ADDRESSES / NODES
const FIRST = '10.100.0.0'
const TAKEOVER_BAR_MS = 1_000
const QUEUE_PACKETS = 1_000
/** A burst lasts five seconds; when a whole LAN of addresses starts, the pace makes it longer. */
const BURST_MS = 7_000
const PATIENCE_MS = 180_000
const QUESTIONS = 1_000
const DETECTION_MS = 350

const IPS = Array.from({ length: ADDRESSES }, (_, index) =>
  formatAddress({ family: 4, bits: parseAddress(FIRST)!.bits + BigInt(index) }),
)

interface Takeover {
  /** From the death to the first announcement of the last of its addresses. */
  readonly announcedMs: number
  /** From the first of them to the last. */
  readonly spreadMs: number
  readonly portDropped: number
  readonly backlogDropped: number
  readonly listenerDropped: number
  readonly unanswered: number
}

export default {
  name: 'l2-scale',
  about: `${ADDRESSES} addresses on ${NODES} nodes, one dies: until its ${SHARE} are announced by others (root)`,
  run,
}

async function run(progress: (text: string) => void) {
  let wanted: (order: readonly string[]) => readonly DesiredService[] = () => []
  using segment = await Segment.start(NODES, (order) => wanted(order))
  await segment.assembled()
  narrowPort(segment)
  progress(`${NODES} nodes hear each other; ${ADDRESSES} addresses are desired`)
  wanted = (order) => IPS.map((ip, index) => serviceFor(ip, rotated(order, index % NODES)))
  let listener = new Listener(segment)
  segment.desire(segment.names)
  await listener.until(() => segment.names.every((_, index) => listener.countOf(index) === SHARE))
  await listener.end()
  const takeovers: Takeover[] = []
  while (takeovers.length < RUNS) {
    progress('all are announced; until the bursts are over')
    await delay(BURST_MS)
    listener = new Listener(segment)
    takeovers.push(await takeover(segment, listener))
    progress(JSON.stringify(takeovers.at(-1)))
    await segment.startNode(segment.names[0]!)
    await listener.until(() => listener.countOf(0) === SHARE)
    await listener.end()
  }
  const announced = takeovers.map(({ announcedMs }) => announcedMs)
  const dropped = takeovers.reduce((sum, each) => sum + each.portDropped + each.backlogDropped, 0)
  const unanswered = takeovers.reduce((sum, each) => sum + each.unanswered, 0)
  const worst = tenths(percentile(announced, 100))
  return {
    figures: { worstAnnouncedMs: worst, dropped, unanswered, takeovers },
    yardstick: { detectionMs: DETECTION_MS, queuePackets: QUEUE_PACKETS },
    ratio: tenths(worst / DETECTION_MS),
    bar: { announcedMs: TAKEOVER_BAR_MS, dropped: 0, unanswered: 0 },
    pass: worst < TAKEOVER_BAR_MS && dropped === 0 && unanswered === 0,
  }
}

function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  return [...items.slice(by), ...items.slice(0, by)]
}

async function takeover(segment: Segment, listener: Listener): Promise<Takeover> {
  const before = dropsOf(segment)
  const killedAtMs = wallMs()
  await segment.forget(segment.names[0]!)
  const taken = () => listener.claims.filter(({ index, node }) => index % NODES === 0 && node !== segment.names[0])
  await listener.until(() => new Set(taken().map(({ index }) => index)).size === SHARE)
  const times = taken().map(({ atMs }) => atMs)
  await delay(BURST_MS)
  const after = dropsOf(segment)
  return {
    announcedMs: tenths(Math.max(...times) - killedAtMs),
    spreadMs: tenths(Math.max(...times) - Math.min(...times)),
    portDropped: after.port - before.port,
    backlogDropped: after.backlog - before.backlog,
    listenerDropped: listener.dropped,
    unanswered: unanswered(segment),
  }
}

/** The port of the bridge that leads to the client: 84 bytes of wire time for each small frame, as on copper. */
function narrowPort({ lan }: Segment): void {
  const tc = (command: string) => lan.bridge.run('tc', ...command.split(' '))
  tc('qdisc add dev client root handle 1: tbf rate 100mbit burst 4kb limit 10mb overhead 42')
  tc(`qdisc add dev client parent 1:1 handle 10: pfifo limit ${QUEUE_PACKETS}`)
}

function dropsOf({ lan }: Segment): { readonly port: number; readonly backlog: number } {
  const queues = JSON.parse(lan.bridge.run('tc', '-s', '-j', 'qdisc', 'show', 'dev', 'client')) as { drops: number }[]
  // A line for each processor; the second number is what found the input queue full (net.core.netdev_max_backlog).
  const lines = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n')
  const backlog = lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1]!, 16), 0)
  return { port: Math.max(...queues.map(({ drops }) => drops)), backlog }
}

/** Questions by ARP, each for any of the addresses, that nobody answered. */
function unanswered(segment: Segment): number {
  const range = [FIRST, String(ADDRESSES), String(QUESTIONS)]
  const output = segment
    .host('client')
    .run(buildProgram('bench/arp-client.c'), 'eth0', '10.98.1.1', '10.98.1.2', ...range)
  return Number(/^ours lost=(\d+)/m.exec(output)?.[1] ?? QUESTIONS)
}

interface Claim {
  readonly atMs: number
  readonly index: number
  readonly node: string
}

/** Hears in the client's place who announces what. */
class Listener extends Reader {
  /** In the order of arrival; one for each address, and one more whenever its node is another. */
  readonly claims: Claim[] = []
  dropped = 0
  readonly #segment: Segment

  constructor(segment: Segment) {
    super(segment.host('client'), 'l2-listener', ['eth0', FIRST, String(ADDRESSES)])
    this.#segment = segment
  }

  /** How many addresses the node of this position announced of those that it is preferred for. */
  countOf(position: number): number {
    const name = this.#segment.names[position]
    const own = this.claims.filter(({ index, node }) => node === name && index % NODES === position)
    return new Set(own.map(({ index }) => index)).size
  }

  /** Resolves soon after this holds. */
  async until(holds: () => boolean): Promise<void> {
    const limit = AbortSignal.timeout(PATIENCE_MS)
    while (!holds()) {
      limit.throwIfAborted()
      await delay(50)
    }
  }

  protected take([kind, ...words]: readonly string[]): void {
    if (kind === 'claim') {
      const node = this.#segment.nameOf(words[2]!)
      if (node !== undefined) this.claims.push({ atMs: Number(words[0]) / 1e6, index: Number(words[1]), node })
    }
    if (kind === 'sum') this.dropped = Number(/dropped=(\d+)/.exec(words.join(' '))?.[1])
  }
}
