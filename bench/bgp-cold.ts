/**
 * 10,000 routes to two routers, from Established to the last one in their RIBs; against BIRD, which sends the same
 * routes to the same routers in turn with us. (Of BIRD and GoBGP it is the faster one.) Our time begins when our end
 * says so; BIRD's when the router is seen to be Established, which is later, and in BIRD's favour.
 */
import type { DesiredPeer } from '../speaker/wire/messages.ts'
import type { Router } from '../testkit/routers/index.ts'
import type { WireNode } from '../testkit/wire-node.ts'
import {
  BgpSegment,
  NODE_ADDRESS,
  peerAt,
  prefixOf,
  type Reception,
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
  const peers = segment.routers.map((_, index) => peerAt(routerAddress(index)))
  const ours: number[] = []
  const birds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const established = establishedMs(node, peers)
    node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
    ours.push(slowest(await segment.receive(NODE_ADDRESS, ROUTES), await established))
    node.post({ kind: 'peers', desired: { peers: [], listenPort: 179, isDraining: false } })
    await segment.untilGone(NODE_ADDRESS)
    const rival = await segment.startRival(indices.map(prefixOf))
    const receptions = await awake(rival, () => segment.receive(RIVAL_ADDRESS, ROUTES))
    const seen = receptions.map(({ seenEstablishedMs }) => seenEstablishedMs)
    birds.push(slowest(receptions, seen))
    await rival.stop()
    await segment.untilGone(RIVAL_ADDRESS)
    progress(`round ${round + 1}: ours ${ours.at(-1)} ms, BIRD ${birds.at(-1)} ms`)
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

function slowest(receptions: readonly Reception[], begunMs: readonly number[]): number {
  return Math.max(...receptions.map(({ receivedMs }, index) => receivedMs - begunMs[index]!))
}

/** When our ends of the sessions are established next. */
async function establishedMs(node: WireNode, peers: readonly DesiredPeer[]): Promise<readonly number[]> {
  const reports = peers.map(({ name }) =>
    node.next('peer', ({ peer }) => peer.name === name && peer.state === 'Established'),
  )
  return (await Promise.all(reports)).map(({ peer }) => peer.sinceMs)
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
