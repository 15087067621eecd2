/** The wire thread as the main thread sees it: messages in, observations out, and whether its loop turns. */
import { Worker } from 'node:worker_threads'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { FromWire, ToWire } from './wire/messages.ts'

/** Between two questions whether the thread is alive. */
const PING_INTERVAL_MS = 1_000
/** A thread that has not answered for so long is taken for stuck; well above any pause of its garbage collector. */
const DEAF_AFTER_MS = 10_000
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

  /** Lets the thread say goodbye on the wire and hand over, then ends it. */
  async leave(): Promise<void> {
    this.#leaving = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    const left = new Promise<void>((resolve) => {
      const limit = this.#clock.setTimeout(resolve, LEAVE_LIMIT_MS)
      this.#listeners.push((message) => {
        if (message.kind !== 'left') return
        this.#clock.clearTimeout(limit)
        resolve()
      })
    })
    this.post({ kind: 'leave' })
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
    for (const listener of this.#listeners) listener(message)
  }
}
