/**
 * 10,000 Services with addresses, their endpoints churning, for 10 minutes (one with INVAR_SHORT=1): what the controller
 * writes, its Lease apart, and what it costs meanwhile. The judge is the API server's audit log. A controller before it
 * has given the addresses, and was stopped.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ENDPOINT_SLICES, type EndpointSlice } from '../operator/index.ts'
import {
  type AllocationCluster,
  assignAll,
  auditedWrites,
  type Progress,
  quiet,
  SERVICE_COUNT,
  serviceName,
  startAllocationCluster,
} from './alloc-cluster.ts'
import { seedServices } from './alloc-seed.ts'
import { rounded } from './alloc-times.ts'
import { processorMs } from './process-usage.ts'

const MINUTES = process.env.INVAR_SHORT === '1' ? 1 : 10
const SLICES = Math.min(500, SERVICE_COUNT)
/** Between two changes of an EndpointSlice. */
const CHURN_INTERVAL_MS = 25

export default {
  name: 'alloc-idle',
  about: `${MINUTES} minutes with ${SERVICE_COUNT} addresses given and endpoints churning: API writes of the controller`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress, { auditLog: true })
  progress(`creating ${SERVICE_COUNT} Services, and giving them addresses`)
  await seedServices(cluster, 0, SERVICE_COUNT)
  const first = await assignAll(cluster, SERVICE_COUNT)
  const eventsBefore = await quiet(first)
  // Its events would trail for minutes; the next one has nothing to say.
  await first.stop()
  const controller = await cluster.startController()
  try {
    await controller.settled(SERVICE_COUNT)
    await quiet(controller)
    for (let index = 0; index < SLICES; index++) await cluster.client.create(ENDPOINT_SLICES, sliceOf(index, 0))
    const writesBefore = auditedWrites(cluster.plane).length
    const processorMsBefore = processorMs(controller.pid)
    progress(`endpoints churn for ${MINUTES} minutes`)
    const changes = await churn(cluster, MINUTES * 60_000)
    const cpuPercent = ((processorMs(controller.pid) - processorMsBefore) / (MINUTES * 60_000)) * 100
    const writes = auditedWrites(cluster.plane).slice(writesBefore)
    const figures = {
      ...{ services: SERVICE_COUNT, minutes: MINUTES, endpointChanges: changes, eventsBefore },
      ...{ writes: writes.length, firstWrites: writes.slice(0, 3), cpuPercent: rounded(cpuPercent) },
    }
    return { figures, yardstick: 0, ratio: writes.length, bar: 0, pass: writes.length === 0 }
  } finally {
    await controller.stop()
  }
}

/** @returns how many changes were made */
async function churn({ client }: AllocationCluster, forMs: number): Promise<number> {
  const until = performance.now() + forMs
  let changes = 0
  while (performance.now() < until) {
    const slice = sliceOf(changes % SLICES, ++changes)
    await client.replace(ENDPOINT_SLICES, slice)
    await delay(CHURN_INTERVAL_MS)
  }
  return changes
}

function sliceOf(index: number, version: number): EndpointSlice {
  const name = serviceName(index)
  const addresses = [`10.200.${index & 255}.${1 + (version % 250)}`]
  return {
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses, conditions: { ready: version % 2 === 0 } }],
  }
}
