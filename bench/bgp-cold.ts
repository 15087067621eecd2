/**
 * 10,000 routes to two routers, from Established to the last one in their RIBs; against BIRD, which sends the same
 * routes to the same routers in turn with us. (Of BIRD and GoBGP it is the faster one.)
 */
import type { Router } from '../testkit/routers/index.ts'
import {
  BgpSegment,
  NODE_ADDRESS,
  peerAt,
  prefixOf,
  RIVAL_ADDRESS,
  routerAddress,
  serviceRoutes,
} from './bgp-segment.ts'

const ROUTES = Number(process.env.INVAR_BENCH_ROUTES ?? 10_000)
const ROUNDS = process.env.INVAR_SHORT ? 3 : 11
const RATIO_BAR = 1.5
const LIMIT_MS = 1_000

export default {
  name: 'bgp-cold',
  about: '10,000 routes to two BIRD routers after a session comes up, against BIRD sending the same (root)',
  run,
}

async function run(progress: (text: string) => void) {
  await using segment = await BgpSegment.start(2, { isCollector: true })
  const indices = Array.from({ length: ROUTES }, (_, index) => index)
  const node = await segment.startNode()
  node.post({ kind: 'routes', complete: true, services: indices.map((index) => serviceRoutes(index)) })
  const ours: number[] = []
  const birds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const peers = segment.routers.map((_, index) => peerAt(routerAddress(index)))
    node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
    ours.push(await segment.untilReceived(NODE_ADDRESS, ROUTES))
    node.post({ kind: 'peers', desired: { peers: [], listenPort: 179, isDraining: false } })
    await segment.untilGone(NODE_ADDRESS)
    const rival = await segment.startRival(indices.map(prefixOf))
    birds.push(await awake(rival, () => segment.untilReceived(RIVAL_ADDRESS, ROUTES)))
    await rival.stop()
    await segment.untilGone(RIVAL_ADDRESS)
    progress(`round ${round + 1}: ours ${ours.at(-1)!.toFixed(1)} ms, BIRD ${birds.at(-1)!.toFixed(1)} ms`)
  }
  const [ourMedian, birdMedian] = [median(ours), median(birds)]
  const ratio = Math.round((ourMedian / birdMedian) * 100) / 100
  return {
    figures: { routes: ROUTES, routers: 2, medianMs: ourMedian, maxMs: Math.max(...ours), limitMs: LIMIT_MS, ours },
    yardstick: birdMedian,
    ratio,
    bar: RATIO_BAR,
    pass: ratio <= RATIO_BAR && Math.max(...ours) < LIMIT_MS,
  }
}

/** BIRD 2.0.12 sits on the last UPDATE until its loop turns for something else, up to 3 s: questions turn it. */
async function awake<T>(bird: Router, work: () => Promise<T>): Promise<T> {
  const working = work()
  let isDone = false
  const done = working.finally(() => {
    isDone = true
  })
  while (!isDone) await Promise.race([done, bird.neighbor(routerAddress(0))])
  return working
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[values.length >> 1]! * 10) / 10
}
