/** The start of a speaker whose API server is away: it goes on from its last known state until the real one is there. */
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import { LastKnown } from './last-known.ts'
import { type Read, StateFile, type StateFileOptions } from './state-file.ts'
import type { ToWire } from './wire/messages.ts'

/** An API server that is there has told everything by then, of all but the largest clusters. */
const RESUME_AFTER_MS = 3_000
/** So often the saved state is confirmed to be current. */
const CONFIRM_INTERVAL_MS = 60_000
/** Longer than any followed resource may be silent; see operator/informer.ts. */
const IN_TOUCH_MS = 300_000

export interface ResumptionOptions {
  readonly clock: Clock
  readonly log: Log
  readonly post: (message: ToWire) => void
  /** undefined = no file is kept. */
  readonly file: Pick<StateFileOptions, 'path' | 'node' | 'maxAgeMs'> | undefined
  /** Clock time of the last sign of life of the API server; undefined = none yet. */
  readonly lastContactAt: () => number | undefined
}

export class Resumption {
  readonly #options: ResumptionOptions
  readonly #known = new LastKnown()
  readonly #file: StateFile | undefined
  #timer: TimerHandle | undefined
  #isOver = false

  constructor(options: ResumptionOptions) {
    this.#options = options
    const { clock, log, file } = options
    if (file === undefined) return
    this.#file = new StateFile({ ...file, clock, log, messages: () => this.#known.messages() })
  }

  /** The program has begun to ask the API server. */
  begin(): void {
    if (this.#file === undefined) return
    this.#timer = this.#options.clock.setTimeout(() => void this.#resume(), RESUME_AFTER_MS)
  }

  /** Everything was read from the API server: from now on what is posted is the real state, and saved. */
  end(): void {
    this.#isOver = true
    this.#disarm()
    if (this.#file !== undefined) this.#confirmLater()
  }

  /** Posts what the API server's objects demand, and remembers it. */
  post(message: ToWire): void {
    this.#options.post(message)
    if (this.#file !== undefined && this.#known.take(message)) this.#file.changed()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    this.#disarm()
    await this.#file?.stop()
  }

  async #resume(): Promise<void> {
    const { log, post } = this.#options
    const read = await this.#read()
    if (this.#isOver || read === undefined) return
    if (read.kind === 'refused') {
      log.warn('stateNotUsed', `the API server is away and the saved state cannot be used: ${read.because}`)
      return
    }
    const age = `${Math.round(read.ageMs / 1000)} s old`
    log.warn('resumed', `the API server is away: announcing what was last known, ${age}`)
    for (const message of read.messages) post(message.kind === 'desired' ? { ...message, isOutdated: true } : message)
  }

  async #read(): Promise<Read | undefined> {
    try {
      return await this.#file!.read()
    } catch (error) {
      this.#options.log.warn('stateNotUsed', `cannot read the saved state: ${sentenceOf(error)}`)
      return undefined
    }
  }

  #confirmLater(): void {
    const { clock, lastContactAt } = this.#options
    this.#timer = clock.setTimeout(() => {
      const contactAt = lastContactAt()
      if (contactAt !== undefined && clock.now() - contactAt < IN_TOUCH_MS) this.#file!.confirm()
      this.#confirmLater()
    }, CONFIRM_INTERVAL_MS)
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
