/** The ConfigurationState of one program: says in the cluster what is wrong with the configuration. */
import type { Problem } from '../core/config/index.ts'
import {
  type Component,
  configurationStateName,
  configurationStateObject,
  configurationStatus,
} from '../core/status/index.ts'
import type { ConfigurationState } from '../crds/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { unless } from './api-error.ts'
import type { Client, WriteOptions } from './client.ts'
import { CONFIGURATION_STATES, type Stored } from './metallb-resources.ts'
import type { Pending } from './pending.ts'
import { DONE, type Outcome, Reconciler } from './reconcile.ts'
import { type OwnerReference, ownerReferenceTo } from './resource.ts'
import { PODS } from './resources.ts'

export interface ConfigurationStateOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'patch'>
  readonly component: Component
  readonly namespace: string
  /** Own Pod, which owns the object; '' = outside of the cluster. */
  readonly podName: string
  /** Runs a write; for the controller only while it leads. */
  readonly guard: <T>(write: (options: WriteOptions) => Promise<T>) => Promise<T>
  readonly clock: Clock
  readonly random: Random
  readonly onFault: (error: unknown) => void
}

const KEY = 'state'
/** The object is looked at again so often: somebody may have deleted it. */
const LOOK_INTERVAL_MS = 300_000

export class ConfigurationStateWriter {
  readonly #options: ConfigurationStateOptions
  readonly #reconciler: Reconciler
  #problems: readonly Problem[] | undefined

  constructor(options: ConfigurationStateOptions) {
    this.#options = options
    this.#reconciler = new Reconciler({
      clock: options.clock,
      random: options.random,
      concurrency: 1,
      allKeys: () => [KEY],
      reconcile: () => this.#reconcile(),
      onFault: (_, error) => options.onFault(error),
    })
  }

  /** After each compilation. */
  judged(problems: readonly Problem[]): void {
    this.#problems = problems
    this.#reconciler.add(KEY)
  }

  get pending(): Pending | undefined {
    return this.#reconciler.pending
  }

  start(): void {
    this.#reconciler.start()
  }

  stop(): Promise<void> {
    return this.#reconciler.stop()
  }

  async #reconcile(): Promise<Outcome> {
    if (this.#problems === undefined) return DONE
    const { client, component, namespace, guard, clock } = this.#options
    const name = { namespace, name: configurationStateName(component) }
    const present = await unless(['not-found'], client.get(CONFIGURATION_STATES, name))
    const judgement = { kind: 'judged', problems: this.#problems } as const
    const status = configurationStatus(component, judgement, present?.status, clock.wall())
    const again: Outcome = { kind: 'retry', because: 'it may be deleted', afterMs: LOOK_INTERVAL_MS }
    if (present !== undefined && status === undefined) return again
    if (present === undefined) await this.#create()
    await guard((options) =>
      client.patch(CONFIGURATION_STATES, name, { status }, { ...options, subresource: 'status' }),
    )
    return again
  }

  async #create(): Promise<void> {
    const { client, component, namespace, guard } = this.#options
    const object = configurationStateObject(component, namespace, await this.#owner()) as Stored<ConfigurationState>
    await guard((options) => client.create(CONFIGURATION_STATES, object, options))
  }

  async #owner(): Promise<OwnerReference | undefined> {
    const { client, namespace, podName } = this.#options
    if (podName === '') return undefined
    return ownerReferenceTo(PODS, await client.get(PODS, { namespace, name: podName }))
  }
}
