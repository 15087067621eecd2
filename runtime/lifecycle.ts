/** How a program starts, stops and fails. */
import type { Log } from './log.ts'
import { sentenceOf } from './log.ts'

/** Something that was started and has to be stopped, in reverse order of starting. */
interface Part {
  readonly name: string
  readonly stop: () => Promise<void> | void
}

/**
 * A program's life: parts are added as they start; SIGTERM or SIGINT stops them in reverse order and exits 0, a second
 * signal exits at once; a fault of ours (an assertion, an unhandled rejection) is logged and exits 1, so that the
 * kubelet starts the program anew from a known state.
 */
export class Lifecycle {
  readonly #parts: Part[] = []
  readonly #log: Log
  readonly #stopping = new AbortController()

  constructor(log: Log) {
    this.#log = log
  }

  /** Aborted when stopping begins. */
  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop })
  }

  /** Installs the signal and fault handlers; call once, first. */
  install(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (this.#stopping.signal.aborted) process.exit(1)
        void this.#exit(0, signal)
      })
    }
    process.on('uncaughtException', (error) => void this.#fault(error))
    process.on('unhandledRejection', (error) => void this.#fault(error))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const part of this.#parts.splice(0).reverse()) {
      try {
        await part.stop()
      } catch (error) {
        this.#log.error('stopFailed', `${part.name} did not stop cleanly: ${sentenceOf(error)}`)
      }
    }
  }

  async #exit(code: number, because: string): Promise<void> {
    this.#log.info('stopping', `stopping because of ${because}`)
    await this.stop()
    process.exit(code)
  }

  async #fault(error: unknown): Promise<void> {
    const stack = error instanceof Error ? error.stack : undefined
    this.#log.error('fault', `internal fault, the program ends: ${sentenceOf(error)}`, { stack })
    if (this.#stopping.signal.aborted) process.exit(1)
    await this.stop()
    process.exit(1)
  }
}
