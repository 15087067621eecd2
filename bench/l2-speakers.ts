/**
 * What the benches of whole speakers share: a real API server with thousands of Services that have addresses, and three
 * speakers as the image ships them, each on a host of its own on one LAN. Everything is written into etcd at once; no
 * controller runs.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BUNDLES, bundle, SPEAKER_LAUNCH } from '../build/bundle.ts'
import { buildAddon } from '../native/build.ts'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { openWorkplace, type Workplace } from '../testkit/leftovers.ts'
import { createLan, type Lan } from '../testkit/netns.ts'
import { type Program, startProgram } from '../testkit/program.ts'
import { type Stored, writeToEtcd } from './alloc-seed.ts'

export type Progress = (text: string) => void

/** What the issue asks for; fewer make a quick look on a busy machine. */
export const SERVICE_COUNT = Number(process.env.INVAR_BENCH_SERVICES ?? 10_000)
export const SPEAKERS = ['s1', 's2', 's3']

const NAMESPACE = 'metallb-system'
const PLANE_ADDRESS = '10.99.0.250'
const FIRST_ADDRESS = parseAddress('10.100.0.0')!.bits
const WRITES_AT_ONCE = 120
/** As the launcher and the image set it. */
const LAUNCHED = { ...SPEAKER_LAUNCH.environment, NODE_ENV: 'production' }
/** No speaker has written for so long: all is said. */
const QUIET_MS = 5_000
const SETTLE_LIMIT_MS = 600_000

type Json = { readonly metadata: Record<string, unknown> } & Record<string, unknown>

export class SpeakerCluster implements AsyncDisposable {
  readonly plane: ControlPlane
  readonly #lan: Lan
  readonly #workplace: Workplace
  readonly #speakers: Program[] = []

  private constructor(plane: ControlPlane, lan: Lan) {
    this.plane = plane
    this.#lan = lan
    this.#workplace = openWorkplace('speakers')
  }

