/** The key that speakers authenticate each other by: made once, then left alone. */
import { randomBytes } from 'node:crypto'
import { ApiError, type Client, type Fence, isTransient, type RequestOptions, SECRETS } from '../operator/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'

export interface MembershipSecretOptions {
  readonly client: Pick<Client, 'create'>
  readonly namespace: string
  readonly name: string
  readonly guard: <T>(write: (fence: Fence) => Promise<T>) => Promise<T>
  readonly clock: Clock
  readonly log: Log
}

const KEY_BYTES = 16
const RETRY_MS = 5_000

/** Sees to it that the Secret is there, while this replica leads. */
export class MembershipSecret {
  readonly #options: MembershipSecretOptions
  #retry: TimerHandle | undefined

  constructor(options: MembershipSecretOptions) {
    this.#options = options
  }

  async ensure(): Promise<void> {
    const { client, namespace, name, guard, clock, log } = this.#options
    this.stop()
    const id = `Secret ${namespace}/${name}`
    try {
      const isNew = await guard((fence) => createWhereMissing(client, { namespace, name }, fence))
      if (isNew) log.info('secretCreated', `created ${id} for the speakers`)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // The next term begins with it.
      if (error.kind === 'fenced') return
      const line = isTransient(error) ? log.warn : log.error
      line('secretFailed', `cannot create ${id}, tried again in ${RETRY_MS / 1_000} s: ${error.message}`)
      this.#retry = clock.setTimeout(() => void this.ensure(), RETRY_MS)
    }
  }

  stop(): void {
    if (this.#retry !== undefined) this.#options.clock.clearTimeout(this.#retry)
    this.#retry = undefined
  }
}

/**
 * 16 random bytes in unpadded base64 under `secretkey`, the form in which MetalLB keeps it (spec: layer 2, membership),
 * so that either program can use what the other made.
 * @returns whether it was created
 */
async function createWhereMissing(
  client: Pick<Client, 'create'>,
  name: { readonly namespace: string; readonly name: string },
  options: RequestOptions,
): Promise<boolean> {
  const text = randomBytes(KEY_BYTES).toString('base64').replace(/=+$/, '')
  const labels = { 'app.kubernetes.io/managed-by': 'invar' }
  const secret = {
    metadata: { ...name, labels },
    type: 'Opaque',
    data: { secretkey: Buffer.from(text).toString('base64') },
  }
  try {
    await client.create(SECRETS, secret, options)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'conflict') return false
    throw error
  }
}
