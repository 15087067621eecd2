/**
 * The controller as a process of its own against a control plane, for tests that kill, freeze and measure it. It dies
 * with the process that started it.
 */
import { existsSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ControlPlane, freePort } from './controlplane.ts'
import { openWorkplace, type Workplace } from './leftovers.ts'
import { type Program, startProgram } from './program.ts'

const ROOT = join(import.meta.dirname, '..')
const SOURCE = join(ROOT, 'controller', 'main.ts')
const READY_LIMIT_MS = 60_000

export interface ControllerProcessOptions {
  readonly namespace: string
  /** Default: the cluster admin's of the control plane. */
  readonly kubeconfig?: string
  readonly loadBalancerClass?: string
  /** Serves the admission webhook too, on a port of its own. Default: no. */
  readonly webhook?: boolean
  /** File to run. Default: the source. */
  readonly main?: string
  /** Flags of Node. */
  readonly nodeFlags?: readonly string[]
  /** Added to that of this process. */
  readonly environment?: Readonly<Record<string, string>>
}

export class ControllerProcess {
  readonly #program: Program
  readonly #workplace: Workplace
  readonly #healthPort: number
  readonly #metricsPort: number
  /** Kept open: a connection for each of a hundred looks a second would be a tenth of what a start takes. */
  readonly #connections = new Agent({ keepAlive: true })

  private constructor(workplace: Workplace, program: Program, healthPort: number, metricsPort: number) {
    this.#workplace = workplace
    this.#program = program
    this.#healthPort = healthPort
    this.#metricsPort = metricsPort
  }

  /** Starts it; it is not ready yet. */
  static async start(plane: ControlPlane, options: ControllerProcessOptions): Promise<ControllerProcess> {
    const main = options.main ?? SOURCE
    if (!existsSync(main)) throw new Error(`${main} is not there`)
    const [healthPort, metricsPort] = [await freePort(), await freePort()]
    const flags = {
      kubeconfig: options.kubeconfig ?? plane.kubeconfig,
      namespace: options.namespace,
      'lb-class': options.loadBalancerClass ?? '',
      'health-probe-port': healthPort,
      port: metricsPort,
      'plain-metrics': true,
      ...(options.webhook
        ? { 'webhook-mode': 'enabled', 'webhook-port': await freePort() }
        : { 'webhook-mode': 'disabled' }),
    }
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
    const workplace = openWorkplace('controller')
    const program = startProgram(workplace, {
      name: 'controller',
      command: process.execPath,
      args: [...(options.nodeFlags ?? []), main, ...args],
      // Outside of the cluster there is no Pod that could own the ConfigurationState, so no name is given either.
      environment: { ...process.env, ...options.environment, METALLB_POD_NAME: '', METALLB_NAMESPACE: '' },
    })
    return new ControllerProcess(workplace, program, healthPort, metricsPort)
  }

  get pid(): number {
    return this.#program.pid
  }

  get isRunning(): boolean {
    return this.#program.isRunning()
  }

  /** Resolves when `/readyz` is 200; throws, with the end of its log, where it ends before that. */
  async ready(): Promise<void> {
    await this.#until('ready', async () => (await this.#page(this.#healthPort, '/readyz'))?.status === 200)
  }

  /** Whether `/healthz` is 200. */
  async isLive(): Promise<boolean> {
    return (await this.#page(this.#healthPort, '/healthz'))?.status === 200
  }

  /** Resolves when it leads. */
  async elected(): Promise<void> {
    await this.#until('elected', async () => (await this.metric('invar_controller_leader')) === 1)
  }

  /** Resolves when it leads, has looked at this many Services, and none waits. */
  async settled(services: number): Promise<void> {
    await this.#until('settled', async () => {
      const page = await this.metrics()
      const [isLeader] = valuesOf(page, 'invar_controller_leader')
      const [depth] = valuesOf(page, 'invar_controller_queue_depth')
      const [looked = 0] = valuesOf(page, 'invar_reconcile_queue_seconds_count')
      return isLeader === 1 && depth === 0 && looked >= services
    })
  }

  /** The metrics page; empty while it does not answer. */
  async metrics(): Promise<string> {
    return (await this.#page(this.#metricsPort, '/metrics'))?.body ?? ''
  }

  /** The sum of a metric over its series that match the labels as they are printed (`code="200"`). */
  async metric(name: string, labels: readonly string[] = []): Promise<number | undefined> {
    const values = valuesOf(await this.metrics(), name, labels)
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
  }

  signal(signal: NodeJS.Signals): void {
    this.#program.signal(signal)
  }

  /** Sends a signal that ends it, and waits for the end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#program.signal(signal)
    await this.#program.exited
  }

  /** Ends it in order and removes what it left. */
  async stop(): Promise<void> {
    this.#connections.destroy()
    await this.#program.stop(10_000)
    this.#workplace.clear()
  }

  lastLines(count?: number): string {
    return this.#program.lastLines(count)
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + READY_LIMIT_MS
    while (!(await holds())) {
      if (!this.isRunning || performance.now() > until) {
        throw new Error(`the controller is not ${what}; the end of its log:\n${this.lastLines()}`)
      }
      await delay(10)
    }
  }

  #page(port: number, path: string): Promise<{ readonly status: number; readonly body: string } | undefined> {
    return new Promise((resolve) => {
      const call = get({ host: '127.0.0.1', port, path, timeout: 5_000, agent: this.#connections }, (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
        response.on('error', () => resolve(undefined))
      })
      call.on('timeout', () => call.destroy())
      call.on('error', () => resolve(undefined))
    })
  }
}

/** Values of the series of a metric, from the text format of Prometheus. */
export function valuesOf(page: string, name: string, labels: readonly string[] = []): number[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter((line) => labels.every((label) => line.includes(label)))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)))
}
