/**
 * Invar as it is shipped: deploy/ on an API server that writes down every request, controllers and speakers as processes
 * with the flags and the rights of their Pods and tokens bound to them; a router, and a stranger on the segment.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { MANIFESTS } from '../../build/manifests.ts'
import { buildAddon } from '../../native/build.ts'
import type { KubernetesObject } from '../../operator/index.ts'
import { kubeconfigOfPod } from '../../testkit/account-token.ts'
import { toolPath, toolsEnvironment } from '../../testkit/cluster/tools.ts'
import { type ControlPlane, startControlPlane } from '../../testkit/controlplane.ts'
import { eventually } from '../../testkit/eventually.ts'
import { openWorkplace, type Workplace } from '../../testkit/leftovers.ts'
import { createLan, type Lan } from '../../testkit/netns.ts'
import { type Program, startProgram } from '../../testkit/program.ts'
import { type Router, type RouterOptions, startRouter } from '../../testkit/routers/index.ts'

const ROOT = join(import.meta.dirname, '..', '..')
export const NAMESPACE = 'metallb-system'
/** Four processes of ours and seven of others share the machine with whatever else it does. */
export const PATIENCE_MS = 60_000

/** Hosts on the LAN, by the last octet of their address. */
const HOSTS = { alpha: 1, beta: 2, one: 11, two: 12, stranger: 66, cp: 250, router: 254 } as const
export type HostName = keyof typeof HOSTS
export type NodeName = 'alpha' | 'beta'
export const NODES: readonly NodeName[] = ['alpha', 'beta']
export type ControllerName = 'one' | 'two'

export function addressOf(host: HostName): string {
  return inLan(HOSTS[host])
}

export function inLan(octet: number): string {
  return `192.0.2.${octet}`
}

export type Component = 'controller' | 'speaker'

interface Workload extends KubernetesObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly args: readonly string[]
          readonly env: readonly { readonly name: string; readonly value?: string }[]
        }[]
      }
    }
  }
}

/** The objects of a rendered chart, or of the plain manifests. */
export function objectsIn(manifests: string): readonly KubernetesObject[] {
  return parseAllDocuments(manifests).map((document) => document.toJS() as KubernetesObject)
}

export const SHIPPED = objectsIn(readFileSync(MANIFESTS, 'utf8'))

export class Installation {
  readonly lan: Lan
  readonly plane: ControlPlane
  readonly #workplace: Workplace
  readonly #programs = new Map<string, Program>()
  /** Where the log of each process that there was lies. */
  readonly #logs: string[] = []
  #router: Router | undefined

  private constructor(lan: Lan, plane: ControlPlane) {
    this.lan = lan
    this.plane = plane
    this.#workplace = openWorkplace('life')
  }

