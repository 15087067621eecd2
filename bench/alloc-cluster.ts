/**
 * What the benches of allocation share: a real API server with many Services, the controller beside it as the image
 * ships it, and bare requests that are the yardsticks.
 */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BUNDLES, bundle, CONTROLLER_LAUNCH } from '../build/bundle.ts'
import { Client, SERVICES, type Service } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { ControllerProcess, valuesOf } from '../testkit/controller-process.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'

export type Progress = (text: string) => void

/** What the issue asks for; fewer make a quick look on a busy machine. */
export const SERVICE_COUNT = Number(process.env.INVAR_BENCH_SERVICES ?? 10_000)

export const NAMESPACE = 'metallb-system'
/** As many as the controller has writes in flight. */
export const CONNECTIONS = 40
const POOL = '172.16.0.0/12'
const CREATE_CONNECTIONS = 48
/** What the controller counts of requests that it has sent. */
const ANSWERED = 'invar_api_request_duration_seconds_count'
/** Asking how far it is costs the controller time: the next look comes when half of the rest may be done. */
const LOOK_MS = { least: 20, most: 1_000 } as const

export interface AllocationCluster extends AsyncDisposable {
  readonly plane: ControlPlane
  readonly client: Client
  readonly bare: BareClient
  /** Starts the bundled controller; it is not ready yet. */
  startController(nodeFlags?: readonly string[]): Promise<ControllerProcess>
}

/** etcd and kube-apiserver with the CRDs and one large pool. */
export async function startAllocationCluster(
  progress: Progress,
  options: { readonly auditLog?: boolean } = {},
): Promise<AllocationCluster> {
  progress('starting etcd and kube-apiserver')
  await bundle()
  const plane = await startControlPlane({ ...options })
  plane.kubectl(['create', 'namespace', NAMESPACE])
  plane.kubectl(['apply', '--server-side', '-k', join(import.meta.dirname, '..', 'crds')])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  plane.kubectl(['apply', '-f', '-'], poolManifest())
  const source = { kind: 'file', path: plane.kubeconfig } as const
  const client = new Client({ source, clock: systemClock, userAgent: 'bench', maxConnections: CREATE_CONNECTIONS })
  const bare = new BareClient(plane)
  return {
    ...{ plane, client, bare },
    startController: (nodeFlags = []) =>
      ControllerProcess.start(plane, {
        namespace: NAMESPACE,
        webhook: true,
        main: join(BUNDLES, 'controller', 'main.js'),
        nodeFlags: [...CONTROLLER_LAUNCH.nodeFlags, ...nodeFlags],
        environment: { ...CONTROLLER_LAUNCH.environment, NODE_ENV: 'production' },
      }),
    async [Symbol.asyncDispose]() {
      client.close()
      bare.close()
      await plane.stop()
    },
  }
}

function poolManifest(): string {
  const metadata = { name: 'bench', namespace: NAMESPACE }
  const spec = { addresses: [POOL] }
  return JSON.stringify({ apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata, spec })
}

export function serviceName(index: number): string {
  return `service-${index}`
}

/** A Service as people write them; without node ports, of which a cluster has 2,768. */
export function serviceOf(name: string, spec: Partial<NonNullable<Service['spec']>> = {}): Service {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'https', port: 443 },
  ]
  const allocateLoadBalancerNodePorts = { allocateLoadBalancerNodePorts: false }
  return {
    metadata: { name, namespace: 'default', labels: { 'app.kubernetes.io/name': name } },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports, ...allocateLoadBalancerNodePorts, ...spec },
  }
}

