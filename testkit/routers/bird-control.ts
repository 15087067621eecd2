/** BIRD's control socket: a line asks; lines with a code answer, the last one with a blank after its code. */
import { createConnection, type Socket } from 'node:net'

/** Codes from here on are refusals. */
const FIRST_ERROR = 8000

interface Question {
  readonly resolve: (answer: string) => void
  readonly reject: (error: Error) => void
}

export class BirdControl {
  readonly #socket: Socket
  readonly #questions: Question[] = []
  #rest = ''
  #lines: string[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => this.#read(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('BIRD has closed its control socket')))
  }

  /** Resolves when BIRD has greeted. */
  static async open(path: string): Promise<BirdControl> {
    const control = new BirdControl(createConnection(path))
    await control.#answer()
    return control
  }

  /** The answer without its codes; rejects with BIRD's words where it refuses. */
  ask(command: string): Promise<string> {
    const answer = this.#answer()
    this.#socket.write(`${command}\n`)
    return answer
  }

  close(): void {
    this.#socket.destroy()
  }

  #answer(): Promise<string> {
    return new Promise((resolve, reject) => this.#questions.push({ resolve, reject }))
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const [, code, separator] = /^(\d{4})([- ])/.exec(line) ?? []
      this.#lines.push(line.slice(code === undefined ? 1 : 5))
      if (separator === ' ') this.#finish(Number(code))
    }
  }

  #finish(code: number): void {
    const answer = this.#lines.join('\n')
    this.#lines = []
    const question = this.#questions.shift()
    if (code < FIRST_ERROR) question?.resolve(answer)
    else question?.reject(new Error(`BIRD: ${answer}`))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#questions.splice(0)) reject(error)
  }
}
