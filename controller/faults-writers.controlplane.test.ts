/**
 * Controllers as processes on the real API server, and others who write or want to: second writers, other controllers,
 * replicas that are killed, frozen, started at once, whose clocks are set. Whatever happens, in the end every Service has
 * an address of its pool, no two have the same, and none has moved.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as during } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { SERVICES } from '../operator/index.ts'
import { addressOf, ControllerWorld, kubeconfigThrough, startAuditedPlane } from '../testkit/controller-world.ts'
import type { ControlPlane } from '../testkit/controlplane.ts'
import { TcpProxy } from '../testkit/tcp-proxy.ts'

/** Of a group of tests, each of which waits for the end of a lease or two (15 s). */
const TIMEOUT_MS = 120_000

let plane: ControlPlane

before(async () => {
  plane = await startAuditedPlane()
})

after(() => plane?.stop())

/** Flags of Node under which each SIGUSR2 sets the program's wall clock by the next of these steps. */
function withClockSteps(stepsMs: readonly number[]): readonly string[] {
  const url = pathToFileURL(join(import.meta.dirname, '..', 'testkit', 'stepped-clock.ts'))
  return [`--import=${url}?steps=${stepsMs.join(',')}`]
}

describe('while others write', { concurrency: true, timeout: TIMEOUT_MS }, () => {
  test('a second writer changes Services under the controller: conflicts are decided anew', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'conflicts', '10.1.0.0/24')
    const controller = await world.controller()
    await controller.elected()
    let isOver = false
    const secondWriter = async () => {
      for (let count = 0; !isOver; count++) {
        for (const { metadata } of world.all) await world.bump(metadata.name, count)
        await during(5)
      }
    }
    const writing = secondWriter()
    await world.create(0, 60)
    await world.served(60)
    isOver = true
    await writing
    await world.calm()
    await world.assertSound(60, '10.1.0.')
    t.diagnostic(`${world.conflicts} writes of the controller were refused as conflicts`)
  })

  test('every write of the controller comes too late: refused each time, nothing forced, and in the end all are served', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'late', '10.9.0.0/24')
    await using proxy = await TcpProxy.start(plane.url)
    const controller = await world.controller({ kubeconfig: kubeconfigThrough(proxy, plane, 'late') })
    await controller.elected()
    await world.create(0, 10)
    await world.served(10)
    // What the controller reads is 200 ms old, and its writes take as long: a second writer is always faster.
    proxy.delay(200)
    let isOver = false
    const secondWriter = (async () => {
      for (let count = 0; !isOver; count++) {
        await Promise.all(world.all.map(({ metadata }) => world.bump(metadata.name, count)))
        await during(20)
      }
    })()
    await world.create(10, 20)
    const served = () => [...world.addresses.values()].filter((address) => address !== undefined).length
    // A busy machine may let a write slip through.
    while (world.conflicts < 20 && served() < 20) await during(100)
    const servedMeanwhile = served()
    isOver = true
    await secondWriter
    await world.served(20)
    proxy.delay(0)
    await world.calm()
    await world.assertSound(20, '10.9.0.')
    assert.ok(world.conflicts > 0)
    t.diagnostic(`${world.conflicts} writes were refused as conflicts; meanwhile ${servedMeanwhile} of 20 were served`)
  })

  test('another controller wipes statuses, and writes its own: each Service gets its address back', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'wiped', '10.2.0.0/24')
    const controller = await world.controller()
    await controller.elected()
    await world.create(0, 30)
    await world.served(30)
    const given = world.addresses
    const rival = (name: string, ingress: readonly { readonly ip: string }[] | null) =>
      world.client.patch(
        SERVICES,
        { namespace: world.name, name },
        { status: { loadBalancer: { ingress } } },
        { subresource: 'status' },
      )
    for (let index = 0; index < 10; index++) await rival(`s${index}`, null)
    for (let index = 10; index < 20; index++) await rival(`s${index}`, [{ ip: `198.51.100.${index}` }])
    // A neighbour's address: both would answer for it.
    for (let index = 20; index < 30; index++) await rival(`s${index}`, [{ ip: given.get(`s${index - 20}`)! }])
    await world.calm()
    const { items } = await world.client.list(SERVICES, { namespace: world.name })
    const now = new Map(items.map((service) => [service.metadata.name, addressOf(service)]))
    assert.deepEqual([...now].sort(), [...given].sort())
  })
})

