import { relative } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'

/** Seed and number of runs that this process uses unless a property says otherwise. */
export interface Campaign {
  readonly seed: number
  readonly runs: number
}

const DEFAULT_RUNS = 200

/** `INVAR_SEED` (default: fresh) and `INVAR_RUNS`; a value that is no number is a mistake of the caller and throws. */
export function campaign(environment: Readonly<Record<string, string | undefined>> = process.env): Campaign {
  return {
    seed: wholeNumber(environment, 'INVAR_SEED') ?? (Math.random() * 0x7fff_ffff) | 0,
    runs: wholeNumber(environment, 'INVAR_RUNS') ?? DEFAULT_RUNS,
  }
}

function wholeNumber(environment: Readonly<Record<string, string | undefined>>, name: string): number | undefined {
  const text = environment[name]
  if (text === undefined || text === '') return undefined
  if (!/^-?[0-9]+$/.test(text)) throw new Error(`${name} must be a whole number, not '${text}'`)
  return Number(text)
}

export interface PropertyOptions {
  /** Share of the campaign's runs, for properties that cost more (0.1) or less (10) than most. Default 1. */
  readonly share?: number
}

const CURRENT = campaign()

/**
 * One test: the predicate holds for everything the arbitraries make. The seed is printed before the first run, so that
 * a run that hangs or is killed can be repeated too; a failure is shrunk and carries the command that repeats it.
 */
export function property<Values extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { readonly [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  predicate: (...values: Values) => void,
  options: PropertyOptions = {},
): void {
  const { seed } = CURRENT
  const numRuns = Math.max(1, Math.round(CURRENT.runs * (options.share ?? 1)))
  test(name, (context) => {
    const file = relative(process.cwd(), context.filePath ?? '')
    const replay = `INVAR_SEED=${seed} INVAR_RUNS=${CURRENT.runs} node --test --test-name-pattern='${name.replaceAll("'", '.')}' ${file}`
    context.diagnostic(`seed ${seed}, ${numRuns} runs`)
    fc.assert(fc.property(...arbitraries, predicate), {
      seed,
      numRuns,
      reporter: (details) => {
        if (!details.failed) return
        throw new Error(`${fc.defaultReportMessage(details)}\n\nRepeat with: ${replay}`, {
          cause: details.errorInstance,
        })
      },
    })
  })
}
