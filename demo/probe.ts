/** The prober as the story sees it: started in the client's namespace, read line by line. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Host } from '../testkit/netns.ts'

export interface Silence {
  readonly silenceMs: number
  readonly from: string
}

export interface Sum {
  readonly asked: number
  readonly answered: number
  readonly longestSilenceMs: number
}

type Line = ({ kind: 'began'; from: string } | ({ kind: 'silence' } & Silence)) | ({ kind: 'sum' } & Sum)

export class Probe {
  readonly #child: ChildProcess
  readonly #target: string
  readonly #lines: AsyncIterator<string>
  readonly #seen: Line[] = []
  #waiting: { kind: Line['kind']; resolve: (line: Line) => void } | undefined

  constructor(client: Host, address: string, port: number) {
    this.#target = `${address}, port ${port},`
    const program = join(import.meta.dirname, 'prober.ts')
    this.#child = client.spawn(process.execPath, [program, address, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
    void this.#read()
  }

  /** What the first answer says; throws where none comes. */
  async began(): Promise<string> {
    const line = await this.#next('began', 10_000)
    if (line?.kind !== 'began') throw new Error(`${this.#target} does not answer over UDP`)
    return line.from
  }

  /** The next silence that ends; undefined where none ends in time. */
  async silence(limitMs: number): Promise<Silence | undefined> {
    const line = await this.#next('silence', limitMs)
    return line?.kind === 'silence' ? line : undefined
  }

  /** Forgets the silences until now. */
  forget(): void {
    this.#seen.length = 0
  }

  async stop(): Promise<Sum> {
    this.#child.kill('SIGTERM')
    const line = await this.#next('sum', 5_000)
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    if (line?.kind !== 'sum') throw new Error('the prober ended without its sum')
    return line
  }

  async #read(): Promise<void> {
    for (let line = await this.#lines.next(); !line.done; line = await this.#lines.next()) {
      const parsed = JSON.parse(line.value) as Line
      if (this.#waiting?.kind === parsed.kind) this.#waiting.resolve(parsed)
      else this.#seen.push(parsed)
    }
  }

  #next(kind: Line['kind'], limitMs: number): Promise<Line | undefined> {
    const at = this.#seen.findIndex((line) => line.kind === kind)
    if (at >= 0) return Promise.resolve(this.#seen.splice(at, 1)[0])
    return new Promise((resolve) => {
      const limit = setTimeout(() => finish(undefined), limitMs)
      const finish = (line: Line | undefined) => {
        clearTimeout(limit)
        this.#waiting = undefined
        resolve(line)
      }
      this.#waiting = { kind, resolve: finish }
    })
  }
}
