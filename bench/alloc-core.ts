import { decide, Ledger, requestOf, type ServiceRequest } from '../core/allocate/index.ts'
import type { Pool, Snapshot } from '../core/config/snapshot.ts'
import { type Family, parsePrefix, rangeOfPrefix } from '../net/ip/index.ts'

/** Operations a second that `core/allocate` must reach with the ordinary number of Services. */
const BAR = 500_000
const OPERATIONS = 1_000_000
/** How many Services hold an address while the cost of one operation is taken; the bar is judged at the first. */
const HELD = [1_000, 10_000, 100_000]
/** Operations timed at once; ledger and yardstick take turns, so that both see the same machine. */
const SLICE = 5_000
const SHARING_KEYS = 50

export default {
  name: 'alloc-core',
  about: 'core/allocate alone: 1,000,000 random allocations and releases on pools of /8, /24 and /64',
  run,
}

/**
 * The yardstick is a bare Map from which random keys are deleted and set anew: what memory alone makes of a growing
 * number. The cost of an operation must not grow faster than that.
 */
async function run(progress: (text: string) => void) {
  progress('warming up')
  compare(HELD[0]!, 200_000)
  const rates = HELD.map((held) => {
    progress(`${OPERATIONS} operations with about ${held} Services holding addresses`)
    return { held, ...compare(held, OPERATIONS) }
  })
  const [fewest, most] = [rates[0]!, rates.at(-1)!]
  const growth = fewest.ledger / most.ledger
  const bareMapGrowth = fewest.bareMap / most.bareMap
  const figures = {
    operations: OPERATIONS,
    ...Object.fromEntries(rates.map(({ held, ledger }) => [`operationsPerSecondAt${held}Held`, Math.round(ledger)])),
    ...Object.fromEntries(rates.map(({ held, bareMap }) => [`bareMapPerSecondAt${held}Held`, Math.round(bareMap)])),
    costGrowth: round(growth),
    bareMapCostGrowth: round(bareMapGrowth),
  }
  const pass = fewest.ledger >= BAR && growth <= bareMapGrowth
  return { figures, yardstick: BAR, ratio: round(fewest.ledger / BAR), bar: 1, pass }
}

/** Operations a second of the ledger and of the bare Map with about `held` holders: medians of many slices. */
function compare(held: number, operations: number): { ledger: number; bareMap: number } {
  const ledger = ledgerChurn(held)
  const bareMap = bareMapChurn(held)
  const times: { ledger: number; bareMap: number }[] = []
  for (let done = 0; done < operations; done += SLICE) {
    times.push({ ledger: timed(ledger), bareMap: timed(bareMap) })
  }
  return { ledger: rateOf(times.map((time) => time.ledger)), bareMap: rateOf(times.map((time) => time.bareMap)) }
}

function timed(churn: () => void): number {
  const start = performance.now()
  for (let operation = 0; operation < SLICE; operation++) churn()
  return performance.now() - start
}

function rateOf(timesMs: readonly number[]): number {
  const sorted = [...timesMs].sort((a, b) => a - b)
  return (SLICE / sorted[sorted.length >> 1]!) * 1000
}

/**
 * One random operation on a ledger in which about `held` Services hold an address: an allocation (the whole decision,
 * not only the search) or the release of a random holder.
 */
function ledgerChurn(held: number): () => void {
  const ledger = new Ledger()
  ledger.configure(snapshotOf({ eight: '10.0.0.0/8', four: '192.0.2.0/24', six: '2001:db8::/64' }))
  const random = generator(7)
  const holders: ServiceRequest[] = []
  const idle = [...requestsFor(2 * held, random)]
  for (let index = 0; index < held; index++) allocateOne(ledger, idle, holders, random)
  return () => {
    const grows = holders.length < held * 0.9 || (holders.length < held * 1.1 && random(2) === 0)
    if (grows) allocateOne(ledger, idle, holders, random)
    else releaseOne(ledger, idle, holders, random)
    if (random(1024) === 0) ledger.waiting.takeStirred()
  }
}

type Random = (below: number) => number

function allocateOne(ledger: Ledger, idle: ServiceRequest[], holders: ServiceRequest[], random: Random): void {
  const request = takeRandom(idle, random)
  decide(ledger, request, 0)
  holders.push(request)
}

function releaseOne(ledger: Ledger, idle: ServiceRequest[], holders: ServiceRequest[], random: Random): void {
  const request = takeRandom(holders, random)
  ledger.forget(request.key, 0)
  idle.push(request)
}

function takeRandom(from: ServiceRequest[], random: Random): ServiceRequest {
  const index = random(from.length)
  const taken = from[index]!
  from[index] = from.at(-1)!
  from.pop()
  return taken
}

/** Half for the /8 and half for the /64, one in a hundred for the /24; one in ten shares, some ask for an address. */
function requestsFor(count: number, random: Random): readonly ServiceRequest[] {
  const pools = ['eight', 'four', 'six'] as const
  return Array.from({ length: count }, (_, index) => {
    const pool = index % 97 === 0 ? 'four' : pools[random(2) * 2]!
    const annotations: Record<string, string> = { 'metallb.io/address-pool': pool }
    if (random(10) === 0) annotations['metallb.io/allow-shared-ip'] = `key-${random(SHARING_KEYS)}`
    if (pool === 'eight' && random(10) === 0) {
      annotations['metallb.io/loadBalancerIPs'] = `10.${random(256)}.${random(256)}.${random(256)}`
    }
    return requestOf({
      metadata: { name: `service-${index}`, namespace: 'default', annotations, creationTimestamp: '' },
      spec: {
        type: 'LoadBalancer',
        clusterIPs: [pool === 'six' ? 'fd00::1' : '10.96.0.1'],
        selector: { app: `service-${index}` },
        ports: [{ protocol: 'TCP', port: 1 + random(200) }],
      },
    })
  })
}

/** One random operation on a Map of which about `held` of twice as many keys are set. */
function bareMapChurn(held: number): () => void {
  const map = new Map<string, { readonly key: string }>()
  const keys = Array.from({ length: 2 * held }, (_, index) => `default/service-${index}`)
  const random = generator(7)
  for (let index = 0; index < held; index++) map.set(keys[2 * index]!, { key: keys[2 * index]! })
  return () => {
    const key = keys[random(keys.length)]!
    if (map.has(key)) map.delete(key)
    else map.set(key, { key })
  }
}

/** xorshift32: the same operations in every run. */
function generator(seed: number): Random {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

function snapshotOf(prefixes: Readonly<Record<string, string>>): Snapshot {
  const names = Object.keys(prefixes).sort()
  const none = new Map<string, never>()
  const pools = new Map(names.map((name) => [name, poolOf(name, prefixes[name]!)]))
  return { pools, l2Advertisements: none, bgpAdvertisements: none, peers: none, bfdProfiles: none, communities: none }
}

function poolOf(name: string, text: string): Pool {
  const prefix = parsePrefix(text)!
  return {
    name,
    labels: {},
    entries: [{ text, range: rangeOfPrefix(prefix) }],
    families: new Set<Family>([prefix.family]),
    autoAssign: true,
    avoidBuggyIPs: false,
    allocation: undefined,
    suspended: undefined,
    reuseAfterMs: 0,
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
