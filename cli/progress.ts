import { type Clock, systemClock } from '../runtime/clock.ts'

const SILENT_MS = 2_000

/** Says on stderr what is being waited for, once that takes longer than people like to wait in silence. */
export class Progress {
  readonly #counts = new Map<string, number>()
  readonly #clock: Clock
  readonly #say: (line: string) => void
  #timer: ReturnType<Clock['setTimeout']>

  constructor(clock: Clock, say: (line: string) => void, waitsFor: string) {
    this.#clock = clock
    this.#say = say
    this.#timer = this.#tellLater(waitsFor)
  }

  /** So many objects of a resource were read until now. */
  read(plural: string, count: number): void {
    this.#counts.set(plural, count)
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  #tellLater(waitsFor: string): ReturnType<Clock['setTimeout']> {
    return this.#clock.setTimeout(() => {
      const counts = [...this.#counts].map(([plural, count]) => `${count} ${plural}`)
      this.#say(counts.length === 0 ? `waiting for ${waitsFor} …` : `read so far: ${counts.join(', ')} …`)
      this.#timer = this.#tellLater(waitsFor)
    }, SILENT_MS)
  }
}

/** Runs what may take long; stderr says meanwhile what it waits for. */
export async function withProgress<T>(waitsFor: string, run: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = new Progress(systemClock, (line) => void process.stderr.write(`${line}\n`), waitsFor)
  try {
    return await run(progress)
  } finally {
    progress.stop()
  }
}
