/**
 * Memory that the controller is resident with: with no Services, with 10,000 and with 50,000, each time when all have
 * addresses and only events are still to be written, which it holds; and after a restart, when all are adopted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { QUIET_MS } from '../runtime/heap-trim.ts'
import type { ControllerProcess } from '../testkit/controller-process.ts'
import {
  assertAllDiffer,
  type Progress,
  quiet,
  SERVICE_COUNT,
  shownAddresses,
  startAllocationCluster,
  statusesWritten,
} from './alloc-cluster.ts'
import { seedServices } from './alloc-seed.ts'
import { rounded } from './alloc-times.ts'
import { type Memory, memoryOf } from './process-usage.ts'

const FEW = SERVICE_COUNT
const MANY = 5 * FEW
const BAR_MB = 150
/** Each further Service may cost so much of what each of the first cost: memory grows linearly. */
const GROWTH_BAR = 1.2

export default {
  name: 'alloc-memory',
  about: `resident memory of the controller with ${FEW} and ${MANY} Services`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress)
  let controller = await cluster.startController()
  try {
    await controller.settled(0)
    const sizes = [await sizeWith(0, controller)]
    for (const [from, to] of [[0, FEW] as const, [FEW, MANY] as const]) {
      progress(`Services ${from} to ${to} are created`)
      await controller.stop()
      // While nobody watches: what one transaction wrote has one version, and a watch that is resumed there skips the rest.
      await seedServices(cluster, from, to)
      controller = await cluster.startController()
      await statusesWritten(controller, to - from)
      sizes.push(await sizeWith(to, controller))
      assertAllDiffer(await shownAddresses(cluster), to)
      await controller.stop()
      controller = await cluster.startController()
      await controller.settled(to)
      sizes.push(await sizeWith(to, controller))
      progress(JSON.stringify(sizes.at(-1)))
    }
    const [none, few, fewAdopted, many, manyAdopted] = sizes as [Size, Size, Size, Size, Size]
    const growth = [growthOf(none, few, many), growthOf(none, fewAdopted, manyAdopted)].map((each) => rounded(each))
    const residentMb = Math.max(few.residentMb, fewAdopted.residentMb)
    const pass = residentMb <= BAR_MB && growth.every((each) => each <= GROWTH_BAR)
    const figures = {
      residentMbWithNone: none,
      grown: [few, many],
      restarted: [fewAdopted, manyAdopted],
      costOfOneMoreToOneOfTheFirst: growth,
    }
    return { figures, yardstick: BAR_MB, ratio: rounded(residentMb / BAR_MB), bar: 1, pass }
  } finally {
    await controller.stop()
  }
}

interface Size extends Memory {
  readonly services: number
  /** That this process has written so far. */
  readonly events: number
}

function growthOf(none: Size, few: Size, many: Size): number {
  const perFew = (few.residentMb - none.residentMb) / (few.services - none.services)
  return (many.residentMb - few.residentMb) / (many.services - few.services) / perFew
}

async function sizeWith(services: number, controller: ControllerProcess): Promise<Size> {
  const events = await quiet(controller)
  // Then it gives back what the work before has left behind.
  await delay(2 * QUIET_MS + 1_000)
  return { services, events, ...memoryOf(controller.pid) }
}
