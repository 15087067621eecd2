/**
 * `npm run bench -- NAME` runs one benchmark: progress goes to standard error, and the last line of standard output is
 * one JSON object with the figures, the yardstick measured in the same run, their ratio, the bar, and whether it was
 * met. Exit code 1: missed. Without NAME it lists them.
 */
import { readdirSync } from 'node:fs'

/** What a file of this folder exports by default, if it is a benchmark. */
interface Benchmark {
  readonly name: string
  readonly about: string
  readonly run: (progress: (text: string) => void) => Promise<Outcome>
}

interface Outcome {
  readonly figures: Readonly<Record<string, unknown>>
  /** What the figure is held against, in the figure's unit. */
  readonly yardstick: unknown
  readonly ratio: number
  /** What the ratio must not miss. */
  readonly bar: unknown
  readonly pass: boolean
}

async function benchmarks(): Promise<Benchmark[]> {
  const files = readdirSync(import.meta.dirname).filter((name) => /\.ts$/.test(name) && name !== 'run.ts')
  const found: Benchmark[] = []
  for (const file of files.sort()) {
    // Programs that a benchmark starts are named NAME-….ts beside it and are not to be run here.
    if (files.some((other) => other !== file && file.startsWith(other.replace(/\.ts$/, '-')))) continue
    const { default: benchmark } = await import(`./${file}`)
    if (benchmark !== undefined) found.push(benchmark)
  }
  return found
}

const [wanted] = process.argv.slice(2)
const all = await benchmarks()
const chosen = all.find(({ name }) => name === wanted)
if (chosen === undefined) {
  for (const { name, about } of all) console.log(`${name.padEnd(16)} ${about}`)
  process.exit(wanted === undefined ? 0 : 2)
}
const start = performance.now()
const outcome = await chosen.run((text) =>
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${text}\n`),
)
console.log(JSON.stringify({ bench: chosen.name, ...outcome }))
process.exit(outcome.pass ? 0 : 1)
