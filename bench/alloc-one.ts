/**
 * One Service after the other: from sending its creation to seeing its address, against one bare status patch. Each
 * round does both, so that they see the same machine.
 */
import { Informer, SERVICES } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import {
  type AllocationCluster,
  type Progress,
  serviceName,
  serviceOf,
  startAllocationCluster,
} from './alloc-cluster.ts'
import { percentile, rounded, timed } from './alloc-times.ts'

const ROUNDS = 200
const WARM_UP_ROUNDS = 20
const [MEDIAN_BAR, P99_BAR] = [3, 10]
/** Of a class that nobody serves: its status is for the bare patches. */
const BYSTANDER = 'bystander'

export default {
  name: 'alloc-one',
  about: `${ROUNDS} Services one after the other: creation to address against one bare status patch`,
  run,
}

interface Round {
  readonly patchMs: number
  /** From the API server's answer to the creation to the address. */
  readonly afterCreationMs: number
  /** From sending the creation. */
  readonly wholeMs: number
}

async function run(progress: Progress) {
  await using cluster = await startAllocationCluster(progress)
  await cluster.client.create(SERVICES, serviceOf(BYSTANDER, { loadBalancerClass: 'example.com/nobody' }))
  const controller = await cluster.startController()
  const addresses = await followAddresses(cluster)
  try {
    await controller.elected()
    progress('warming up')
    for (let index = 0; index < WARM_UP_ROUNDS; index++) await round(cluster, addresses, index)
    progress(`${ROUNDS} rounds`)
    const rounds: Round[] = []
    for (let index = 0; index < ROUNDS; index++) rounds.push(await round(cluster, addresses, WARM_UP_ROUNDS + index))
    return judge(rounds)
  } finally {
    await addresses.stop()
    await controller.stop()
  }
}

function judge(rounds: readonly Round[]) {
  const summary = (times: readonly number[]) =>
    ({ p50: rounded(percentile(times, 0.5)), p99: rounded(percentile(times, 0.99)) }) as const
  const bare = summary(rounds.map(({ patchMs }) => patchMs))
  const whole = summary(rounds.map(({ wholeMs }) => wholeMs))
  const afterCreation = summary(rounds.map(({ afterCreationMs }) => afterCreationMs))
  const [ratio, p99Ratio] = [whole.p50 / bare.p50, whole.p99 / bare.p50]
  const figures = {
    ...{ barePatchMs: bare, creationToAddressMs: whole, answerToAddressMs: afterCreation },
    ...{ p99Ratio: rounded(p99Ratio), p99Bar: P99_BAR },
  }
  const pass = ratio <= MEDIAN_BAR && p99Ratio <= P99_BAR
  return { figures, yardstick: bare.p50, ratio: rounded(ratio), bar: MEDIAN_BAR, pass }
}

async function round(cluster: AllocationCluster, addresses: Addresses, index: number): Promise<Round> {
  const ingress = [{ ip: `203.0.113.${index % 250}` }]
  const patchMs = await timed(() => cluster.bare.patchStatus(BYSTANDER, { loadBalancer: { ingress } }))
  const shown = addresses.of(serviceName(index))
  const startedAt = performance.now()
  await cluster.client.create(SERVICES, serviceOf(serviceName(index)))
  const answeredAt = performance.now()
  const shownAt = await shown
  return { patchMs, afterCreationMs: shownAt - answeredAt, wholeMs: shownAt - startedAt }
}

interface Addresses {
  /** Resolves to the time at which the Service is seen with an address. */
  of(name: string): Promise<number>
  stop(): Promise<void>
}

async function followAddresses({ client }: AllocationCluster): Promise<Addresses> {
  const waiting = new Map<string, (at: number) => void>()
  const services = new Informer({ client, resource: SERVICES, clock: systemClock, random: systemRandom })
  services.onChange((change) => {
    if (change.kind === 'delete' || change.object.status?.loadBalancer?.ingress === undefined) return
    const { name } = change.object.metadata
    waiting.get(name)?.(performance.now())
    waiting.delete(name)
  })
  services.start()
  await services.whenSynced()
  return {
    of: (name) => new Promise((resolve) => waiting.set(name, resolve)),
    stop: () => services.stop(),
  }
}