  /** API server, CRDs, pool, nodes, key, Services and their endpoints; no speaker yet. */
  static async start(progress: Progress, services = SERVICE_COUNT): Promise<SpeakerCluster> {
    progress('starting etcd and kube-apiserver')
    await bundle()
    const hosts = SPEAKERS.map((name, index) => ({ name, addresses: [`${addressOf(index)}/16`] }))
    const lan = createLan([{ name: 'cp', addresses: [`${PLANE_ADDRESS}/16`] }, ...hosts])
    const network = { namespace: lan.host('cp').path, address: PLANE_ADDRESS, port: 6443 }
    const plane = await startControlPlane({ auditLog: true, network })
    const cluster = new SpeakerCluster(plane, lan)
    plane.kubectl(['create', 'namespace', NAMESPACE])
    plane.kubectl(['apply', '--server-side', '-k', join(import.meta.dirname, '..', 'crds')])
    plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
    plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: configuration() }))
    for (const [index, name] of SPEAKERS.entries()) {
      const status = { addresses: [{ type: 'InternalIP', address: addressOf(index) }] }
      plane.kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
    }
    progress(`${services} Services with addresses and endpoints go into etcd`)
    await seedAnnounced(plane, 0, services)
    return cluster
  }

  /** Starts a speaker on each host; `nodeFlags` go to the runtime. */
  startSpeakers(nodeFlags: readonly string[] = []): void {
    const addon = buildAddon()
    for (const name of SPEAKERS) {
      const flags = {
        'node-name': name,
        namespace: NAMESPACE,
        'ml-secret-name': 'memberlist',
        kubeconfig: this.plane.kubeconfig,
        'exclude-interfaces-file': join(this.#workplace.directory, 'none.yaml'),
        'state-file': join(this.#workplace.directory, `${name}.state`),
        'local-socket': join(this.#workplace.directory, `${name}.sock`),
      }
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
      const main = join(BUNDLES, 'speaker', 'main.js')
      this.#speakers.push(
        startProgram(this.#workplace, {
          name,
          command: process.execPath,
          args: [...SPEAKER_LAUNCH.nodeFlags, ...nodeFlags, main, ...args],
          environment: { ...process.env, ...LAUNCHED, INVAR_NATIVE: addon, METALLB_POD_NAME: '' },
          namespace: this.#lan.host(name).path,
        }),
      )
    }
  }

  get pids(): readonly number[] {
    return this.#speakers.map(({ pid }) => pid)
  }

  /** Resolves when there is a report for every Service and the speakers have ceased to write. */
  async settled(services = SERVICE_COUNT): Promise<void> {
    const limit = AbortSignal.timeout(SETTLE_LIMIT_MS)
    for (let before = -1; ; ) {
      limit.throwIfAborted()
      const dead = this.#speakers.find((speaker) => !speaker.isRunning())
      if (dead !== undefined) throw new Error(`${dead.name} ended:\n${dead.lastLines()}`)
      const now = this.writes().length
      if (now === before && now >= services) return
      before = now
      await delay(QUIET_MS)
    }
  }

  /** Requests of the speakers that changed something or tried to. */
  writes(): readonly string[] {
    return readFileSync(this.plane.auditLogPath, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"stage":"ResponseComplete"') && line.includes('"userAgent":"invar-speaker'))
      .map((line) => JSON.parse(line) as { verb: string; requestURI: string })
      .filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
      .map(({ verb, requestURI }) => `${verb} ${requestURI}`)
  }

  lastLines(index: number): string {
    return this.#speakers[index]!.lastLines()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#speakers.map((speaker) => speaker.stop()))
    await this.plane.stop()
    this.#workplace.clear()
    this.#lan.close()
  }
}

/** Services number `from` to `to` - 1, with addresses and endpoints, written into etcd as the API server stores them. */
export async function seedAnnounced(plane: ControlPlane, from: number, to: number): Promise<void> {
  const templates = madeByTheServer(plane)
  const writes: Stored[] = []
  for (let index = from; index < to; index++) writes.push(...copiesOf(templates, index))
  for (let at = 0; at < writes.length; at += WRITES_AT_ONCE) {
    await writeToEtcd(plane, writes.slice(at, at + WRITES_AT_ONCE))
  }
}

/** A Service and its EndpointSlice, with defaults and managed fields; both are deleted again. */
function madeByTheServer(plane: ControlPlane): readonly [Json, Json] {
  const items = [serviceOf('template'), sliceOf('template')]
  plane.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const read = (resource: string) =>
    JSON.parse(plane.kubectl(['get', resource, 'template', '-o', 'json', '--show-managed-fields'])) as Json
  const templates = [read('service'), read('endpointslice')] as const
  plane.kubectl(['delete', 'service/template', 'endpointslice/template'])
  return templates
}

function addressOf(index: number): string {
  return `10.99.0.${index + 1}`
}

function configuration(): readonly object[] {
  const secretkey = randomBytes(128).toString('base64')
  const apiVersion = 'metallb.io/v1beta1'
  const metadata = { name: 'bench', namespace: NAMESPACE }
  return [
    { apiVersion, kind: 'IPAddressPool', metadata, spec: { addresses: ['10.100.0.0/16'] } },
    { apiVersion, kind: 'L2Advertisement', metadata },
    { apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, name: 'memberlist' }, data: { secretkey } },
    ...SPEAKERS.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
  ]
}

function serviceOf(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels: { 'app.kubernetes.io/name': name } },
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      selector: { app: name },
      ports: [
        { name: 'http', port: 80 },
        { name: 'https', port: 443 },
      ],
    },
  }
}

function sliceOf(name: string): object {
  const conditions = { ready: true, serving: true, terminating: false }
  const targetRef = { kind: 'Pod', namespace: 'default', name: `${name}-7d4b9c`, uid: crypto.randomUUID() }
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: ['10.244.1.7', '10.244.2.9'].map((address, index) => ({
      ...{ addresses: [address], conditions, targetRef, nodeName: SPEAKERS[index] },
    })),
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  }
}

function copiesOf([service, slice]: readonly [Json, Json], index: number): readonly Stored[] {
  const name = `service-${index}`
  const labels = { 'app.kubernetes.io/name': name }
  const host = index + 1_024
  const clusterIP = `10.96.${host >> 8}.${host & 255}`
  const spec = { ...(service.spec as object), selector: { app: name }, clusterIP, clusterIPs: [clusterIP] }
  const ip = formatAddress({ family: 4, bits: FIRST_ADDRESS + BigInt(index) })
  const status = { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } }
  return [
    {
      key: `/registry/services/specs/default/${name}`,
      value: { ...service, metadata: metadataOf(service, { name, labels }), spec, status },
    },
    {
      key: `/registry/endpointslices/default/${name}`,
      value: { ...slice, metadata: metadataOf(slice, { name, labels: { 'kubernetes.io/service-name': name } }) },
    },
  ]
}

function metadataOf({ metadata }: Json, own: object): object {
  const { resourceVersion: _, ...rest } = metadata
  return { ...rest, uid: crypto.randomUUID(), ...own }
}
