/** The wire thread as the main thread sees it: messages in, observations out, and whether its loop turns. */
import { Worker } from 'node:worker_threads'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Answer, Farewell, FromWire, ObservedRoute, ToWire, WireCounters } from './wire/messages.ts'

/** Between two questions whether the thread is alive. */
const PING_INTERVAL_MS = 1_000
/** A thread that has not answered for so long is taken for stuck; well above any pause of its garbage collector. */
const DEAF_AFTER_MS = 10_000
/** Nobody waits longer for what the thread can answer at once: its counters, for a scrape. */
const QUESTION_LIMIT_MS = 1_000
/** Ten thousand routes cross a few at a time. */
const ROUTES_LIMIT_MS = 5_000
/** A thread that was told to leave gets so long to hand over before it is ended. */
const LEAVE_LIMIT_MS = 3_000

export class WireThread {
  readonly #worker: Worker
  readonly #clock: Clock
  readonly #listeners: ((message: FromWire) => void)[] = []
  #lastAnswerMs: number
  #ready = false
  #timer: TimerHandle | undefined
  #leaving = false
  #reading: Promise<WireCounters | undefined> | undefined
  #questions = 0

  /**
   * @param entry the thread's program: source in a checkout, bundle in the image
   * @param onDeath called when the thread ends although nobody asked it to: the process cannot go on without it
   */
  constructor(entry: URL, clock: Clock, onDeath: (error: Error) => void) {
    this.#clock = clock
    this.#lastAnswerMs = clock.now()
    this.#worker = new Worker(entry, { name: 'wire' })
    this.#worker.on('message', (message: FromWire) => this.#receive(message))
    this.#worker.on('error', (error) => onDeath(new Error('the wire thread failed', { cause: error })))
    this.#worker.on('exit', (code) => {
      if (!this.#leaving) onDeath(new Error(`the wire thread ended with code ${code}`))
    })
    this.#ping(0)
  }

  /** Called for everything the thread reports but the answers to pings. */
  listen(listener: (message: FromWire) => void): void {
    this.#listeners.push(listener)
  }

  post(message: ToWire): void {
    this.#worker.postMessage(message)
  }

  /** True once its sockets are open. */
  get ready(): boolean {
    return this.#ready
  }

  /** True while its loop turns. */
  get responsive(): boolean {
    return this.#clock.now() - this.#lastAnswerMs < DEAF_AFTER_MS
  }

  /** Counters of the thread; undefined when it does not answer in time. Readers at the same time share one answer. */
  readCounters(): Promise<WireCounters | undefined> {
    this.#reading ??= this.#askForCounters().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Who on the wire answers for the address; undefined when the thread does not answer in time. */
  ask(ip: string, timeoutMs: number): Promise<readonly Answer[] | undefined> {
    return this.#question(
      (id) => ({ kind: 'ask', id, ip, timeoutMs }),
      (message, id) => (message.kind === 'answers' && message.id === id ? message.answers : undefined),
      timeoutMs + QUESTION_LIMIT_MS,
    )
  }

  /**
   * What a BGP peer has been told, in no order; undefined when the thread does not answer in time. Without a session
   * with that peer there are no `routes`.
   */
  readRoutes(peer: string): Promise<{ readonly routes: readonly ObservedRoute[] | undefined } | undefined> {
    const all: ObservedRoute[] = []
    return this.#question(
      (id) => ({ kind: 'read-routes', id, peer }),
      (message, id) => {
        if (message.kind !== 'peer-routes' || message.id !== id) return undefined
        all.push(...(message.routes ?? []))
        return message.isLast ? { routes: message.routes && all } : undefined
      },
      ROUTES_LIMIT_MS,
    )
  }

  #askForCounters(): Promise<WireCounters | undefined> {
    return this.#question(
      (id) => ({ kind: 'read-counters', id }),
      (message, id) => (message.kind === 'counters' && message.id === id ? message.counters : undefined),
      QUESTION_LIMIT_MS,
    )
  }

  #question<T>(
    question: (id: number) => ToWire,
    answerIn: (message: FromWire, id: number) => T | undefined,
    limitMs: number,
  ): Promise<T | undefined> {
    const id = ++this.#questions
    return new Promise((resolve) => {
      const finish = (answer: T | undefined): void => {
        this.#clock.clearTimeout(limit)
        this.#listeners.splice(this.#listeners.indexOf(listener), 1)
        resolve(answer)
      }
      const listener = (message: FromWire): void => {
        const answer = answerIn(message, id)
        if (answer !== undefined) finish(answer)
      }
      const limit = this.#clock.setTimeout(() => finish(undefined), limitMs)
      this.#listeners.push(listener)
      this.post(question(id))
    })
  }

  /** Lets the thread say goodbye on the wire and hand over, then ends it. BGP peers hear the farewell. */
  async leave(farewell: Farewell): Promise<void> {
    this.#leaving = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    const left = new Promise<void>((resolve) => {
      const drainMs = farewell.kind === 'shutdown' ? farewell.drainMs : 0
      const limit = this.#clock.setTimeout(resolve, LEAVE_LIMIT_MS + drainMs)
      this.#listeners.push((message) => {
        if (message.kind !== 'left') return
        this.#clock.clearTimeout(limit)
        resolve()
      })
    })
    this.post({ kind: 'leave', farewell })
    await left
    await this.#worker.terminate()
  }

  #ping(id: number): void {
    this.post({ kind: 'ping', id })
    this.#timer = this.#clock.setTimeout(() => this.#ping(id + 1), PING_INTERVAL_MS)
  }

  #receive(message: FromWire): void {
    this.#lastAnswerMs = this.#clock.now()
    if (message.kind === 'pong') return
    if (message.kind === 'ready') this.#ready = true
    for (const listener of [...this.#listeners]) listener(message)
  }
}
