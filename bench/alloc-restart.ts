/**
 * A restart with 10,000 Services assigned: how long until the controller is ready, from the start of its process, held
 * against a bare list of the Services; what it writes; which addresses have changed. Bare lists and restarts take
 * turns.
 */
import {
  type AllocationCluster,
  assignAll,
  auditedWrites,
  type Progress,
  quiet,
  SERVICE_COUNT,
  shownAddresses,
  startAllocationCluster,
} from './alloc-cluster.ts'
import { seedServices } from './alloc-seed.ts'
import { percentile, rounded, timed } from './alloc-times.ts'

const ROUNDS = 9
const BAR = 2

export default {
  name: 'alloc-restart',
  about: `restart with ${SERVICE_COUNT} addresses given: until ready against a bare list; writes; addresses changed`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress, { auditLog: true })
  progress(`creating ${SERVICE_COUNT} Services, and giving them addresses`)
  await seedServices(cluster, 0, SERVICE_COUNT)
  await (await assignAll(cluster, SERVICE_COUNT)).stop()
  const addresses = await shownAddresses(cluster)
  const writesBefore = auditedWrites(cluster.plane).length
  const lists: number[] = []
  const restarts: Restart[] = []
  for (let round = 0; round < ROUNDS; round++) {
    lists.push(await timed(() => bareList(cluster)))
    restarts.push(await restart(cluster))
    progress(`list ${rounded(lists.at(-1)!, 0)} ms; ${JSON.stringify(restarts.at(-1))}`)
  }
  const after = await shownAddresses(cluster)
  const changed = [...addresses].filter(([name, address]) => after.get(name) !== address).length
  const writes = auditedWrites(cluster.plane).slice(writesBefore)
  const [readyMs, listMs] = [
    percentile(
      restarts.map((each) => each.readyMs),
      0.5,
    ),
    percentile(lists, 0.5),
  ]
  const ratio = readyMs / listMs
  const figures = {
    ...{ services: SERVICE_COUNT, restarts, bareListMs: lists.map((ms) => rounded(ms, 0)) },
    ...{ readyMs, addressesChanged: changed, writes: writes.length, firstWrites: writes.slice(0, 3) },
  }
  const pass = ratio <= BAR && changed === 0 && writes.length === 0
  return { figures, yardstick: rounded(listMs, 0), ratio: rounded(ratio), bar: BAR, pass }
}

/** All Services in one answer, read as a program has to. */
async function bareList({ bare }: AllocationCluster): Promise<void> {
  const { items } = JSON.parse((await bare.send('GET', '/api/v1/services')).toString('utf8')) as { items: unknown[] }
  if (items.length < SERVICE_COUNT) throw new Error(`the list has ${items.length} Services`)
}

interface Restart {
  readonly readyMs: number
  /** Until it leads and has looked at every Service. */
  readonly settledMs: number
}

async function restart(cluster: AllocationCluster): Promise<Restart> {
  const startedAt = performance.now()
  const controller = await cluster.startController()
  const since = () => rounded(performance.now() - startedAt, 0)
  await controller.ready()
  const readyMs = since()
  await controller.settled(SERVICE_COUNT)
  const settledMs = since()
  await quiet(controller)
  // In good order: the next one need not wait for the end of the lease.
  await controller.stop()
  return { readyMs, settledMs }
}
