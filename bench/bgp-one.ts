/**
 * One Service's status is written to a real API server: how long until its route is in a router's RIB, with 10 and with
 * 10,000 routes held. The router is of this process, so that one clock sees both ends. Beside it, how long until a bare
 * watch hears of the same change: what the API server takes of it.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BUNDLES, SPEAKER_LAUNCH } from '../build/bundle.ts'
import { buildAddon } from '../native/build.ts'
import { TestRouter } from '../testkit/bgp-router.ts'
import { type ControlPlane, freePort } from '../testkit/controlplane.ts'
import { openWorkplace, type Workplace } from '../testkit/leftovers.ts'
import { type Program, startProgram } from '../testkit/program.ts'
import {
  type AllocationCluster,
  NAMESPACE,
  type Progress,
  serviceName,
  startAllocationCluster,
} from './alloc-cluster.ts'
import { BareWatch } from './bgp-one-watch.ts'
import { type Times, timesOf } from './bgp-times.ts'
import { seedAnnounced } from './l2-speakers.ts'

const HELD = [10, Number(process.env.INVAR_BENCH_SERVICES ?? 10_000)]
const ROUNDS = process.env.INVAR_SHORT ? 100 : 500
const WARM_UP_ROUNDS = 30
const ROUTER_ASN = 64500
const [MEDIAN_BAR_MS, P99_BAR_MS] = [5, 15]
/** Before a round, so that one does not wait for the events of the one before. */
const PAUSE_MS = 10

export default {
  name: 'bgp-one',
  about: "one Service's status written to its route in the peer's RIB, at 10 and at 10,000 held",
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress)
  const router = await new TestRouter({ asn: ROUTER_ASN }).listen()
  configure(cluster.plane, router.port)
  const runs: (Times & { readonly held: number; readonly watch: Times; readonly speaker: Times })[] = []
  for (const [series, held] of HELD.entries()) {
    progress(`${held} Services with addresses and endpoints go into etcd`)
    await seedAnnounced(cluster.plane, series === 0 ? 0 : HELD[series - 1]!, held)
    const workplace = openWorkplace('bgp-one')
    const speaker = await startSpeaker(workplace, cluster.plane)
    try {
      // Its start is over when it has reported every Service.
      while (router.routes.size < held || (await reports(cluster)) < held) await delay(500)
      progress(`${ROUNDS} statuses, one after the other`)
      const times = await rounds(cluster, router, series)
      runs.push({
        ...{ held, ...timesOf(times.map(({ routeMs }) => Math.max(0, routeMs))) },
        watch: timesOf(times.map(({ watchMs }) => Math.max(0, watchMs))),
        speaker: timesOf(times.map(({ routeMs, watchMs }) => routeMs - watchMs)),
      })
    } finally {
      await speaker.stop()
      workplace.clear()
    }
  }
  await router.close()
  const [p50Ms, p99Ms] = [Math.max(...runs.map((one) => one.p50Ms)), Math.max(...runs.map((one) => one.p99Ms))]
  return {
    figures: { rounds: ROUNDS, runs },
    yardstick: { p50Ms: MEDIAN_BAR_MS, p99Ms: P99_BAR_MS },
    ratio: Math.round(Math.max(p50Ms / MEDIAN_BAR_MS, p99Ms / P99_BAR_MS) * 100) / 100,
    bar: 1,
    pass: p50Ms < MEDIAN_BAR_MS && p99Ms < P99_BAR_MS,
  }
}

function configure(plane: ControlPlane, peerPort: number): void {
  const metadata = { name: 'bench', namespace: NAMESPACE }
  const peer = { myASN: 64512, peerASN: ROUTER_ASN, peerAddress: '127.0.0.1', peerPort }
  const items = [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 's1' } },
    // Of the addresses that the Services are seeded with.
    { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata, spec: { addresses: ['10.100.0.0/15'] } },
    { apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', metadata, spec: peer },
    { apiVersion: 'metallb.io/v1beta1', kind: 'BGPAdvertisement', metadata },
  ]
  plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

async function startSpeaker(workplace: Workplace, plane: ControlPlane): Promise<Program> {
  const flags = {
    'node-name': 's1',
    namespace: NAMESPACE,
    kubeconfig: plane.kubeconfig,
    port: await freePort(),
    'health-probe-port': await freePort(),
    'exclude-interfaces-file': join(workplace.directory, 'none.yaml'),
    'state-file': join(workplace.directory, 'state'),
    'local-socket': join(workplace.directory, 'sock'),
  }
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  return startProgram(workplace, {
    name: 'speaker',
    command: process.execPath,
    args: [...SPEAKER_LAUNCH.nodeFlags, join(BUNDLES, 'speaker', 'main.js'), ...args],
    environment: {
      ...process.env,
      ...SPEAKER_LAUNCH.environment,
      INVAR_NATIVE: buildAddon(),
      NODE_ENV: 'production',
      METALLB_POD_NAME: '',
    },
  })
}

/** How many Services the speaker has reported on. */
async function reports({ bare }: AllocationCluster): Promise<number> {
  const path = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/servicebgpstatuses?limit=1`
  const { items, metadata } = JSON.parse((await bare.send('GET', path)).toString('utf8'))
  return items.length + (metadata.remainingItemCount ?? 0)
}

/** Milliseconds from the API server's answer to a status patch; what comes of it may be faster than the answer. */
interface Round {
  /** To the route in the router's RIB. */
  readonly routeMs: number
  /** To its event on a bare watch. */
  readonly watchMs: number
}

async function rounds({ bare, plane }: AllocationCluster, router: TestRouter, series: number): Promise<Round[]> {
  const times: Round[] = []
  using watch = await BareWatch.open(plane, serviceName(0))
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    await delay(PAUSE_MS)
    const ip = `10.101.${series * 16 + (round >> 8)}.${round & 255}`
    const arrived = arrivalOf(router, `${ip}/32`)
    const heard = watch.next(`"${ip}"`)
    await bare.patchStatus(serviceName(0), { loadBalancer: { ingress: [{ ip }] } })
    const writtenAt = performance.now()
    const [arrivedAt, heardAt] = await Promise.all([arrived, heard])
    if (round >= WARM_UP_ROUNDS) times.push({ routeMs: arrivedAt - writtenAt, watchMs: heardAt - writtenAt })
  }
  return times
}

function arrivalOf(router: TestRouter, prefix: string): Promise<number> {
  const { socket } = router.caller!
  return new Promise((resolve) => {
    const look = () => {
      if (!router.routes.has(prefix)) return
      socket.off('data', look)
      resolve(performance.now())
    }
    socket.on('data', look)
  })
}
