/** Tells what happens: chapters with their times, commands as one would type them, and a table at the end. */

export interface Row {
  readonly shown: string
  readonly result: string
  readonly seconds: number
}

export class Story {
  readonly #rows: Row[] = []
  readonly #print: (text: string) => void

  constructor(print: (text: string) => void = console.log) {
    this.#print = print
  }

  /** Runs a chapter; what it returns stands in the table. */
  async chapter(title: string, tell: () => Promise<string> | string): Promise<void> {
    this.#print(`\n${bold(`${this.#rows.length + 1}. ${title}`)}`)
    const startedAt = performance.now()
    const result = await tell()
    const seconds = (performance.now() - startedAt) / 1000
    this.#rows.push({ shown: title, result, seconds })
    this.#print(`   ${result} (${seconds.toFixed(1)} s)`)
  }

  say(text: string): void {
    this.#print(indent(text))
  }

  /** A command and what it printed. */
  command(line: string, output: string): void {
    this.#print(indent(`$ ${line}`))
    if (output.trim() !== '') this.#print(indent(output.trimEnd(), 5))
  }

  table(): string {
    const heading = { shown: 'shown', result: 'result', seconds: 'took' }
    const lines = this.#rows.map((row) => ({ ...row, seconds: `${row.seconds.toFixed(1)} s` }))
    const width = (key: 'shown' | 'result') => Math.max(...[heading, ...lines].map((row) => row[key].length))
    const [shown, result] = [width('shown'), width('result')]
    const format = (row: typeof heading) =>
      `  ${row.shown.padEnd(shown)}  ${row.result.padEnd(result)}  ${row.seconds.padStart(7)}`
    return [format(heading), `  ${'-'.repeat(shown + result + 11)}`, ...lines.map(format)].join('\n')
  }
}

function indent(text: string, columns = 3): string {
  return text.replace(/^/gm, ' '.repeat(columns))
}

function bold(text: string): string {
  return process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text
}