  /** The manifests are applied; nothing runs yet. */
  static async prepare(): Promise<Installation> {
    const names = Object.keys(HOSTS) as HostName[]
    const lan = createLan(names.map((name) => ({ name, addresses: [`${addressOf(name)}/24`] })))
    const network = { namespace: lan.host('cp').path, address: addressOf('cp'), port: 6443 }
    // Webhooks are called at the endpoints of their Service: there is no kube-proxy for its cluster address.
    const flags = { 'kube-apiserver': ['--enable-aggregator-routing=true'] }
    const plane = await startControlPlane({ network, auditLog: true, flags })
    const installation = new Installation(lan, plane)
    plane.kubectl(['apply', '--server-side', '-k', join(MANIFESTS, '..')])
    plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
    installation.#addNodes()
    return installation
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.stop()))
    await this.#router?.stop()
    await this.plane.stop()
    this.#workplace.clear()
    this.lan.close()
  }

  /** As `kubectl apply`. */
  apply(...items: readonly object[]): void {
    this.plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  }

  /** The objects that `kubectl get` finds, in our namespace unless said otherwise. */
  // biome-ignore lint/suspicious/noExplicitAny: what kubectl prints
  list(kind: string, ...selection: readonly string[]): any[] {
    return JSON.parse(this.plane.kubectl(['get', kind, '-n', NAMESPACE, '-o', 'json', ...selection])).items
  }

  async startController(name: ControllerName, ...flags: readonly string[]): Promise<void> {
    // One Pod a life: a name is used again where the mode changes.
    const pod = `controller-${name}-${this.#logs.length}`
    this.#start('controller', name, pod, flags)
    await this.#ready(name, addressOf(name))
  }

  async startSpeaker(node: NodeName): Promise<void> {
    mkdirSync(this.#stateOf(node), { recursive: true })
    const excluded = join(this.#stateOf(node), 'excludel2.yaml')
    writeFileSync(excluded, shippedExcludeFile())
    const files = [`--state-file=${this.#stateOf(node)}/state`, `--local-socket=${this.socketOf(node)}`]
    const pod = `speaker-${node}-${this.#logs.length}`
    this.#start('speaker', node, pod, [...files, `--exclude-interfaces-file=${excluded}`])
    await this.#ready(node, '127.0.0.1')
  }

  async end(host: HostName, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const program = this.#programs.get(host)!
    program.signal(signal)
    await program.exited
  }

  async startRouter(options: Omit<RouterOptions, 'namespace'>): Promise<Router> {
    this.#router = await startRouter('bird', { ...options, namespace: this.lan.host('router') })
    return this.#router
  }

  socketOf(node: NodeName): string {
    return join(this.#stateOf(node), 'speaker.sock')
  }

  /** Asks with curl, from that host. @returns the body; throws where the answer is no success */
  fetch(from: HostName, ...request: readonly string[]): string {
    const command = [`--net=${this.lan.host(from).path}`, '--', toolPath('curl')!, '-sSfk', '-m', '10', ...request]
    return execFileSync('nsenter', command, { encoding: 'utf8', stdio: 'pipe', env: toolsEnvironment() })
  }

  /** An account that may read the metrics, as Prometheus' has it. @returns its token */
  addScraper(): string {
    this.plane.kubectl(['create', 'serviceaccount', 'prometheus'])
    this.plane.kubectl(['create', 'clusterrole', 'scraper', '--verb=get', '--non-resource-url=/metrics'])
    const account = '--serviceaccount=default:prometheus'
    this.plane.kubectl(['create', 'clusterrolebinding', 'scraper', '--clusterrole=scraper', account])
    return this.plane.kubectl(['create', 'token', 'prometheus']).trim()
  }

  /** The metrics of the program on that host, over HTTPS. */
  scrape(host: NodeName | ControllerName, token: string): string {
    return this.fetch('stranger', '-H', `Authorization: Bearer ${token}`, `https://${addressOf(host)}:9120/metrics`)
  }

  /** Runs a command of the shipped image in a Pod of that account. @returns what it printed */
  invarctl(serviceAccount: string, ...args: readonly string[]): string {
    const pod = `invarctl-${this.#logs.length}`
    const identity = { namespace: NAMESPACE, serviceAccount, pod, node: 'alpha' }
    const env = { ...process.env, KUBECONFIG: kubeconfigOfPod(this.plane, identity) }
    const command = [`--net=${this.lan.host('stranger').path}`, '--', process.execPath, join(ROOT, 'cli', 'main.ts')]
    return execFileSync('nsenter', [...command, ...args], { encoding: 'utf8', stdio: 'pipe', env })
  }

  /** What all our processes have printed so far. */
  logs(): string {
    return this.#logs.map((path) => readFileSync(path, 'utf8')).join('')
  }

  /** The end of each log, for the message of a failed test. */
  story(): string {
    return [...this.#programs].map(([host, program]) => `${host}:\n${program.lastLines(15)}`).join('\n')
  }

  #start(component: Component, host: NodeName | ControllerName, pod: string, flags: readonly string[]): void {
    const node = component === 'speaker' ? host : 'alpha'
    const owner = component === 'speaker' ? { owner: 'daemonset/speaker' } : {}
    const identity = { namespace: NAMESPACE, serviceAccount: component, pod, node, ...owner }
    const { args, env } = shippedContainer(component)
    const given = [...args, ...flags, '--log-level=all', `--kubeconfig=${kubeconfigOfPod(this.plane, identity)}`]
    const variables = Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
    const program = startProgram(this.#workplace, {
      name: pod,
      command: process.execPath,
      args: [join(ROOT, component, 'main.ts'), ...given],
      environment: {
        ...{ ...process.env, INVAR_NATIVE: buildAddon(), ...variables },
        ...{ METALLB_NAMESPACE: NAMESPACE, METALLB_POD_NAME: pod, METALLB_NODE_NAME: node },
      },
      namespace: this.lan.host(host).path,
    })
    this.#programs.set(host, program)
    this.#logs.push(program.logPath)
  }

  async #ready(host: NodeName | ControllerName, address: string): Promise<void> {
    await eventually(() => {
      if (!this.#programs.get(host)!.isRunning()) throw new Error(`it ended:\n${this.story()}`)
      this.fetch(host, `http://${address}:17472/readyz`)
    }, PATIENCE_MS)
  }

  #stateOf(node: NodeName): string {
    return join(this.#workplace.directory, node)
  }

  #addNodes(): void {
    this.apply(...NODES.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })))
    for (const name of NODES) {
      const status = JSON.stringify({ status: { addresses: [{ type: 'InternalIP', address: addressOf(name) }] } })
      this.plane.kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', status])
    }
  }
}

function shippedContainer(component: Component) {
  const workload = SHIPPED.find(({ kind, metadata }) => {
    return (kind === 'Deployment' || kind === 'DaemonSet') && metadata.labels?.component === component
  }) as Workload
  const [container] = workload.spec.template.spec.containers
  // The first word tells the image which program to run.
  return { args: container!.args.slice(1), env: container!.env }
}

function shippedExcludeFile(): string {
  const found = SHIPPED.find(({ metadata }) => metadata.name === 'metallb-excludel2') as {
    data?: Record<string, string>
  }
  return found.data!['excludel2.yaml']!
}
