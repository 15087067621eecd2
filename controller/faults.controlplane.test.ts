/**
 * Controllers as processes on the real API server while things break: the API server is killed, watches are cut, others
 * write, leaders are killed or frozen, etcd is slow. Whatever happens, in the end every Service has an address of its
 * pool, no two have the same, and none has moved. Each test has a namespace, a load balancer class and a pool of its
 * own, and thereby controllers and a Lease of its own.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ApiError, Client, Informer, NAMESPACES, SERVICES, type Service, unless } from '../operator/index.ts'
import { LEASES } from '../operator/resources.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { ControllerProcess } from '../testkit/controller-process.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { TcpProxy } from '../testkit/tcp-proxy.ts'

/** Of a group of tests: a leader's lease lasts 15 s, so nothing here takes half of this. */
const TIMEOUT_MS = 60_000

/** How long connections are cut: in the full campaign, `INVAR_FULL=1`, the five minutes that the figure asks for. */
const CUTTING_MS = process.env.INVAR_FULL === '1' ? 300_000 : 10_000

let plane: ControlPlane

before(async () => {
  plane = await startControlPlane({ auditLog: true })
  applyResources(plane)
})

after(() => plane?.stop())

function applyResources(on: ControlPlane): void {
  on.kubectl(['apply', '--server-side', '-k', 'crds'])
  on.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
}

/** One test's part of the cluster: Services and a pool that only its controllers serve. */
class World {
  readonly name: string
  readonly client: Client
  readonly #t: TestContext
  readonly #plane: ControlPlane
  readonly #services: Informer<Service>
  /** Every address that a Service was ever seen with, in order. */
  readonly #history = new Map<string, string[]>()
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

  /** @param prefix `/24`s of a test must not be another's */
  static async make(t: TestContext, name: string, prefix: string, on = plane): Promise<World> {
    const world = new World(t, name, on)
    await world.client.create(NAMESPACES, { metadata: { name } })
    const pool = { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata: { name: 'lan', namespace: name } }
    on.kubectl(['apply', '-f', '-'], JSON.stringify({ ...pool, spec: { addresses: [prefix] } }))
    world.#services.start()
    await world.#services.whenSynced()
    return world
  }

