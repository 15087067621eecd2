/**
 * A cold start: 10,000 Services exist, none has an address, the controller starts. Its rate, from the start of the
 * process to the last status, is held against a bare loop that patches as many statuses over as many connections with
 * no controller in the way: once before and once after, so that both see the same machine.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ControllerProcess } from '../testkit/controller-process.ts'
import {
  type AllocationCluster,
  answeredRequests,
  assertAllDiffer,
  CONNECTIONS,
  inParallel,
  type Progress,
  SERVICE_COUNT,
  serviceName,
  shownAddresses,
  startAllocationCluster,
} from './alloc-cluster.ts'
import { seedServices } from './alloc-seed.ts'
import { rounded, timed } from './alloc-times.ts'

const BAR = 0.8

export default {
  name: 'alloc-cold',
  about: `${SERVICE_COUNT} Services without an address, the controller starts: statuses a second against a bare loop`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress)
  progress(`creating ${SERVICE_COUNT} Services`)
  await seedServices(cluster, 0, SERVICE_COUNT)
  const before = await bareLoop(cluster, progress)
  const cold = await coldStart(cluster, progress)
  const after = await bareLoop(cluster, progress)
  const bareRate = (2 * SERVICE_COUNT) / ((before + after) / 1000)
  const rate = SERVICE_COUNT / (cold.tookMs / 1000)
  const figures = {
    services: SERVICE_COUNT,
    statusesPerSecond: rounded(rate, 0),
    bareStatusesPerSecond: [before, after].map((tookMs) => rounded(SERVICE_COUNT / (tookMs / 1000), 0)),
    ...{ tookMs: rounded(cold.tookMs, 0), firstStatusAfterMs: rounded(cold.firstMs, 0) },
    ...{ statusWrites: cold.statusWrites, eventsMeanwhile: cold.events, poolWrites: cold.poolWrites },
  }
  const ratio = rate / bareRate
  return { figures, yardstick: rounded(bareRate, 0), ratio: rounded(ratio), bar: BAR, pass: ratio >= BAR }
}

/** Gives each status an address and takes it away again, which is not timed. @returns milliseconds of the former */
async function bareLoop(cluster: AllocationCluster, progress: Progress): Promise<number> {
  progress('a bare loop patches all statuses')
  const patchAll = (statusOf: (index: number) => object) =>
    inParallel(SERVICE_COUNT, CONNECTIONS, (index) => cluster.bare.patchStatus(serviceName(index), statusOf(index)))
  const tookMs = await timed(() => patchAll((index) => ({ loadBalancer: { ingress: [{ ip: addressOf(index) }] } })))
  progress(`${rounded(SERVICE_COUNT / (tookMs / 1000), 0)} a second`)
  await patchAll(() => ({ loadBalancer: null, conditions: null }))
  return tookMs
}

function addressOf(index: number): string {
  return `203.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
}

async function coldStart(cluster: AllocationCluster, progress: Progress) {
  progress('the controller starts')
  const counts = () =>
    Promise.all([
      answeredRequests(cluster, 'PATCH', 'services', 'status'),
      answeredRequests(cluster, 'POST', 'events', ''),
      answeredRequests(cluster, 'PATCH', 'ipaddresspools', 'status'),
    ])
  const before = await counts()
  const startedAt = performance.now()
  const controller = await cluster.startController(process.env.INVAR_BENCH_NODE_FLAGS?.split(' '))
  try {
    const firstMs = (await written(controller, 1)) - startedAt
    const tookMs = (await written(controller, SERVICE_COUNT)) - startedAt
    const after = await counts()
    const [statusWrites, events, poolWrites] = after.map((count, index) => count - before[index]!)
    progress(`${SERVICE_COUNT} statuses in ${rounded(tookMs, 0)} ms`)
    assertAllDiffer(await shownAddresses(cluster), SERVICE_COUNT)
    return { tookMs, firstMs, statusWrites, events, poolWrites }
  } finally {
    await controller.stop()
  }
}

/** @returns the time at which so many statuses were written */
async function written(controller: ControllerProcess, count: number): Promise<number> {
  const labels = ['resource="services/status"', 'code="200"']
  while (((await controller.metric('invar_api_request_duration_seconds_count', labels)) ?? 0) < count) {
    if (!controller.isRunning) throw new Error(`the controller has ended:\n${controller.lastLines()}`)
    await delay(50)
  }
  return performance.now()
}
