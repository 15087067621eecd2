/**
 * The bytes of a watch, one JSON document a line, as events. Pure: bytes go in as they come, cut anywhere; events come
 * out. Kubernetes API concepts, "Efficient detection of changes" and "Watch bookmarks".
 */
import { ApiError, apiErrorOfStatus, type Status } from './api-error.ts'
import type { KubernetesObject } from './resource.ts'

export type WatchEvent<T extends KubernetesObject = KubernetesObject> =
  | { readonly kind: 'added' | 'modified' | 'deleted'; readonly object: T }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server gave up this watch, most often with `gone`; nothing follows. */
  | { readonly kind: 'error'; readonly error: ApiError }

/** Longer than any object that etcd stores (1.5 MiB by default) or that the API server accepts (3 MiB). */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024

const NEWLINE = 0x0a
const KIND_OF_TYPE: Readonly<Record<string, 'added' | 'modified' | 'deleted'>> = {
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
}

/** Collects the bytes of one watch. After an `error` event every further byte is ignored. */
export class WatchParser<T extends KubernetesObject = KubernetesObject> {
  readonly #maxBytes: number
  readonly #text = new TextDecoder('utf-8')
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #isBroken = false

  constructor(maxEventBytes: number = MAX_EVENT_BYTES) {
    this.#maxBytes = maxEventBytes
  }

  /** Bytes of an event that is not complete yet: more than 0 at the end of the stream means that it was cut. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  push(chunk: Uint8Array): WatchEvent<T>[] {
    const events: WatchEvent<T>[] = []
    let from = 0
    while (!this.#isBroken) {
      const end = chunk.indexOf(NEWLINE, from)
      this.#keep(chunk.subarray(from, end < 0 ? chunk.length : end))
      if (this.#pendingBytes > this.#maxBytes) {
        events.push(this.#broken(`an event is longer than ${this.#maxBytes} bytes`))
        break
      }
      if (end < 0) break
      from = end + 1
      const line = this.#takeLine()
      if (line.trim() === '') continue
      const event = parseLine<T>(line)
      events.push(event)
      if (event.kind === 'error') this.#isBroken = true
    }
    return events
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return
    this.#pending.push(part)
    this.#pendingBytes += part.length
  }

  #takeLine(): string {
    // Lines are decoded whole, so that a character cut by a chunk's end is never decoded in halves.
    const line = this.#pending.length === 1 ? this.#pending[0]! : concatenate(this.#pending, this.#pendingBytes)
    this.#pending = []
    this.#pendingBytes = 0
    return this.#text.decode(line)
  }

  #broken(because: string): WatchEvent<T> {
    this.#isBroken = true
    return { kind: 'error', error: new ApiError('malformed', `watch: ${because}`) }
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function parseLine<T extends KubernetesObject>(line: string): WatchEvent<T> {
  let parsed: { type?: unknown; object?: unknown }
  try {
    parsed = JSON.parse(line)
  } catch (cause) {
    return { kind: 'error', error: new ApiError('malformed', 'watch: an event is not JSON', { cause }) }
  }
  const { type, object } = parsed ?? {}
  if (typeof type !== 'string' || typeof object !== 'object' || object === null) {
    return { kind: 'error', error: new ApiError('malformed', 'watch: an event lacks type or object') }
  }
  if (type === 'ERROR') return { kind: 'error', error: errorOfStatus(object as Status) }
  const { metadata } = object as KubernetesObject
  if (type === 'BOOKMARK' && typeof metadata?.resourceVersion === 'string') {
    return { kind: 'bookmark', resourceVersion: metadata.resourceVersion }
  }
  const kind = KIND_OF_TYPE[type]
  if (kind === undefined || typeof metadata?.name !== 'string' || typeof metadata.resourceVersion !== 'string') {
    return { kind: 'error', error: new ApiError('malformed', `watch: an event of type ${type} cannot be read`) }
  }
  return { kind, object: object as T }
}

function errorOfStatus(status: Status): ApiError {
  // "too old resource version" comes as code 410 with reason Expired or Gone; some servers leave out the code.
  const isGone = status.reason === 'Expired' || status.reason === 'Gone'
  return apiErrorOfStatus('watch', status.code ?? (isGone ? 410 : 500), status)
}
