/**
 * Command-line flags of the two daemons: the names, environment variables and defaults that MetalLB's manifests use.
 * `--port 1`, `--port=1`, `-port 1` and `-port=1` mean the same. An unknown flag stops the start.
 */
import { parseArgs } from 'node:util'

export interface Flag {
  readonly about: string
  /** Environment variable that gives the value where the flag is absent. */
  readonly env?: string
  readonly kind: 'text' | 'number' | 'switch'
  /** Used when neither flag nor variable is there; undefined = the flag is optional and empty. */
  readonly default: string
  /** Accepted for old manifests, without effect; the text says what to know about it. */
  readonly noEffect?: string
  readonly oneOf?: readonly string[]
}

export type FlagTable = Readonly<Record<string, Flag>>

export interface Flags<Table extends FlagTable> {
  readonly text: (name: keyof Table & string) => string
  readonly number: (name: keyof Table & string) => number
  readonly on: (name: keyof Table & string) => boolean
  /** One sentence a flag that was given but has no effect. */
  readonly notices: readonly string[]
}

export type FlagsResult<Table extends FlagTable> =
  | { readonly kind: 'flags'; readonly flags: Flags<Table> }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly message: string }

export function readFlags<Table extends FlagTable>(
  table: Table,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): FlagsResult<Table> {
  if (args.some((argument) => /^--?h(elp)?$/.test(argument))) return { kind: 'help', text: help(table) }
  const given = parse(table, args)
  if (given.kind === 'wrong') return given
  const values = new Map<string, string>()
  for (const [name, flag] of Object.entries(table)) {
    const fromEnvironment = flag.env === undefined ? undefined : environment[flag.env]
    const value = given.values[name] ?? (fromEnvironment === '' ? undefined : fromEnvironment) ?? flag.default
    const wrong = judge(name, flag, value)
    if (wrong !== undefined) return { kind: 'wrong', message: wrong }
    values.set(name, value)
  }
  const read = (name: string): string => values.get(name) ?? ''
  const notices = Object.entries(table)
    .filter(([name, flag]) => flag.noEffect !== undefined && given.values[name] !== undefined)
    .map(([name, flag]) => `--${name} has no effect: ${flag.noEffect}`)
  return {
    kind: 'flags',
    flags: { text: read, number: (name) => Number(read(name)), on: (name) => read(name) === 'true', notices },
  }
}

type Parsed =
  | { readonly kind: 'values'; readonly values: Readonly<Record<string, string | undefined>> }
  | { readonly kind: 'wrong'; readonly message: string }

function parse(table: FlagTable, args: readonly string[]): Parsed {
  const doubled = args.map((argument) => (/^-[a-z][a-z0-9-]+/i.test(argument) ? `-${argument}` : argument))
  // A switch may be written `--x` or `--x=true`; parseArgs takes a value for it only when it is declared as text.
  const valued = doubled.map((argument) => {
    const flag = argument.startsWith('--') ? table[argument.slice(2)] : undefined
    return flag?.kind === 'switch' ? `${argument}=true` : argument
  })
  const options = Object.fromEntries(Object.keys(table).map((name) => [name, { type: 'string' as const }]))
  try {
    return { kind: 'values', values: parseArgs({ args: valued, options, strict: true }).values }
  } catch (error) {
    const reason = (error as Error).message.split('. ')[0]
    return { kind: 'wrong', message: `${reason}; --help lists the flags` }
  }
}

function judge(name: string, flag: Flag, value: string): string | undefined {
  if (flag.oneOf !== undefined && !flag.oneOf.includes(value)) {
    return `--${name} is ${JSON.stringify(value)} but must be one of ${flag.oneOf.join(', ')}`
  }
  if (flag.kind === 'number' && !/^\d+$/.test(value)) {
    return `--${name} is ${JSON.stringify(value)} but must be a whole number`
  }
  if (flag.kind === 'switch' && value !== 'true' && value !== 'false') {
    return `--${name} is ${JSON.stringify(value)} but must be true or false`
  }
  return undefined
}

function help(table: FlagTable): string {
  const lines = Object.entries(table).map(([name, flag]) => {
    const source = flag.env === undefined ? '' : ` [$${flag.env}]`
    const fallback = flag.default === '' ? '' : ` (default ${flag.default})`
    const effect = flag.noEffect === undefined ? '' : ` No effect: ${flag.noEffect}`
    return `  --${name}${source}\n      ${flag.about}${fallback}${effect}`
  })
  return `${lines.join('\n')}\n`
}
