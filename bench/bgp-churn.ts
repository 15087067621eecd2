/**
 * 10,000 routes held, 100 Services come or go each second for a minute: how long until each change is in the router's
 * FIB.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Arrivals } from './bgp-arrivals.ts'
import { BgpSegment, NODE_ADDRESS, peerAt, prefixOf, routerAddress, serviceRoutes } from './bgp-segment.ts'
import { timesOf } from './bgp-times.ts'

const HELD = Number(process.env.INVAR_BENCH_ROUTES ?? 10_000)
const SECONDS = process.env.INVAR_SHORT ? 10 : 60
const CHANGES_PER_SECOND = 100
const LAG_P99_BAR_MS = 50

export default {
  name: 'bgp-churn',
  about: '100 changes a second at 10,000 routes held: sessions lost, lag until the router forwards (root)',
  run,
}

async function run(progress: (text: string) => void) {
  await using segment = await BgpSegment.start(1)
  using arrivals = await Arrivals.watch(segment.lan.host('router0'))
  const node = await segment.startNode()
  const held = Array.from({ length: HELD }, (_, index) => serviceRoutes(index))
  node.post({ kind: 'routes', complete: true, services: held })
  const peers = [peerAt(routerAddress(0))]
  node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
  await segment.receive(NODE_ADDRESS, HELD)
  while (arrivals.count < HELD) await delay(100)
  const since = node.messages.length
  progress(`${HELD} routes are in the router's FIB; ${SECONDS} s of changes begin`)
  const lags: Promise<number>[] = []
  const from = performance.now()
  for (let change = 0; change < SECONDS * CHANGES_PER_SECOND; change++) {
    await delay(Math.max(0, from + (change * 1000) / CHANGES_PER_SECOND - performance.now()))
    // Each one in turn comes, and a second later goes.
    const index = HELD + ((change % (2 * CHANGES_PER_SECOND)) % CHANGES_PER_SECOND)
    const isComing = change % (2 * CHANGES_PER_SECOND) < CHANGES_PER_SECOND
    const wanted = serviceRoutes(index)
    const postedAt = performance.now()
    lags.push(arrivals.next(prefixOf(index).replace('/32', '')).then((atMs) => atMs - postedAt))
    node.post({ kind: 'routes', complete: false, services: [isComing ? wanted : { ...wanted, routes: [] }] })
  }
  const times = timesOf(await Promise.all(lags))
  const lost = node.messages
    .slice(since)
    .filter((message) => message.kind === 'peer' && message.peer.state !== 'Established')
  return {
    figures: { held: HELD, seconds: SECONDS, changes: lags.length, ...times, sessionsLost: lost.length },
    yardstick: LAG_P99_BAR_MS,
    ratio: Math.round((times.p99Ms / LAG_P99_BAR_MS) * 100) / 100,
    bar: `p99 < ${LAG_P99_BAR_MS} ms, no session lost`,
    pass: times.p99Ms < LAG_P99_BAR_MS && lost.length === 0,
  }
}
