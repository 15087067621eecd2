/** The bytes of an open watch as batches of events, given up when silent for too long. */
import type { Clock } from '../runtime/clock.ts'
import { ApiError } from './api-error.ts'
import type { KubernetesObject } from './resource.ts'
import type { HttpStream } from './transport.ts'
import { type WatchEvent, WatchParser } from './watch-stream.ts'

/** Ends when the server ends the watch. @throws ApiError `timeout`, `unavailable`, or the stream's own */
export async function* eventsOf<T extends KubernetesObject>(
  what: string,
  stream: Pick<HttpStream, 'chunks' | 'close'>,
  clock: Clock,
  idleTimeoutMs: () => number,
): AsyncIterable<readonly WatchEvent<T>[]> {
  const parser = new WatchParser<T>()
  const arm = () => {
    const limitMs = idleTimeoutMs()
    return clock.setTimeout(() => {
      stream.close(new ApiError('timeout', `${what}: silent for ${limitMs} ms`))
    }, limitMs)
  }
  let timer = arm()
  try {
    for await (const chunk of stream.chunks) {
      clock.clearTimeout(timer)
      const events = parser.push(chunk)
      if (events.length > 0) yield events
      timer = arm()
    }
    if (parser.pendingBytes > 0) throw new ApiError('unavailable', `${what}: cut inside an event`)
  } finally {
    clock.clearTimeout(timer)
  }
}
