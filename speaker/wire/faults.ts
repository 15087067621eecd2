import type { FromWire } from './messages.ts'

/** What could not be done, told to the main thread once for each cause. */
export class Faults {
  readonly #post: (message: FromWire) => void
  readonly #told = new Set<string>()

  constructor(post: (message: FromWire) => void) {
    this.#post = post
  }

  tell(what: string, cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    const message = `${what}: ${error.message}`
    if (this.#told.has(message)) return
    this.#told.add(message)
    const code = (error as NodeJS.ErrnoException).code ?? 'failed'
    this.#post({ kind: 'fault', code, message })
  }

  /** Circumstances have changed: what fails from now on is told anew. */
  forget(): void {
    this.#told.clear()
  }
}
