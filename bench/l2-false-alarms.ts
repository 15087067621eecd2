/**
 * Three speakers on a machine whose processors are all busy with other work, for ten minutes (one with INVAR_SHORT=1):
 * an address must not move, and nobody be taken for dead.
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { HEARTBEAT_PORT, type WireNode } from '../testkit/wire-node.ts'
import { Asker, Reader, Segment, startBusyLoops, tenths } from './l2-segment.ts'

const MINUTES = process.env.INVAR_SHORT === '1' ? 1 : 10
const NODES = 3
const LOOPS = Number(process.env.INVAR_BENCH_LOOPS ?? cpus().length)
const DETECTION_MS = 350

interface Gaps {
  readonly node: string
  readonly heartbeats: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export default {
  name: 'l2-false-alarms',
  about: `${MINUTES} minutes, 3 speakers, ${LOOPS} busy loops on ${cpus().length} processors: takeovers, heartbeat gaps (root)`,
  run,
}

async function run(progress: (text: string) => void) {
  using segment = await Segment.start(NODES)
  await segment.agreed()
  const asker = new Asker(segment)
  const listener = new Listener(segment)
  const [owner] = segment.names
  const nodes = segment.names.map((name) => segment.node(name))
  const marks = nodes.map(({ messages }) => messages.length)
  progress(`${LOOPS} busy loops for ${MINUTES} minutes`)
  using _loops = startBusyLoops(LOOPS)
  for (let minute = 0; minute < MINUTES; minute++) {
    await delay(60_000)
    progress(`${minute + 1} min: ${nodes.map((node, index) => alarms(node, marks[index]!)).join(', ')} alarms`)
  }
  await Promise.all([listener.end(), asker.end()])
  const alarmCount = nodes.reduce((sum, node, index) => sum + alarms(node, marks[index]!), 0)
  const strangers = asker.heard.filter(({ mac }) => segment.nameOf(mac) !== owner).length
  const maxMs = Math.max(...listener.gaps.map((gaps) => gaps.maxMs))
  return {
    figures: {
      minutes: MINUTES,
      busyLoops: LOOPS,
      alarms: alarmCount,
      answersOfOthers: strangers,
      gaps: listener.gaps,
    },
    yardstick: { detectionMs: DETECTION_MS },
    ratio: Math.round((maxMs / DETECTION_MS) * 100) / 100,
    bar: { alarms: 0, answersOfOthers: 0 },
    pass: alarmCount === 0 && strangers === 0,
  }
}

/** Changes of who is alive and who owns the address, since then. */
function alarms({ messages }: WireNode, since: number): number {
  return messages.slice(since).filter(({ kind }) => kind === 'members' || kind === 'ownership').length
}

class Listener extends Reader {
  readonly gaps: Gaps[] = []
  readonly #segment: Segment

  constructor(segment: Segment) {
    super(segment.host('client'), 'l2-heartbeats', ['eth0', String(HEARTBEAT_PORT)])
    this.#segment = segment
  }

  protected take([kind, mac = '', ...words]: readonly string[]): void {
    if (kind !== 'sender') return
    const fields = new Map(words.map((word) => word.split('=') as [string, string]))
    const milliseconds = (name: string) => tenths(Number(fields.get(name)) / 1_000)
    this.gaps.push({
      node: this.#segment.nameOf(mac) ?? mac,
      heartbeats: Number(fields.get('count')) + 1,
      ...{ p50Ms: milliseconds('p50'), p99Ms: milliseconds('p99'), maxMs: milliseconds('max') },
    })
  }
}
