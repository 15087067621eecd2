/** Somebody who looks at the page: one connection, told as fast as it reads, and no faster. */
import type { ServerResponse } from 'node:http'
import type { Clock, TimerHandle } from '../../runtime/clock.ts'
import type { Answer } from '../../runtime/http.ts'
import { Untold } from './untold.ts'

/** Whether somebody may go on reading: the refusal, or undefined. */
export type Recheck = () => Promise<Answer | undefined>

/** Why a reader was turned away, or its connection ended by us. */
export type Dropped = 'too-many' | 'slow' | 'refused'

export interface ReaderOptions {
  readonly response: ServerResponse
  readonly recheck: Recheck
  readonly clock: Clock
  /** Keys of all Services. */
  readonly services: Iterable<string>
  /** JSON of the next message; undefined = there is nothing to tell. */
  readonly next: (untold: Untold) => string | undefined
  /** Called once. `dropped`: why we ended it; undefined = the other side did, or we were told to. */
  readonly onEnd: (dropped: Dropped | undefined) => void
}

/** Whoever does not take what was sent in so long is gone, or will be told everything anew. */
export const PATIENCE_MS = 20_000
/** So that proxies on the way, and we, see that the other side is there. */
export const HEARTBEAT_MS = 15_000
/** A right that was taken away ends the connection after so many heartbeats. */
const RECHECK_HEARTBEATS = 4

export class Reader {
  readonly untold: Untold
  readonly #options: ReaderOptions
  #isWaiting = false
  #isEnded = false
  #heartbeats = 0
  #heartbeat: TimerHandle | undefined
  /** Until what was sent must have been taken, or until the next message. */
  #timer: TimerHandle | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.untold = new Untold(options.services)
    options.response.on('close', () => this.#end(undefined))
    // A connection that breaks closes, too.
    options.response.on('error', () => this.#end(undefined))
    this.#beatLater()
  }

  /** Sends what is untold, unless what was sent before has not been taken yet. */
  pump(): void {
    if (this.#isWaiting || this.#isEnded) return
    const message = this.#options.next(this.untold)
    if (message !== undefined) this.#send(`data: ${message}\n\n`)
  }

  end(): void {
    this.#end(undefined)
  }

  #send(text: string): void {
    const { response, clock } = this.#options
    const isTaken = response.write(text)
    this.#isWaiting = true
    const goOn = (): void => {
      this.#isWaiting = false
      if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
      this.#timer = undefined
      this.pump()
    }
    // In a turn of its own: to tell everything must not keep the allocator from working.
    if (isTaken) this.#timer = clock.setTimeout(goOn, 0)
    else {
      response.once('drain', goOn)
      this.#timer = clock.setTimeout(() => this.#end('slow'), PATIENCE_MS)
    }
  }

  #beatLater(): void {
    const { clock, response } = this.#options
    this.#heartbeat = clock.setTimeout(() => {
      if (!this.#isWaiting) response.write(': still here\n\n')
      this.#heartbeats++
      if (this.#heartbeats % RECHECK_HEARTBEATS === 0) void this.#recheck()
      this.#beatLater()
    }, HEARTBEAT_MS)
  }

  /** While the API server cannot be asked, who was allowed stays allowed: that is when people look. */
  async #recheck(): Promise<void> {
    const refusal = await this.#options.recheck()
    if (refusal?.status === 401 || refusal?.status === 403) this.#end('refused')
  }

  #end(dropped: Dropped | undefined): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { clock, response, onEnd } = this.#options
    for (const handle of [this.#timer, this.#heartbeat]) if (handle !== undefined) clock.clearTimeout(handle)
    response.destroy()
    onEnd(dropped)
  }
}