  private constructor(t: TestContext, name: string, on: ControlPlane) {
    this.#t = t
    this.name = name
    this.#plane = on
    const source = { kind: 'file', path: on.kubeconfig } as const
    this.client = new Client({ source, clock: systemClock, userAgent: `test ${name}` })
    this.#services = new Informer({
      ...{ client: this.client, resource: SERVICES, clock: systemClock, random: systemRandom },
      selection: { namespace: name },
    })
    this.#services.onChange((change) => {
      if (change.kind !== 'delete') this.#remember(change.key, change.object)
      else this.#history.delete(change.key)
      this.#waiting = this.#waiting.filter(({ holds, resolve }) => !holds() || resolve())
    })
    t.after(() => this.stop())
  }

  async stop(): Promise<void> {
    await this.#services.stop()
    this.client.close()
  }

  async controller(kubeconfig = this.#plane.kubeconfig, nodeFlags: readonly string[] = []): Promise<ControllerProcess> {
    const options = { namespace: this.name, loadBalancerClass: this.#class, kubeconfig, nodeFlags }
    const controller = await ControllerProcess.start(this.#plane, options)
    this.#t.after(async () => {
      controller.signal('SIGKILL')
      await controller.stop()
    })
    return controller
  }

  async create(from: number, to: number): Promise<void> {
    const names = Array.from({ length: to - from }, (_, index) => `s${from + index}`)
    const each = async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) await this.#createOne(name)
    }
    await Promise.all(Array.from({ length: 16 }, each))
  }

  async remove(name: string): Promise<void> {
    await unless(['not-found'], this.client.delete(SERVICES, { namespace: this.name, name }))
    await this.until(() => this.#services.store.get(`${this.name}/${name}`) === undefined)
  }

  /** Resolves when so many Services are there and every one has an address. */
  async served(count: number): Promise<void> {
    await this.until(
      () => this.#services.store.size === count && this.all.every((each) => addressOf(each) !== undefined),
    )
  }

  async until(holds: () => boolean): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve) => this.#waiting.push({ holds, resolve }))
  }

  get all(): Service[] {
    return [...this.#services.store.values()]
  }

  get addresses(): Map<string, string | undefined> {
    return new Map(this.all.map((service) => [service.metadata.name, addressOf(service)]))
  }

  /** What has to hold in the end, as the API server has it. @param prefix beginning of every address */
  async assertSound(count: number, prefix: string): Promise<void> {
    const { items } = await this.client.list(SERVICES, { namespace: this.name })
    assert.equal(items.length, count)
    const addresses = items.map((service) => addressOf(service) ?? `none: ${service.metadata.name}`)
    const strange = addresses.filter((address) => !address.startsWith(prefix))
    assert.deepEqual(strange, [], 'every Service has an address of its pool')
    assert.equal(new Set(addresses).size, count, 'no address is given twice')
    const moved = [...this.#history].filter(([, seen]) => new Set(seen).size > 1)
    assert.deepEqual(moved, [], 'no address has moved')
  }

  /** Writes that the controllers have sent, refused ones included, their Lease apart. */
  get writes(): AuditedWrite[] {
    return readFileSync(this.#plane.auditLogPath, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"stage":"ResponseComplete"') && line.includes('"userAgent":"invar-controller'))
      .map((line) => JSON.parse(line))
      .filter(({ verb, objectRef }) => !['get', 'list', 'watch'].includes(verb) && objectRef?.namespace === this.name)
      .map(({ objectRef, responseStatus }) => ({ resource: objectRef.resource, code: responseStatus.code }))
      .filter(({ resource }) => resource !== 'leases')
  }

  get conflicts(): number {
    return this.writes.filter(({ code }) => code === 409).length
  }

  /** Resolves when the controllers have written nothing for a while: what was to go wrong has gone wrong. */
  async calm(): Promise<void> {
    for (let before = -1; before !== this.writes.length; await during(700)) before = this.writes.length
  }

  async leaseTransitions(): Promise<number | undefined> {
    const lease = await this.client.get(LEASES, { namespace: this.name, name: 'invar-controller' })
    return lease.spec?.leaseTransitions
  }

  get #class(): string {
    return `example.com/${this.name}`
  }

  #remember(key: string, service: Service): void {
    const address = addressOf(service)
    if (address === undefined) return
    const seen = this.#history.get(key) ?? []
    if (seen.at(-1) !== address) this.#history.set(key, [...seen, address])
  }

  /** Goes on trying while the API server is away. */
  async #createOne(name: string): Promise<void> {
    const spec = {
      ...{ type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }] },
      ...{ loadBalancerClass: this.#class, allocateLoadBalancerNodePorts: false },
    }
    while (true) {
      try {
        await this.client.create(SERVICES, { metadata: { name, namespace: this.name }, spec }, { timeoutMs: 10_000 })
        return
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // The answer to an earlier attempt was lost.
        if (error.kind === 'conflict') return
        await during(50)
      }
    }
  }
}

function addressOf({ status }: Service): string | undefined {
  return status?.loadBalancer?.ingress?.[0]?.ip
}

