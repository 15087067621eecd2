import { decide, Ledger, requestOf, type ServiceRequest } from '../core/allocate/index.ts'
import type { Pool, Snapshot } from '../core/config/snapshot.ts'
import { type Family, parsePrefix, rangeOfPrefix } from '../net/ip/index.ts'

/** Operations a second that `core/allocate` must reach. */
const BAR = 500_000
const OPERATIONS = 1_000_000
/** How many Services hold an address while the cost of one operation is taken. */
const HELD = [1_000, 10_000, 100_000, 300_000]
const SHARING_KEYS = 50

export default {
  name: 'alloc-core',
  about: 'core/allocate alone: 1,000,000 random allocations and releases on pools of /8, /24 and /64',
  run,
}

async function run(progress: (text: string) => void) {
  progress('warming up')
  churn(2_000, 200_000)
  const rates: Record<string, number> = {}
  for (const held of HELD) {
    progress(`${OPERATIONS} operations with about ${held} Services holding addresses`)
    rates[`operationsPerSecondAt${held}Held`] = Math.round(churn(held, OPERATIONS))
  }
  progress('the same number of operations on a bare Map')
  const yardstick = Math.round(bareMap(HELD[1]!, OPERATIONS))
  const slowest = Math.min(...Object.values(rates))
  const figures = { operations: OPERATIONS, ...rates, slowestOperationsPerSecond: slowest, bareMapPerSecond: yardstick }
  return { figures, yardstick: BAR, ratio: round(slowest / BAR), bar: 1, pass: slowest >= BAR }
}

/**
 * Random operations on a ledger in which about `held` Services hold an address, half of them allocations (the whole
 * decision, not only the search), half releases of a random holder. Returns operations a second.
 */
function churn(held: number, operations: number): number {
  const ledger = new Ledger()
  ledger.configure(snapshotOf({ eight: '10.0.0.0/8', four: '192.0.2.0/24', six: '2001:db8::/64' }))
  const random = generator(7)
  const requests = requestsFor(2 * held, random)
  const holders: ServiceRequest[] = []
  const idle = [...requests]
  for (let index = 0; index < held; index++) allocateOne(ledger, idle, holders, random)
  const start = performance.now()
  for (let operation = 0; operation < operations; operation++) {
    const grows = holders.length < held * 0.9 || (holders.length < held * 1.1 && random(2) === 0)
    if (grows) allocateOne(ledger, idle, holders, random)
    else releaseOne(ledger, idle, holders, random)
    if (operation % 1024 === 0) ledger.waiting.takeStirred()
  }
  return operations / ((performance.now() - start) / 1000)
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

/** A third for each pool; one in ten of them shares, one in ten asks for a particular address. */
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

/** What the bookkeeping would cost if there were nothing to decide. */
function bareMap(held: number, operations: number): number {
  const map = new Map<string, { key: string }>()
  const keys = Array.from({ length: 2 * held }, (_, index) => `default/service-${index}`)
  const random = generator(7)
  const start = performance.now()
  for (let operation = 0; operation < operations; operation++) {
    const key = keys[random(keys.length)]!
    if (map.has(key)) map.delete(key)
    else map.set(key, { key })
  }
  return operations / ((performance.now() - start) / 1000)
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
