/**
 * Raises core/v1 Events in the background: whoever raises one goes on at once; what cannot be written in time is
 * counted and dropped, because an event is a courtesy and a status is not.
 */
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { ApiError, isTransient } from './api-error.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import type { Client, RequestOptions } from './client.ts'
import { EventSeries, type EventToRaise, type Series } from './event-series.ts'
import { EVENTS, type EventObject, type ObjectReference } from './resources.ts'
import { TokenBucket } from './token-bucket.ts'

export interface EventRecorderOptions {
  readonly client: Pick<Client, 'create' | 'patch'>
  /** `source.component`: `metallb-controller`, `metallb-speaker`. */
  readonly component: string
  /** `source.host`: the node, where the component is one of many. */
  readonly host?: string
  readonly clock: Clock
  readonly random: Random
  /** Written a second in the long run. Default 50: next to a thousand status writes this costs little. */
  readonly perSecond?: number
  /** Waiting at most. Default 10,000. */
  readonly queueLimit?: number
  /** While true nothing is written: what the caller does then is worth more than a prompt event. */
  readonly isBusy?: () => boolean
  /** Sends through a fence, such as `Leader.guard`; what the fence refuses is dropped. */
  readonly guard?: <T>(write: (options: RequestOptions) => Promise<T>) => Promise<T>
}

export interface EventCounters {
  created: number
  /** Written as a higher count on an Event that exists. */
  repeated: number
  /** By reason: `unchanged`, `rate-limited`, `queue-full`, or the kind of the API server's refusal. */
  readonly skipped: Map<string, number>
}

/** Messages are cut at this length, as the newer events API demands. */
export const MAX_MESSAGE_LENGTH = 1024

const BURST = 100
/** A busy caller is asked again so often. */
const BUSY_MS = 250
const IN_FLIGHT = 2
const BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 }

export class EventRecorder {
  readonly counters: EventCounters = { created: 0, repeated: 0, skipped: new Map() }
  readonly #options: EventRecorderOptions
  readonly #series = new EventSeries()
  readonly #budget: TokenBucket
  /** Insertion order is the order of writing; a series that waits takes further counts with it. */
  readonly #waiting = new Set<Series>()
  #inFlight = 0
  #failures = 0
  #pausedUntil = 0
  #timer: TimerHandle | undefined
  #serial = 0
  #drained: (() => void)[] = []

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#budget = new TokenBucket(BURST, options.perSecond ?? 50, options.clock.now())
  }

  /** Events that wait to be written. */
  get depth(): number {
    return this.#waiting.size
  }

  /** Never throws, never waits. */
  raise(event: EventToRaise): void {
    const { clock, queueLimit = 10_000 } = this.#options
    const verdict = this.#series.judge(shortened(event), clock.now(), clock.wall())
    if (verdict.kind === 'skip') this.#skip(verdict.because)
    else if (this.#waiting.size >= queueLimit && !this.#waiting.has(verdict.series)) this.#skip('queue-full')
    else {
      this.#waiting.add(verdict.series)
      this.#pump()
    }
  }

  /** The next event of this topic is raised whatever it says. */
  forgetTopic(object: ObjectReference, topic: string): void {
    this.#series.forgetTopic(object, topic)
  }

  /** Resolves when nothing waits any more, or after `limitMs`, at the end of a program. */
  drain(limitMs: number): Promise<void> {
    if (this.#waiting.size === 0 && this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const handle = this.#options.clock.setTimeout(resolve, limitMs)
      this.#drained.push(() => {
        this.#options.clock.clearTimeout(handle)
        resolve()
      })
    })
  }

  #pump(): void {
    const { clock } = this.#options
    while (this.#inFlight < IN_FLIGHT) {
      const [series] = this.#waiting
      if (series === undefined) break
      const waitMs = this.#waitMs(clock.now())
      if (waitMs > 0) {
        this.#timer ??= clock.setTimeout(() => {
          this.#timer = undefined
          this.#pump()
        }, waitMs)
        return
      }
      this.#budget.take(clock.now())
      this.#waiting.delete(series)
      void this.#write(series)
    }
    if (this.#waiting.size > 0 || this.#inFlight > 0) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  #waitMs(now: number): number {
    if (this.#options.isBusy?.() === true) return BUSY_MS
    return Math.max(this.#pausedUntil - now, this.#budget.waitMs(now))
  }

  async #write(series: Series): Promise<void> {
    this.#inFlight++
    try {
      await (series.name === undefined ? this.#create(series) : this.#repeat(series))
      this.#failures = 0
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#failed(series, error)
    } finally {
      this.#inFlight--
      this.#pump()
    }
  }

  async #create(series: Series): Promise<void> {
    const event = this.#objectOf(series)
    await this.#guarded((options) => this.#options.client.create(EVENTS, event, options))
    series.name = event.metadata.name
    this.counters.created++
  }

  async #repeat(series: Series): Promise<void> {
    const name = { namespace: namespaceOf(series), name: series.name! }
    const patch = { count: series.count, lastTimestamp: time(series.lastWallMs) }
    await this.#guarded((options) => this.#options.client.patch(EVENTS, name, patch, options))
    this.counters.repeated++
  }

  #guarded<T>(write: (options: RequestOptions) => Promise<T>): Promise<T> {
    const { guard } = this.#options
    return guard === undefined ? write({}) : guard(write)
  }

  #failed(series: Series, error: ApiError): void {
    const isForgotten = error.kind === 'not-found' && series.name !== undefined
    // The name was taken, or the Event was cleaned away: another one.
    if (isForgotten || error.kind === 'conflict') {
      series.name = undefined
      this.#waiting.add(series)
      return
    }
    if (!isTransient(error)) {
      this.#skip(error.kind)
      return
    }
    this.#failures++
    const delayMs = error.retryAfterMs ?? backoffMs(BACKOFF, this.#failures, this.#options.random)
    this.#pausedUntil = this.#options.clock.now() + delayMs
    this.#waiting.add(series)
  }

  #skip(because: string): void {
    const { skipped } = this.counters
    skipped.set(because, (skipped.get(because) ?? 0) + 1)
  }

  #objectOf(series: Series): EventObject {
    const { component, host, clock, random } = this.#options
    const { object, type, reason, message } = series.event
    // Unique among the events of this object, from whichever process and node they come.
    const unique = `${Math.floor(clock.wall()).toString(16)}${(this.#serial++ % 4096).toString(16)}`
    const suffix = `${unique}${Math.floor(random() * 2 ** 32).toString(16)}`
    return {
      metadata: { namespace: namespaceOf(series), name: `${object.name.slice(0, 200)}.${suffix}` },
      involvedObject: object,
      type,
      reason,
      message,
      count: series.count,
      firstTimestamp: time(series.firstWallMs),
      lastTimestamp: time(series.lastWallMs),
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      reportingInstance: host ?? '',
    }
  }
}

/** Events about objects without a namespace lie in `default`. */
function namespaceOf(series: Series): string {
  return series.event.object.namespace ?? 'default'
}

/** meta/v1 Time: whole seconds. */
function time(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z')
}

function shortened(event: EventToRaise): EventToRaise {
  if (event.message.length <= MAX_MESSAGE_LENGTH) return event
  return { ...event, message: `${event.message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` }
}
