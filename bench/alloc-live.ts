/**
 * 1,000 Services created as fast as the API server takes them while the controller runs: how long after the answer to
 * the last creation the last of them shows its address.
 */
import { Informer, SERVICES } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import {
  type AllocationCluster,
  assertAllDiffer,
  createServices,
  type Progress,
  shownAddresses,
  startAllocationCluster,
} from './alloc-cluster.ts'
import { percentile, rounded } from './alloc-times.ts'

const SERVICES_A_ROUND = 1_000
const ROUNDS = 3
const BAR_MS = 250

export default {
  name: 'alloc-live',
  about: `${SERVICES_A_ROUND} Services as fast as the API server takes them: last address after the last creation`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress)
  const controller = await cluster.startController()
  const shown = new ShownAddresses(cluster)
  try {
    await controller.elected()
    await shown.start()
    const rounds = []
    for (let number = 0; number < ROUNDS; number++) {
      rounds.push(await round(cluster, shown, number))
      progress(JSON.stringify(rounds.at(-1)))
    }
    assertAllDiffer(await shownAddresses(cluster), ROUNDS * SERVICES_A_ROUND)
    const laterMs = percentile(
      rounds.map((each) => each.lastAddressAfterMs),
      0.5,
    )
    const figures = { lastAddressAfterMs: laterMs, rounds }
    return { figures, yardstick: BAR_MS, ratio: rounded(laterMs / BAR_MS), bar: 1, pass: laterMs <= BAR_MS }
  } finally {
    await shown.stop()
    await controller.stop()
  }
}

async function round(cluster: AllocationCluster, shown: ShownAddresses, number: number) {
  const all = (number + 1) * SERVICES_A_ROUND
  const complete = shown.reaches(all)
  const startedAt = performance.now()
  await createServices(cluster, number * SERVICES_A_ROUND, all)
  const createdAt = performance.now()
  const shownAtCreation = shown.count - number * SERVICES_A_ROUND
  const completeAt = await complete
  return {
    createdPerSecond: rounded(SERVICES_A_ROUND / ((createdAt - startedAt) / 1_000), 0),
    addressesWithLastCreation: shownAtCreation,
    lastAddressAfterMs: rounded(completeAt - createdAt, 0),
  }
}

/** Counts the Services that show an address, as a watch tells of them. */
class ShownAddresses {
  count = 0
  readonly #services
  #goal: { readonly count: number; readonly resolve: (at: number) => void } | undefined

  constructor({ client }: AllocationCluster) {
    this.#services = new Informer({ client, resource: SERVICES, clock: systemClock, random: systemRandom })
    this.#services.onChange((change) => {
      if (change.kind === 'delete') return
      const had = change.kind === 'update' && change.old.status?.loadBalancer?.ingress !== undefined
      if (had || change.object.status?.loadBalancer?.ingress === undefined) return
      this.count++
      if (this.count === this.#goal?.count) this.#goal.resolve(performance.now())
    })
  }

  async start(): Promise<void> {
    this.#services.start()
    await this.#services.whenSynced()
  }

  /** Resolves to the time at which so many show one. */
  reaches(count: number): Promise<number> {
    return new Promise((resolve) => {
      this.#goal = { count, resolve }
    })
  }

  stop(): Promise<void> {
    return this.#services.stop()
  }
}
