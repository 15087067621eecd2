/**
 * Which events are written, and how: as a new Event, as one more of a kind that was written before, or not at all.
 * Pure. The limits are those of client-go's correlator, so that nobody's events get louder by a change to Invar.
 */
import type { ObjectReference } from './resources.ts'
import { TokenBucket } from './token-bucket.ts'

export interface EventToRaise {
  /** What it is about. */
  readonly object: ObjectReference
  readonly type: 'Normal' | 'Warning'
  /** Read by tools; MetalLB has reasons with blanks in them. */
  readonly reason: string
  /** A sentence or two that name the cause. */
  readonly message: string
  /**
   * Where one is given, the event is raised only when type, reason or message differ from the last of this topic and
   * object: `allocation` of a Service, for example. Without one, each call counts.
   */
  readonly topic?: string
}

export type Verdict =
  | { readonly kind: 'create'; readonly series: Series }
  /** The same has been written before: count it there. */
  | { readonly kind: 'repeat'; readonly series: Series }
  | { readonly kind: 'skip'; readonly because: 'unchanged' | 'rate-limited' }

/** One Event object, and how often what it says has happened. */
export interface Series {
  readonly event: EventToRaise
  readonly firstWallMs: number
  lastWallMs: number
  count: number
  /** Name of the Event object, once it was created. */
  name: string | undefined
}

/** Events for one object at once, and again each five minutes. */
const BURST_PER_OBJECT = 25
const PER_SECOND_PER_OBJECT = 1 / 300
/** An hour is how long an API server keeps events by default: later there is nothing left to count on. */
const SERIES_LASTS_MS = 50 * 60_000
/** What is forgotten costs an Event more, not correctness. */
const REMEMBERED = 4_096

export class EventSeries {
  readonly #series = new Map<string, Series>()
  readonly #topics = new Map<string, string>()
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param now monotonic @param wallMs since 1970 */
  judge(event: EventToRaise, now: number, wallMs: number): Verdict {
    const object = objectKey(event.object)
    // Only the message, which is the last, may contain what separates them.
    const content = `${object}\n${event.type}\n${event.reason}\n${event.message}`
    if (event.topic !== undefined) {
      const topic = topicKey(object, event.topic)
      if (this.#topics.get(topic) === content) return { kind: 'skip', because: 'unchanged' }
      remember(this.#topics, topic, content)
    }
    const bucket = this.#buckets.get(object) ?? new TokenBucket(BURST_PER_OBJECT, PER_SECOND_PER_OBJECT, now)
    remember(this.#buckets, object, bucket)
    if (!bucket.take(now)) return { kind: 'skip', because: 'rate-limited' }
    const known = this.#series.get(content)
    if (known !== undefined && wallMs - known.firstWallMs < SERIES_LASTS_MS) {
      known.count++
      known.lastWallMs = wallMs
      return { kind: 'repeat', series: known }
    }
    const series: Series = { event, firstWallMs: wallMs, lastWallMs: wallMs, count: 1, name: undefined }
    remember(this.#series, content, series)
    return { kind: 'create', series }
  }

  /** The next event of the topic is raised whatever it says: what it told of is over. */
  forgetTopic(object: ObjectReference, topic: string): void {
    this.#topics.delete(topicKey(objectKey(object), topic))
  }
}

function objectKey({ kind, namespace = '', name, uid = '' }: ObjectReference): string {
  return `${kind}/${namespace}/${name}/${uid}`
}

function topicKey(object: string, topic: string): string {
  return `${topic}\n${object}`
}

/** A Map keeps the order of insertion: the first is the one that was used least recently. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= REMEMBERED) return
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}
