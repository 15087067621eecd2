/**
 * Three nodes with 10,000 addresses, and one of them stands still for half a second: what belongs to it moves and comes
 * back, and then there must be calm. What is measured is how long until nobody changes its mind any more, and how many
 * addresses somebody took over meanwhile: at most a third of them, twice, should anybody have noticed. Without a bound to
 * the work that a flap makes, the work makes the next flap.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import type { Observation } from '../testkit/wire-node.ts'
import { Segment, serviceFor, tenths, type Wanted } from './l2-segment.ts'

const NODES = 3
const ADDRESSES = Number(process.env.INVAR_BENCH_ADDRESSES ?? 10_000)
const FREEZE_MS = 500
/** The burst of the announcements at the start. */
const START_MS = 10_000
const WATCHED_MS = 30_000
const CALM_BAR_MS = 5_000
const STEP_MS = 250
/** Of the node that is frozen. */
const SHARE = Math.ceil(ADDRESSES / NODES)
const FIRST = parseAddress('10.100.0.0')!.bits

export default {
  name: 'l2-calm',
  about: `${ADDRESSES} addresses, one of ${NODES} nodes frozen for ${FREEZE_MS} ms: until nobody changes its mind any more (root)`,
  run,
}

async function run(progress: (text: string) => void) {
  let wanted: Wanted = () => []
  using segment = await Segment.start(NODES, (order) => wanted(order))
  await segment.assembled()
  wanted = (order) => Array.from({ length: ADDRESSES }, (_, index) => serviceAt(index, order))
  segment.desire(segment.names)
  const nodes = segment.names.map((name) => segment.node(name))
  const changes = () => nodes.reduce((sum, { messages }) => sum + messages.length, 0)
  const takeovers = () => nodes.reduce((sum, { messages }) => sum + takeoversIn(messages), 0)
  await delay(START_MS)
  const [before, takenBefore, frozen] = [changes(), takeovers(), nodes[0]!]
  progress(`${before} messages at the start; one node is frozen`)
  frozen.freeze()
  await delay(FREEZE_MS)
  frozen.thaw()
  const thawedAt = performance.now()
  let lastChangeMs = 0
  for (let seen = changes(); performance.now() - thawedAt < WATCHED_MS; ) {
    await delay(STEP_MS)
    const now = changes()
    if (now !== seen) lastChangeMs = performance.now() - thawedAt
    seen = now
  }
  const [calmAfterMs, taken] = [tenths(lastChangeMs), takeovers() - takenBefore]
  return {
    figures: {
      addresses: ADDRESSES,
      calmAfterMs,
      takeovers: taken,
      changes: changes() - before,
      watchedMs: WATCHED_MS,
    },
    yardstick: { freezeMs: FREEZE_MS, moved: SHARE },
    ratio: tenths(taken / SHARE),
    bar: { calmAfterMs: CALM_BAR_MS, takeovers: 2 * SHARE },
    pass: calmAfterMs < CALM_BAR_MS && taken <= 2 * SHARE,
  }
}

/** How often the node began to answer for an address. */
function takeoversIn(messages: readonly Observation[]): number {
  const owned = new Set<string>()
  let count = 0
  for (const message of messages) {
    if (message.kind !== 'ownership') continue
    if (!message.owned) owned.delete(message.ip)
    else if (!owned.has(message.ip)) count++
    if (message.owned) owned.add(message.ip)
  }
  return count
}

/** A third of them prefers each node. */
function serviceAt(index: number, order: readonly string[]) {
  const candidates = [...order.slice(index % NODES), ...order.slice(0, index % NODES)]
  return serviceFor(formatAddress({ family: 4, bits: FIRST + BigInt(index) }), candidates)
}
