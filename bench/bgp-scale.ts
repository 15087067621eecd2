/** One node, 100 BIRD routers, 1,000 routes each: what a peer costs the speaker's wire thread in memory, and the time. */
import { setTimeout as delay } from 'node:timers/promises'
import { BgpSegment, NODE_ADDRESS, peerAt, routerAddress, serviceRoutes } from './bgp-segment.ts'
import { memoryOf } from './process-usage.ts'

const PEERS = process.env.INVAR_SHORT ? 20 : 100
const ROUTES = 1_000
const BYTES_PER_PEER_BAR = 1_000_000

export default {
  name: 'bgp-scale',
  about: '100 BIRD routers with 1,000 routes each from one wire thread: memory a peer (root)',
  run,
}

async function run(progress: (text: string) => void) {
  progress(`${PEERS} routers start`)
  await using segment = await BgpSegment.start(PEERS, { isCollector: true })
  const node = await segment.startNode()
  const services = Array.from({ length: ROUTES }, (_, index) => serviceRoutes(index))
  node.post({ kind: 'routes', complete: true, services })
  const peers = segment.routers.map((_, index) => peerAt(routerAddress(index)))
  // The first session pays for what all share: code, buffers, the routes themselves.
  node.post({ kind: 'peers', desired: { peers: peers.slice(0, 1), listenPort: 179, isDraining: false } })
  await segment.receive(NODE_ADDRESS, ROUTES, 1)
  await delay(2_000)
  const before = memoryOf(node.pid)
  progress('one peer has its routes; now the others')
  const from = performance.now()
  node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
  await segment.receive(NODE_ADDRESS, ROUTES)
  const seconds = (performance.now() - from) / 1000
  await delay(2_000)
  const { residentMb } = memoryOf(node.pid)
  const perPeer = Math.round(((residentMb - before.residentMb) * 1e6) / (PEERS - 1))
  return {
    figures: { peers: PEERS, routes: ROUTES, bytesPerPeer: perPeer, residentMb, seconds },
    yardstick: BYTES_PER_PEER_BAR,
    ratio: Math.round((perPeer / BYTES_PER_PEER_BAR) * 100) / 100,
    bar: BYTES_PER_PEER_BAR,
    pass: perPeer < BYTES_PER_PEER_BAR,
  }
}