function during(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** What anybody may do to a Service: its version moves on. */
async function bump(world: World, name: string, count: number): Promise<void> {
  await world.client.patch(
    SERVICES,
    { namespace: world.name, name },
    { metadata: { labels: { count: String(count) } } },
  )
}

/** Flags of Node under which each SIGUSR2 sets the program's wall clock by the next of these steps. */
function withClockSteps(stepsMs: readonly number[]): readonly string[] {
  const url = pathToFileURL(join(import.meta.dirname, '..', 'testkit', 'stepped-clock.ts'))
  return [`--import=${url}?steps=${stepsMs.join(',')}`]
}

/** A kubeconfig of the cluster admin that leads through a proxy. */
function kubeconfigThrough(proxy: TcpProxy, name: string): string {
  const path = join(plane.directory, `${name}.kubeconfig`)
  writeFileSync(path, readFileSync(plane.kubeconfig, 'utf8').replace(plane.url, proxy.url))
  return path
}

interface AuditedWrite {
  readonly resource: string
  readonly code: number
}

describe('while others write', { concurrency: true, timeout: TIMEOUT_MS }, () => {
  test('a second writer changes Services under the controller: conflicts are decided anew', async (t) => {
    const world = await World.make(t, 'conflicts', '10.1.0.0/24')
    const controller = await world.controller()
    await controller.elected()
    let isOver = false
    const secondWriter = async () => {
      for (let count = 0; !isOver; count++) {
        for (const { metadata } of world.all) await bump(world, metadata.name, count)
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
    const world = await World.make(t, 'late', '10.9.0.0/24')
    await using proxy = await TcpProxy.start(plane.url)
    const controller = await world.controller(kubeconfigThrough(proxy, 'late'))
    await controller.elected()
    await world.create(0, 10)
    await world.served(10)
    // What the controller reads is 200 ms old, and its writes take as long: a second writer is always faster.
    proxy.delay(200)
    let isOver = false
    const secondWriter = (async () => {
      for (let count = 0; !isOver; count++) {
        await Promise.all(world.all.map(({ metadata }) => bump(world, metadata.name, count)))
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
    const world = await World.make(t, 'wiped', '10.2.0.0/24')
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
    const world = await World.make(t, 'at-once', '10.3.0.0/24')
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

  test('the leader is killed while it gives out: another adopts first, then goes on', async (t) => {
    const world = await World.make(t, 'killed', '10.4.0.0/16')
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
    const world = await World.make(t, 'frozen', '10.5.0.0/16')
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
    const world = await World.make(t, 'clock', '10.10.0.0/24')
    const hourMs = 3_600_000
    const leader = await world.controller(undefined, withClockSteps([hourMs, -2 * hourMs]))
    await leader.elected()
    const follower = await world.controller(undefined, withClockSteps([hourMs, -2 * hourMs]))
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

describe('while the way to the API server breaks', { timeout: 3 * TIMEOUT_MS + CUTTING_MS }, () => {
  test('watches and requests are cut at random under churn', async (t) => {
    const world = await World.make(t, 'cut', '10.6.0.0/16')
    await using proxy = await TcpProxy.start(plane.url)
    const controller = await world.controller(kubeconfigThrough(proxy, 'cut'))
    await controller.elected()
    proxy.cutAfter(() => 5_000 + Math.floor(systemRandom() * 60_000))
    const until = performance.now() + CUTTING_MS
    let turn = 0
    for (; performance.now() < until; turn++) {
      await world.create(turn * 40, turn * 40 + 40)
      // What is deleted frees its address while the controller may not hear of it.
      const [from, to] = [Math.max(0, turn - 3) * 40, turn * 40 + 10]
      for (let index = from; index < to; index++) await world.remove(`s${index}`)
      if (turn % 2 === 0) proxy.cutAll()
      await during(300)
    }
    const left = world.all.length
    const { cuts } = proxy
    proxy.cutAfter(() => Number.POSITIVE_INFINITY)
    await world.served(left)
    await world.calm()
    await world.assertSound(left, '10.6.')
    assert.ok(cuts > 5)
    t.diagnostic(`${cuts} connections were cut in ${CUTTING_MS / 1_000} s; ${turn * 40} Services came, ${left} stayed`)
  })

  test('etcd stands still for 500 ms again and again: nothing is given twice, nothing is lost', async (t) => {
    const world = await World.make(t, 'slow', '10.7.0.0/24')
    const controller = await world.controller()
    await controller.elected()
    let isOver = false
    const halting = (async () => {
      while (!isOver) {
        await plane.kill('etcd', 'SIGSTOP')
        await during(500)
        await plane.kill('etcd', 'SIGCONT')
        await during(100)
      }
    })()
    await world.create(0, 100)
    await world.served(100)
    isOver = true
    await halting
    await world.calm()
    await world.assertSound(100, '10.7.0.')
    assert.equal(await controller.metric('invar_controller_leader'), 1)
  })

  test('kube-apiserver killed while 500 Services wait for addresses', async (t) => {
    const world = await World.make(t, 'outage', '10.8.0.0/16')
    const controller = await world.controller()
    await controller.elected()
    const creating = world.create(0, 500)
    await world.until(() => world.all.filter((service) => addressOf(service) !== undefined).length > 100)
    const given = [...world.addresses].filter(([, address]) => address !== undefined)
    await plane.kill('kube-apiserver', 'SIGKILL')
    assert.ok(await controller.isLive(), 'without an API server its loops turn')
    await plane.restart('kube-apiserver')
    await creating
    await world.served(500)
    await world.calm()
    await world.assertSound(500, '10.8.')
    assert.ok(given.length < 500)
    for (const [name, address] of given) assert.equal(world.addresses.get(name), address)
    assert.ok(controller.isRunning)
  })
})