describe('replicas', { concurrency: true, timeout: TIMEOUT_MS }, () => {
  test('two controllers started at once: one of them writes', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'at-once', '10.3.0.0/24')
    await world.create(0, 50)
    const controllers = await Promise.all([world.controller(), world.controller()])
    await Promise.all(controllers.map((controller) => controller.ready()))
    await world.served(50)
    const leaders = await Promise.all(controllers.map((controller) => controller.metric('invar_controller_leader')))
    assert.deepEqual(leaders.sort(), [0, 1])
    await world.calm()
    await world.assertSound(50, '10.3.0.')
    const writes = world.writes.filter(({ resource }) => resource === 'services')
    assert.equal(writes.length, 50, 'one write a Service')
  })

  test('a cold start lists the Services once; who follows a leader lists them again before it gives out', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'lists', '10.12.0.0/24')
    const asUser = (name: string) => ({
      kubeconfig: plane.kubeconfigFor(name, { commonName: name, organizations: ['system:masters'] }),
    })
    await world.create(0, 20)
    const first = await world.controller(asUser('first'))
    await first.elected()
    await world.served(20)
    assert.equal(world.serviceLists('first'), 1)
    const second = await world.controller(asUser('second'))
    await second.ready()
    assert.equal(world.serviceLists('second'), 1)
    await first.end('SIGTERM')
    await second.elected()
    await world.create(20, 40)
    await world.served(40)
    await world.calm()
    assert.equal(world.serviceLists('first'), 1)
    assert.equal(world.serviceLists('second'), 2)
    await world.assertSound(40, '10.12.0.')
  })

  test('the leader is killed while it gives out: another adopts first, then goes on', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'killed', '10.4.0.0/16')
    const [first, second] = [await world.controller(), await world.controller()]
    await Promise.race([first.elected(), second.elected()])
    const [leader, other] = (await first.metric('invar_controller_leader')) === 1 ? [first, second] : [second, first]
    await other.ready()
    const creating = world.create(0, 150)
    await world.until(() => world.all.filter((service) => addressOf(service) !== undefined).length > 30)
    await leader.end('SIGKILL')
    const given = [...world.addresses].filter(([, address]) => address !== undefined)
    await creating
    await other.elected()
    await world.served(150)
    await world.calm()
    await world.assertSound(150, '10.4.')
    assert.ok(given.length < 150, 'it was killed in the middle')
    for (const [name, address] of given) assert.equal(world.addresses.get(name), address)
  })

  test('the leader is frozen past its lease and thawed: it writes nothing any more', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'frozen', '10.5.0.0/16')
    const frozen = await world.controller()
    await frozen.elected()
    await world.create(0, 20)
    await world.served(20)
    const other = await world.controller()
    await other.ready()
    const creating = world.create(20, 120)
    await world.until(() => world.all.filter((service) => addressOf(service) !== undefined).length > 30)
    frozen.signal('SIGSTOP')
    await creating
    await other.elected()
    await world.served(120)
    await world.calm()
    const before = world.writes.length
    frozen.signal('SIGCONT')
    while ((await frozen.metric('invar_controller_leader')) !== 0) await during(20)
    await world.calm()
    const after = world.writes.length
    assert.equal(after - before, 0, 'nobody had anything to write, and the one that was thawed did not try')
    assert.equal(await other.metric('invar_controller_leader'), 1)
    await world.assertSound(120, '10.5.')
  })
})

describe('clocks', { timeout: TIMEOUT_MS }, () => {
  test('clocks of leader and follower are set an hour ahead and back: the leader stays, and goes on', async (t) => {
    const world = await ControllerWorld.make(t, plane, 'clock', '10.10.0.0/24')
    const hourMs = 3_600_000
    const leader = await world.controller({ nodeFlags: withClockSteps([hourMs, -2 * hourMs]) })
    await leader.elected()
    const follower = await world.controller({ nodeFlags: withClockSteps([hourMs, -2 * hourMs]) })
    await follower.ready()
    const transitions = await world.leaseTransitions()
    for (const round of [0, 1]) {
      leader.signal('SIGUSR2')
      follower.signal('SIGUSR2')
      await world.create(round * 20, round * 20 + 20)
      await world.served(round * 20 + 20)
      assert.equal(await follower.metric('invar_controller_leader'), 0)
    }
    await world.calm()
    await world.assertSound(40, '10.10.0.')
    assert.equal(await world.leaseTransitions(), transitions, 'the lease has not changed hands')
    const writes = world.writes.filter(({ resource }) => resource === 'services')
    assert.equal(writes.length, 40, 'one write a Service')
  })
})