/** Runs `work` for 0 to count - 1, so many at once. */
export async function inParallel(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Creates Services number `from` to `to` - 1. */
export async function createServices({ client }: AllocationCluster, from: number, to: number): Promise<void> {
  await inParallel(to - from, CREATE_CONNECTIONS, (index) =>
    client.create(SERVICES, serviceOf(serviceName(from + index))),
  )
}

/** Starts a controller and waits until it has given addresses to all Services; events may trail. */
export async function assignAll(cluster: AllocationCluster, count: number): Promise<ControllerProcess> {
  const controller = await cluster.startController()
  await statusesWritten(controller, count)
  assertAllDiffer(await shownAddresses(cluster), count)
  return controller
}

/** Resolves when the controller has written so many statuses of Services since its start. @returns when that was seen */
export async function statusesWritten(controller: ControllerProcess, count: number): Promise<number> {
  const labels = ['resource="services/status"', 'code="200"']
  const startedAt = performance.now()
  while (true) {
    const done = (await controller.metric(ANSWERED, labels)) ?? 0
    if (done >= count) return performance.now()
    if (!controller.isRunning) throw new Error(`the controller has ended:\n${controller.lastLines()}`)
    const restMs = done === 0 ? 0 : ((performance.now() - startedAt) / done) * (count - done)
    await delay(Math.min(LOOK_MS.most, Math.max(LOOK_MS.least, restMs / 2)))
  }
}

/**
 * Resolves when the controller has sent no request for two seconds but for its Lease, and for events: of those it writes
 * no more than a few a second, and ten thousand trail for minutes. @returns events that it has written so far
 */
export async function quiet(controller: ControllerProcess): Promise<number> {
  const answered = async () => {
    const all = await controller.metric(ANSWERED)
    const events = await eventsWritten(controller)
    return { events, others: all === undefined ? undefined : all - events }
  }
  let [before, since] = [await answered(), performance.now()]
  while (performance.now() - since < 2_000) {
    await delay(200)
    const now = await answered()
    if (now.others !== before.others) since = performance.now()
    before = now
  }
  return before.events
}

/** Events that the controller has written since its start. */
export async function eventsWritten(controller: ControllerProcess): Promise<number> {
  return (await controller.metric(ANSWERED, ['resource="events"'])) ?? 0
}

/** The first address that each Service shows, by name. */
export async function shownAddresses({ client }: AllocationCluster): Promise<Map<string, string | undefined>> {
  const { items } = await client.list(SERVICES, { namespace: 'default', timeoutMs: 60_000 })
  const loadBalancers = items.filter(({ spec }) => spec?.type === 'LoadBalancer')
  return new Map(loadBalancers.map(({ metadata, status }) => [metadata.name, status?.loadBalancer?.ingress?.[0]?.ip]))
}

/** @throws where a Service has no address, or two have the same */
export function assertAllDiffer(addresses: ReadonlyMap<string, string | undefined>, count: number): void {
  const given = new Set([...addresses.values()].filter((address) => address !== undefined))
  if (addresses.size !== count || given.size !== count) {
    throw new Error(`${given.size} different addresses for ${addresses.size} Services; ${count} were made`)
  }
}

/** Requests of the controller, its Lease apart, that changed something or tried to. */
export function auditedWrites(plane: ControlPlane): readonly string[] {
  return readFileSync(plane.auditLogPath, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line.includes('"stage":"ResponseComplete"') && line.includes('"userAgent":"invar-controller'))
    .map((line) => JSON.parse(line) as { verb: string; requestURI: string; objectRef?: { resource: string } })
    .filter(({ verb, objectRef }) => !['get', 'list', 'watch'].includes(verb) && objectRef?.resource !== 'leases')
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`)
}

/** The API server's own count of requests that it has answered, by verb, resource and subresource. */
export async function answeredRequests(
  { bare }: AllocationCluster,
  verb: string,
  resource: string,
  subresource: string,
): Promise<number> {
  const page = await bare.send('GET', '/metrics')
  const labels = [`verb="${verb}"`, `resource="${resource}"`, `subresource="${subresource}"`]
  return valuesOf(page.toString('utf8'), 'apiserver_request_total', labels).reduce((sum, value) => sum + value, 0)
}

/** Nothing but requests on kept connections: what a client costs at least. */
export class BareClient {
  readonly #agent: Agent
  readonly #url: string

  constructor(plane: ControlPlane) {
    this.#url = plane.url
    const { ca, certificate, key } = plane.files
    const [caPem, certificatePem, keyPem] = [ca, certificate, key].map((path) => readFileSync(path))
    const tls = { ca: caPem, cert: certificatePem, key: keyPem }
    this.#agent = new Agent({ ...tls, keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS })
  }

  send(method: 'GET' | 'PATCH', path: string, body?: object): Promise<Buffer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const type = { 'content-type': 'application/merge-patch+json', 'content-length': Buffer.byteLength(text ?? '') }
    const headers = text === undefined ? {} : type
    return new Promise((resolve, reject) => {
      const call = request(`${this.#url}${path}`, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answer = Buffer.concat(chunks)
          const { statusCode = 0 } = response
          if (statusCode < 300) resolve(answer)
          else reject(new Error(`${method} ${path}: ${statusCode} ${answer.toString('utf8', 0, 500)}`))
        })
      })
      call.on('error', reject)
      call.end(text)
    })
  }

  patchStatus(name: string, status: object): Promise<Buffer> {
    return this.patchService(name, { status })
  }

  /** @param patch of the status, and of what the API server takes together with it */
  patchService(name: string, patch: object): Promise<Buffer> {
    return this.send('PATCH', `/api/v1/namespaces/default/services/${name}/status`, patch)
  }

  close(): void {
    this.#agent.destroy()
  }
}
