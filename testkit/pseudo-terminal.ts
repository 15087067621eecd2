/** A program on a terminal of its own, typed on and read by a test: `script` (Debian's bsdutils) makes the terminal. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { eventually } from './eventually.ts'

const SCRIPT = '/usr/bin/script'

export interface TerminalOptions {
  /** A command line for the shell. */
  readonly command: string
  readonly rows: number
  readonly columns: number
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

export class PseudoTerminal {
  readonly #child
  #shown = ''

  static isPossible(): boolean {
    return existsSync(SCRIPT)
  }

  constructor({ command, rows, columns, cwd, env }: TerminalOptions) {
    const sized = `stty rows ${rows} cols ${columns}; ${command}`
    this.#child = spawn(SCRIPT, ['--quiet', '--return', '--flush', '--command', sized, '/dev/null'], { cwd, env })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#shown += text
      })
    }
  }

  /** All that was written to the terminal so far, control sequences included. */
  get shown(): string {
    return this.#shown
  }

  /** Resolves when what was written matches; throws with what was written where it does not in time. */
  async sees(pattern: RegExp, limitMs = 20_000): Promise<void> {
    await eventually(() => {
      if (!pattern.test(this.#shown)) throw new Error(`${pattern} is not in ${JSON.stringify(this.#shown)}`)
    }, limitMs)
  }

  type(keys: string): void {
    this.#child.stdin.write(keys)
  }

  /** @returns the exit code of the command */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    return this.#child.exitCode
  }
}
