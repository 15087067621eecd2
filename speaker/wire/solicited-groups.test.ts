import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../runtime/clock.ts'
import { toHex } from '../../testkit/hex.ts'
import { type Memberships, SolicitedGroups, TURN_BUDGET_MS } from './solicited-groups.ts'

const ETH0 = 3
const ETH1 = 4

/** A kernel in which each join and each leave takes a while. */
class Kernel {
  readonly clock: Clock = {
    now: () => this.#now,
    wall: () => this.#now,
    setTimeout: (callback) => ({ timer: this.#timers.push(callback) }),
    clearTimeout: () => assert.fail('no timer is taken back'),
  }
  readonly joined = new Map<number, Set<string>>()
  readonly faults: string[] = []
  #now = 0
  readonly #timers: (() => void)[] = []
  costMs = 0.2
  refuses = false
  readonly groups = new SolicitedGroups({
    clock: this.clock,
    open: (index) => this.#memberships(index),
    onFault: (what) => this.faults.push(what),
  })

  /** How long the loop stood still in each turn until nothing was left to do. */
  turns(start: () => void): number[] {
    const durations = [this.#time(start)]
    for (let next = this.#timers.shift(); next !== undefined; next = this.#timers.shift()) {
      durations.push(this.#time(next))
    }
    return durations
  }

  count(index: number): number {
    return this.joined.get(index)?.size ?? 0
  }

  #memberships(index: number): Memberships {
    const joined = new Set<string>()
    this.joined.set(index, joined)
    return {
      join: (group) => {
        this.#now += this.costMs
        if (this.refuses) throw new Error('ENOMEM')
        joined.add(toHex(group))
      },
      leave: (group) => {
        this.#now += this.costMs
        assert.ok(joined.delete(toHex(group)))
      },
      closeSome: () => {
        const some = [...joined].slice(0, 10)
        this.#now += some.length * this.costMs
        for (const group of some) joined.delete(group)
        return some.length > 0
      },
    }
  }

  #time(body: () => void): number {
    const startedAt = this.#now
    body()
    return this.#now - startedAt
  }
}

function addresses(count: number): bigint[] {
  return Array.from({ length: count }, (_, index) => 0x20010db8_0000_0000_0000_0000_0000_0000n + BigInt(index))
}

test('one address: its group is joined at once, and left with it', () => {
  const kernel = new Kernel()
  kernel.groups.open(ETH0, 'eth0')
  kernel.groups.hold(ETH0, addresses(1)[0]!)
  assert.deepEqual([...kernel.joined.get(ETH0)!], ['ff0200000000000000000001ff000000'])
  kernel.groups.release(ETH0, addresses(1)[0]!)
  assert.equal(kernel.count(ETH0), 0)
})

test('ten thousand on two interfaces: no turn takes longer than the budget and one join', () => {
  const kernel = new Kernel()
  const many = addresses(10_000)
  for (const [index, name] of [[ETH0, 'eth0'] as const, [ETH1, 'eth1'] as const]) kernel.groups.open(index, name)
  const joining = kernel.turns(() => {
    for (const address of many) for (const index of [ETH0, ETH1]) kernel.groups.hold(index, address)
  })
  assert.deepEqual([kernel.count(ETH0), kernel.count(ETH1)], [10_000, 10_000])
  assert.ok(Math.max(...joining) <= TURN_BUDGET_MS + kernel.costMs + 1e-6, `${Math.max(...joining)} ms`)
  const closing = kernel.turns(() => {
    kernel.groups.close(ETH0)
    for (const address of many) kernel.groups.release(ETH1, address)
  })
  assert.deepEqual([kernel.count(ETH0), kernel.count(ETH1)], [0, 0])
  assert.ok(Math.max(...closing) <= TURN_BUDGET_MS + 10 * kernel.costMs + 1e-6, `${Math.max(...closing)} ms`)
})

test('held and released before its turn comes: never joined', () => {
  const kernel = new Kernel()
  kernel.groups.open(ETH0, 'eth0')
  const many = addresses(100)
  kernel.turns(() => {
    for (const address of many) kernel.groups.hold(ETH0, address)
    for (const address of many.slice(1)) kernel.groups.release(ETH0, address)
  })
  assert.equal(kernel.count(ETH0), 1)
})

test('an interface that is not open has no groups; one that is opened twice keeps them', () => {
  const kernel = new Kernel()
  const [address] = addresses(1) as [bigint]
  kernel.groups.hold(ETH0, address)
  assert.equal(kernel.groups.open(ETH0, 'eth0'), true)
  kernel.groups.hold(ETH0, address)
  assert.equal(kernel.groups.open(ETH0, 'eth0'), false)
  assert.equal(kernel.count(ETH0), 1)
})

test('a join that fails is reported, and need not be left', () => {
  const kernel = new Kernel()
  const [address] = addresses(1) as [bigint]
  kernel.groups.open(ETH0, 'eth0')
  kernel.refuses = true
  kernel.groups.hold(ETH0, address)
  kernel.groups.release(ETH0, address)
  assert.deepEqual(kernel.faults, ['joining the groups of IPv6 addresses on eth0'])
})
