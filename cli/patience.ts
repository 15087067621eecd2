/** Requests that are sent again where the API server asks for patience, as kubectl does. */
import {
  ApiError,
  type Client,
  type KubernetesObject,
  type ListOptions,
  type Page,
  type Resource,
} from '../operator/index.ts'
import { type Clock, sleep } from '../runtime/clock.ts'

/** After a CRD was installed its resources answer 429 for some seconds: "storage is (re)initializing". */
const PATIENCE_MS = 15_000
const RETRY_MS = 1_000

/** A list; `throttled` is thrown only where the server goes on refusing. */
export async function listPatiently<T extends KubernetesObject>(
  client: Pick<Client, 'list'>,
  clock: Clock,
  resource: Resource<T>,
  options: ListOptions,
): Promise<Page<T>> {
  const until = clock.now() + PATIENCE_MS
  for (;;) {
    try {
      return await client.list(resource, options)
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== 'throttled') throw error
      const waitMs = error.retryAfterMs ?? RETRY_MS
      if (clock.now() + waitMs > until) throw error
      await sleep(clock, waitMs)
    }
  }
}

/**
 * Keeps the process from ending while `run` waits for a timer: those of the system clock do not, as the daemons are to
 * end when their work does.
 */
export async function stayingAlive<T>(run: () => Promise<T>): Promise<T> {
  const { port1 } = new MessageChannel()
  port1.ref()
  try {
    return await run()
  } finally {
    port1.close()
  }
}
