/**
 * A cold start: 10,000 Services exist, none has an address, the controller starts. Its rate, from the start of the
 * process to the last status, is held against a bare loop that patches as many statuses over as many connections with
 * no controller in the way. Both take turns, and each start is held against the loops before and after it: what else
 * the machine does at that moment, all of them see. What each program spent of the processors says where time goes: the
 * API server is on the same machine.
 */
import {
  type AllocationCluster,
  answeredRequests,
  assertAllDiffer,
  CONNECTIONS,
  eventsWritten,
  inParallel,
  type Progress,
  SERVICE_COUNT,
  serviceName,
  shownAddresses,
  startAllocationCluster,
  statusesWritten,
} from './alloc-cluster.ts'
import { seedServices } from './alloc-seed.ts'
import { percentile, rounded, timed } from './alloc-times.ts'
import { processorMs } from './process-usage.ts'

const BAR = 0.8
const ROUNDS = 5

export default {
  name: 'alloc-cold',
  about: `${SERVICE_COUNT} Services without an address, the controller starts: statuses a second against a bare loop`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress)
  progress(`creating ${SERVICE_COUNT} Services`)
  await seedServices(cluster, 0, SERVICE_COUNT)
  const loops = [await bareLoop(cluster, progress)]
  const starts: ColdStart[] = []
  for (let round = 0; round < ROUNDS; round++) {
    starts.push(await coldStart(cluster, progress))
    loops.push(await bareLoop(cluster, progress))
  }
  const bareMs = starts.map((_, round) => (loops[round]!.tookMs + loops[round + 1]!.tookMs) / 2)
  const ratios = starts.map(({ tookMs }, round) => bareMs[round]! / tookMs)
  const ratio = percentile(ratios, 0.5)
  const figures = {
    services: SERVICE_COUNT,
    bareStatusesPerSecond: loops.map(({ tookMs }) => rateOf(tookMs)),
    processorMsPerStatus: { bareLoop: medians(loops), controller: medians(starts) },
    starts,
    ratios: ratios.map((each) => rounded(each)),
  }
  const yardstick = rateOf(percentile(bareMs, 0.5))
  return { figures, yardstick, ratio: rounded(ratio), bar: BAR, pass: ratio >= BAR }
}

/** @param tookMs for all @returns statuses a second */
function rateOf(tookMs: number): number {
  return rounded(SERVICE_COUNT / (tookMs / 1000), 0)
}

/** Gives each status an address and takes it away again, which is not timed. @returns what the former took */
async function bareLoop(cluster: AllocationCluster, progress: Progress): Promise<Worked> {
  progress('a bare loop patches all statuses')
  const patchAll = (statusOf: (index: number) => object) =>
    inParallel(SERVICE_COUNT, CONNECTIONS, (index) => cluster.bare.patchStatus(serviceName(index), statusOf(index)))
  const spent = processorTimes(cluster, process.pid)
  const tookMs = await timed(() => patchAll((index) => ({ loadBalancer: { ingress: [{ ip: addressOf(index) }] } })))
  const worked = { tookMs, processorMs: spent() }
  progress(`${rateOf(tookMs)} a second`)
  await wipeAll(cluster)
  return worked
}

interface Worked {
  readonly tookMs: number
  /** Of all processors together, by program; `client` is the bare loop or the controller. */
  readonly processorMs: Readonly<Record<'apiServer' | 'etcd' | 'client', number>>
}

/** @returns what was spent since this call */
function processorTimes({ plane }: AllocationCluster, client: number): () => Worked['processorMs'] {
  const pids = { apiServer: plane.pid('kube-apiserver'), etcd: plane.pid('etcd'), client }
  const now = () => Object.entries(pids).map(([name, pid]) => [name, processorMs(pid)] as const)
  const before = Object.fromEntries(now())
  return () => Object.fromEntries(now().map(([name, ms]) => [name, ms - before[name]!])) as Worked['processorMs']
}

/** What one status cost each program. Where the processors are full all the time, the sums of two loops are as their times. */
function medians(all: readonly Worked[]): Worked['processorMs'] {
  const names = ['apiServer', 'etcd', 'client'] as const
  const median = (name: (typeof names)[number]) =>
    percentile(
      all.map(({ processorMs }) => processorMs[name] / SERVICE_COUNT),
      0.5,
    )
  return Object.fromEntries(names.map((name) => [name, rounded(median(name))])) as Worked['processorMs']
}

/** As if no controller had ever seen the Services. */
async function wipeAll({ bare }: AllocationCluster): Promise<void> {
  const nothing = { metadata: { annotations: null }, status: { loadBalancer: null, conditions: null } }
  await inParallel(SERVICE_COUNT, CONNECTIONS, (index) => bare.patchService(serviceName(index), nothing))
}

function addressOf(index: number): string {
  return `203.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
}

interface ColdStart extends Worked {
  readonly statusesPerSecond: number
  readonly firstStatusAfterMs: number
  readonly statusWrites: number
  readonly eventsMeanwhile: number
  readonly poolWrites: number
}

async function coldStart(cluster: AllocationCluster, progress: Progress): Promise<ColdStart> {
  progress('the controller starts')
  const before = await writes(cluster)
  const startedAt = performance.now()
  const controller = await cluster.startController(process.env.INVAR_BENCH_NODE_FLAGS?.split(' '))
  const spent = processorTimes(cluster, controller.pid)
  try {
    const firstMs = (await statusesWritten(controller, 1)) - startedAt
    const tookMs = (await statusesWritten(controller, SERVICE_COUNT)) - startedAt
    const worked = { tookMs: rounded(tookMs, 0), processorMs: spent() }
    // Asked of the controller: while the API server writes its own page, which takes it a second, events come by the dozen.
    const eventsMeanwhile = await eventsWritten(controller)
    const [statusWrites, poolWrites] = (await writes(cluster)).map((count, i) => count - before[i]!)
    progress(`${SERVICE_COUNT} statuses in ${rounded(tookMs, 0)} ms`)
    assertAllDiffer(await shownAddresses(cluster), SERVICE_COUNT)
    return {
      ...worked,
      statusesPerSecond: rateOf(tookMs),
      firstStatusAfterMs: rounded(firstMs, 0),
      statusWrites: statusWrites!,
      eventsMeanwhile,
      poolWrites: poolWrites!,
    }
  } finally {
    await controller.stop()
    await wipeAll(cluster)
  }
}

/** Status writes of Services, of pools so far, as the API server counts them. */
function writes(cluster: AllocationCluster): Promise<number[]> {
  return Promise.all([
    answeredRequests(cluster, 'PATCH', 'services', 'status'),
    answeredRequests(cluster, 'PATCH', 'ipaddresspools', 'status'),
  ])
}
