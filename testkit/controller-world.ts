/**
 * Controllers as processes on a real API server, with Services and a pool of their own: what tests of faults do to
 * them, and what has to hold in the end.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as during } from 'node:timers/promises'
import {
  ApiError,
  Client,
  Informer,
  IP_ADDRESS_POOLS,
  NAMESPACES,
  SERVICES,
  type Service,
  unless,
} from '../operator/index.ts'
import { LEASES } from '../operator/resources.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { ControllerProcess, type ControllerProcessOptions } from './controller-process.ts'
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './controlplane.ts'
import { pool } from './resources.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** The API server creates Services one after the other, each for as long as etcd takes to answer. */
const CREATE_LIMIT_MS = 30_000

/** A control plane that knows the custom resources and writes down every request. */
export async function startAuditedPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const plane = await startControlPlane({ auditLog: true, ...options })
  // Not blocking this process: a proxy of the caller's may stand before etcd.
  await plane.startKubectl(['apply', '--server-side', '-k', 'crds'])
  await plane.startKubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  return plane
}

/** A kubeconfig of the cluster admin that leads through a proxy. */
export function kubeconfigThrough(proxy: TcpProxy, plane: ControlPlane, name: string): string {
  const path = join(plane.directory, `${name}.kubeconfig`)
  writeFileSync(path, readFileSync(plane.kubeconfig, 'utf8').replace(plane.url, proxy.url))
  return path
}

export interface AuditedWrite {
  readonly resource: string
  readonly code: number
}

/** What is read of an entry of the audit log. */
interface AuditedRequest {
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: { readonly resource: string; readonly namespace?: string }
  readonly responseStatus: { readonly code: number }
}

/**
 * One test's part of a cluster: a namespace, a load balancer class, Services and a pool that only its controllers serve,
 * and thereby a Lease of its own.
 */
export class ControllerWorld {
  readonly name: string
  readonly client: Client
  readonly #t: TestContext
  readonly #plane: ControlPlane
  readonly #services: Informer<Service>
  /** Every address that a Service was ever seen with, in order. */
  readonly #history = new Map<string, string[]>()
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

  /** @param prefix addresses of its pool, which no other world on this control plane may have */
  static async make(t: TestContext, plane: ControlPlane, name: string, prefix: string): Promise<ControllerWorld> {
    const world = new ControllerWorld(t, name, plane)
    await world.client.create(NAMESPACES, { metadata: { name } })
    const lan = pool('lan', { addresses: [prefix] }, { namespace: name })
    await world.client.create(IP_ADDRESS_POOLS, { ...lan, metadata: { name: 'lan', namespace: name } })
    world.#services.start()
    await world.#services.whenSynced()
    return world
  }

  private constructor(t: TestContext, name: string, plane: ControlPlane) {
    this.#t = t
    this.name = name
    this.#plane = plane
    const source = { kind: 'file', path: plane.kubeconfig } as const
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

  /** Starts a controller, which does not outlive the test; it is not ready yet. */
  async controller(
    further: Pick<ControllerProcessOptions, 'kubeconfig' | 'nodeFlags'> = {},
  ): Promise<ControllerProcess> {
    const options = { namespace: this.name, loadBalancerClass: this.#class, ...further }
    const controller = await ControllerProcess.start(this.#plane, options)
    this.#t.after(async () => {
      controller.signal('SIGKILL')
      await controller.stop()
    })
    return controller
  }

  /** Creates Services `s${from}` to `s${to - 1}`; resolves when the API server has taken all. */
  async create(from: number, to: number): Promise<void> {
    const balanced = this.#balanced
    await eachOf(from, to, (name) => this.#createOne(name, balanced))
  }

  /** As `create`, but of type ClusterIP: no controller has anything to do with them until `expose`. */
  async prepare(from: number, to: number): Promise<void> {
    await eachOf(from, to, (name) => this.#createOne(name, { type: 'ClusterIP' }))
  }

  /** Makes LoadBalancers of what was prepared. */
  async expose(from: number, to: number): Promise<void> {
    const spec = this.#balanced
    await eachOf(from, to, (name) => this.client.patch(SERVICES, { namespace: this.name, name }, { spec }))
  }

  /** Deletes a Service, and resolves when this world has seen it go. */
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

  /** Anybody may do this to a Service: its version moves on. */
  async bump(name: string, count: number): Promise<void> {
    await this.client.patch(
      SERVICES,
      { namespace: this.name, name },
      { metadata: { labels: { count: String(count) } } },
    )
  }

  /** Writes that the controllers have sent, refused ones included, their Lease apart. */
  get writes(): AuditedWrite[] {
    return this.#audited
      .filter(({ verb, objectRef }) => !['get', 'list', 'watch'].includes(verb) && objectRef?.namespace === this.name)
      .map(({ objectRef, responseStatus }) => ({ resource: objectRef!.resource, code: responseStatus.code }))
      .filter(({ resource }) => resource !== 'leases')
  }

  /** Lists of the Services that a controller has asked for, by the user that its kubeconfig names. */
  serviceLists(user: string): number {
    const isList = ({ verb, objectRef }: AuditedRequest) => verb === 'list' && objectRef?.resource === 'services'
    return this.#audited.filter((request) => isList(request) && request.user.username === user).length
  }

  get conflicts(): number {
    return this.writes.filter(({ code }) => code === 409).length
  }

  /** Resolves when the controllers have written nothing for a while: what was to go wrong has gone wrong. */
  async calm(): Promise<void> {
    for (let before = -1; before !== this.writes.length; await during(700)) before = this.writes.length
  }

  /** How often each leader has been followed by another. */
  async leaseTransitions(): Promise<number | undefined> {
    const lease = await this.client.get(LEASES, { namespace: this.name, name: 'invar-controller' })
    return lease.spec?.leaseTransitions
  }

  /** Requests of all controllers on this control plane that were answered in full. */
  get #audited(): AuditedRequest[] {
    return readFileSync(this.#plane.auditLogPath, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"stage":"ResponseComplete"') && line.includes('"userAgent":"invar-controller'))
      .map((line) => JSON.parse(line))
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

  get #balanced() {
    return { type: 'LoadBalancer', loadBalancerClass: this.#class, allocateLoadBalancerNodePorts: false } as const
  }

  /** Goes on trying while the API server is away. */
  async #createOne(name: string, spec: NonNullable<Service['spec']>): Promise<void> {
    const metadata = { name, namespace: this.name }
    const service = { metadata, spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } }
    while (true) {
      try {
        await this.client.create(SERVICES, service, { timeoutMs: CREATE_LIMIT_MS })
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

/** Sixteen at once. */
async function eachOf(from: number, to: number, work: (name: string) => Promise<unknown>): Promise<void> {
  const names = Array.from({ length: to - from }, (_, index) => `s${from + index}`)
  const each = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) await work(name)
  }
  await Promise.all(Array.from({ length: 16 }, each))
}

/** The address that a Service shows. */
export function addressOf({ status }: Service): string | undefined {
  return status?.loadBalancer?.ingress?.[0]?.ip
}
