/** The shell of the election and its fence, in virtual time, around one Lease that is stored here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { ApiError } from './api-error.ts'
import { type Fence, Leader, type LeaderOptions } from './leader.ts'
import type { KubernetesObject } from './resource.ts'
import type { Lease } from './resources.ts'

/** Stores one Lease as the API server would. `isAway`: no answer at all. */
class LeaseServer {
  lease: Lease | undefined
  isAway = false
  writes = 0
  reads = 0

  readonly client = {
    get: async () => {
      this.reads++
      return this.#answer(() => this.lease ?? refuse('not-found'))
    },
    create: async (_: unknown, lease: Lease) =>
      this.#answer(() => (this.lease === undefined ? this.#store(lease) : refuse('conflict'))),
    replace: async (_: unknown, lease: Lease) =>
      this.#answer(() =>
        lease.metadata.resourceVersion === this.lease?.metadata.resourceVersion
          ? this.#store(lease)
          : refuse('conflict'),
      ),
  } as unknown as LeaderOptions['client']

  #answer<T extends KubernetesObject>(run: () => T): T {
    return this.isAway ? refuse('unavailable') : run()
  }

  #store(lease: Lease): Lease {
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.writes) } }
    return this.lease
  }
}

function refuse(kind: ApiError['kind']): never {
  throw new ApiError(kind, kind)
}

function leaderOf(server: LeaseServer, identity: string, clock: VirtualClock): { leader: Leader; told: string[] } {
  const told: string[] = []
  const leader = new Leader({
    client: server.client,
    namespace: 'invar-system',
    name: 'invar-controller',
    identity,
    clock,
    random: () => 0.5,
    onElected: () => told.push('elected'),
    onDeposed: (because) => told.push(`deposed: ${because}`),
  })
  return { leader, told }
}

/** A guarded write that records whether its bytes left, and that ends only when its signal does or it is told to. */
function slowWrite(leader: Leader): {
  readonly result: Promise<string>
  send(): void
  answer(): void
} {
  const gate = Promise.withResolvers<string>()
  let fence: Fence | undefined
  const result = leader.guard((given) => {
    fence = given
    given.signal.addEventListener('abort', () => gate.reject(given.signal.reason))
    return gate.promise
  })
  result.catch(() => undefined)
  return { result, send: () => fence!.beforeSend(), answer: () => gate.resolve('stored') }
}

const FENCED = (error: unknown): boolean => error instanceof ApiError && error.kind === 'fenced'

test('a single candidate becomes leader at once, renews, and its writes go out', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  await assert.rejects(
    leader.guard(async () => 'written'),
    FENCED,
  )
  leader.start()
  await clock.advanceAsync(60_000)
  assert.deepEqual(told, ['elected'])
  assert.equal(leader.isLeader, true)
  assert.equal(await leader.guard(async () => 'written'), 'written')
  assert.ok(server.writes >= 27, `${server.writes} writes of the Lease in a minute`)
  assert.match(server.lease?.spec?.renewTime ?? '', /^2026-01-01T00:0\d:\d\d\.\d{6}Z$/)
})

test('a look claims nothing; what it showed vacant is claimed without another read', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  await leader.look()
  await clock.advanceAsync(10_000)
  assert.deepEqual([server.lease, told], [undefined, []])
  const reads = server.reads
  leader.start()
  await clock.advanceAsync(1)
  assert.deepEqual(told, ['elected'])
  assert.equal(server.reads, reads)
})

test('a look that fails is no harm: standing reads anew', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  server.isAway = true
  await leader.look()
  await clock.advanceAsync(10_000)
  server.isAway = false
  leader.start()
  await clock.advanceAsync(1)
  assert.deepEqual(told, ['elected'])
})

test('the second takes over when the first is silent, not before its lease is over', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const first = leaderOf(server, 'a', clock)
  first.leader.start()
  await clock.advanceAsync(1_000)
  const frozen = new VirtualClock()
  const second = leaderOf(server, 'b', frozen)
  second.leader.start()
  await frozen.advanceAsync(14_000)
  assert.equal(second.leader.isLeader, false)
  await frozen.advanceAsync(4_000)
  assert.equal(second.leader.isLeader, true)
  assert.equal(server.lease?.spec?.holderIdentity, 'b')
})

test('stop gives the lease back, and the next takes it at its next look', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const [first, second] = [leaderOf(server, 'a', clock), leaderOf(server, 'b', clock)]
  first.leader.start()
  await clock.advanceAsync(100)
  second.leader.start()
  await clock.advanceAsync(100)
  await first.leader.stop()
  assert.equal(server.lease?.spec?.holderIdentity, '')
  await clock.advanceAsync(2_500)
  assert.deepEqual(second.told, ['elected'])
  assert.deepEqual(first.told, ['elected', 'deposed: stopped'])
})

test('stop waits for a write that is under way', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader } = leaderOf(server, 'a', clock)
  leader.start()
  await clock.advanceAsync(100)
  const write = slowWrite(leader)
  const stopped = leader.stop()
  assert.equal(server.lease?.spec?.holderIdentity, 'a')
  write.answer()
  await stopped
  assert.equal(await write.result, 'stored')
  assert.equal(server.lease?.spec?.holderIdentity, '')
})

test('cut off from the API server: deposed at the deadline, writes under way are given up', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  leader.start()
  await clock.advanceAsync(100)
  const write = slowWrite(leader)
  server.isAway = true
  await clock.advanceAsync(9_800)
  assert.equal(leader.isLeader, true)
  await clock.advanceAsync(200)
  assert.equal(leader.isLeader, false)
  await assert.rejects(write.result, FENCED)
  assert.deepEqual(told, ['elected', 'deposed: the lease could not be renewed in time'])
  server.isAway = false
  await clock.advanceAsync(5_000)
  assert.deepEqual(told.slice(2), ['elected'])
})

test('frozen past its lease: what was about to be sent is not, before any timer has had a chance to run', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader } = leaderOf(server, 'a', clock)
  leader.start()
  await clock.advanceAsync(100)
  const write = slowWrite(leader)
  write.send()
  clock.freeze(60_000)
  assert.throws(() => write.send(), FENCED)
  assert.equal(leader.isLeader, false)
  await assert.rejects(
    leader.guard(async () => 'written'),
    FENCED,
  )
})

test('the wall clock is set back by an hour: nothing changes', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  leader.start()
  await clock.advanceAsync(100)
  clock.stepWall(-3_600_000)
  assert.equal(leader.isLeader, true)
  await clock.advanceAsync(60_000)
  assert.deepEqual(told, ['elected'])
})

test('the wall clock jumps ahead, as after a suspended machine: no write until the next renewal, no new term', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  leader.start()
  await clock.advanceAsync(100)
  clock.stepWall(3_600_000)
  assert.equal(leader.isLeader, false)
  await clock.advanceAsync(2_500)
  assert.equal(leader.isLeader, true)
  assert.deepEqual(told, ['elected'])
})

test('somebody deletes the Lease: it is created anew and the term goes on', async () => {
  const [server, clock] = [new LeaseServer(), new VirtualClock()]
  const { leader, told } = leaderOf(server, 'a', clock)
  leader.start()
  await clock.advanceAsync(100)
  server.lease = undefined
  await clock.advanceAsync(5_000)
  assert.equal((server.lease as Lease | undefined)?.spec?.holderIdentity, 'a')
  assert.deepEqual(told, ['elected'])
})
