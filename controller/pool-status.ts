/** Keeps the counters in the status of IPAddressPools right, without a write for each Service. */
import type { Ledger } from '../core/allocate/index.ts'
import { poolCounters, poolStatusPatch } from '../core/status/index.ts'
import type { IPAddressPool } from '../crds/index.ts'
import type { Client } from '../operator/index.ts'
import {
  DONE,
  type Fence,
  IP_ADDRESS_POOLS,
  type Outcome,
  type Pending,
  type ReadonlyStore,
  Reconciler,
} from '../operator/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'

export interface PoolStatusOptions {
  readonly client: Pick<Client, 'patch'>
  readonly namespace: string
  readonly ledger: Ledger
  /** As the API server has them, by `namespace/name`. */
  readonly pools: ReadonlyStore<IPAddressPool>
  readonly guard: <T>(write: (fence: Fence) => Promise<T>) => Promise<T>
  readonly onFault: (key: string, error: unknown) => void
  readonly clock: Clock
  readonly random: Random
}

/** Changes of a pool within this time are written as one. */
const SETTLE_MS = 500

export class PoolStatus {
  readonly #options: PoolStatusOptions
  readonly #reconciler: Reconciler
  #isRunning = false
  /** Until what was touched is written. */
  #timer: TimerHandle | undefined

  constructor(options: PoolStatusOptions) {
    this.#options = options
    this.#reconciler = new Reconciler({
      clock: options.clock,
      random: options.random,
      concurrency: 4,
      allKeys: () => options.ledger.pools.keys(),
      reconcile: (name) => this.#reconcile(name),
      onFault: options.onFault,
    })
  }

  start(): void {
    this.#isRunning = true
    this.#reconciler.start()
    this.touched()
  }

  stop(): Promise<void> {
    this.#isRunning = false
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    return this.#reconciler.stop()
  }

  get pending(): Pending | undefined {
    return this.#reconciler.pending
  }

  /** What pools have in use may have changed. */
  touched(): void {
    // The first touch sets the time: steady change must not put the write off for ever.
    if (!this.#isRunning || this.#timer !== undefined) return
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      // All that there are now: a pool may have come since the first touch.
      this.#reconciler.addAll()
    }, SETTLE_MS)
  }

  async #reconcile(name: string): Promise<Outcome> {
    const { client, namespace, ledger, pools, guard } = this.#options
    const occupancy = ledger.pools.get(name)
    const pool = pools.get(`${namespace}/${name}`)
    if (occupancy === undefined || pool === undefined) return DONE
    const patch = poolStatusPatch(pool.status, poolCounters(occupancy))
    if (patch === undefined) return DONE
    await guard((fence) =>
      client.patch(IP_ADDRESS_POOLS, { namespace, name }, patch, { ...fence, subresource: 'status' }),
    )
    return DONE
  }
}
