/**
 * JSON lines on standard output, one an event, with the fields that MetalLB's users filter by: `ts`, `level`, `caller`,
 * `event`, `msg`. The level can be changed while the program runs.
 */
export const LEVELS = ['all', 'debug', 'info', 'warn', 'error', 'none'] as const
export type Level = (typeof LEVELS)[number]

/** Fields of one log line. Values are printed as JSON; an Error is printed with its causes, not its stack. */
export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  debug(event: string, message: string, fields?: Fields): void
  info(event: string, message: string, fields?: Fields): void
  warn(event: string, message: string, fields?: Fields): void
  error(event: string, message: string, fields?: Fields): void
  /** The same log, naming another part of the program as `caller`. */
  of(caller: string): Log
  setLevel(level: Level): void
}

export interface LogOptions {
  readonly level: Level
  /** Milliseconds since 1970. */
  readonly wall: () => number
  readonly write: (line: string) => void
}

/** Field names whose values never reach a log line, whoever passes them. */
const SECRET = /^(password|secret|secretkey|token|authorization|keys|tls\.key|ca\.key)$/i

export function createLog(options: LogOptions): Log {
  const shared = { level: options.level }
  const logOf = (caller: string): Log => {
    const line = (level: Level, event: string, message: string, fields: Fields = {}): void => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(shared.level)) return
      const ts = new Date(options.wall()).toISOString()
      options.write(`${JSON.stringify({ ts, level, caller, event, msg: message, ...fields }, printable)}\n`)
    }
    return {
      debug: (...rest) => line('debug', ...rest),
      info: (...rest) => line('info', ...rest),
      warn: (...rest) => line('warn', ...rest),
      error: (...rest) => line('error', ...rest),
      of: logOf,
      setLevel: (level) => {
        shared.level = level
      },
    }
  }
  return logOf('main')
}

/** The process's own log. */
export function systemLog(level: Level): Log {
  return createLog({ level, wall: () => Date.now(), write: (line) => void process.stdout.write(line) })
}

/** A log that says nothing, for tests that do not read it. */
export const silentLog: Log = createLog({ level: 'none', wall: () => 0, write: () => undefined })

function printable(name: string, value: unknown): unknown {
  if (SECRET.test(name) && value !== undefined) return '<redacted>'
  if (value instanceof Error) return sentenceOf(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Set) return [...value]
  if (value instanceof Map) return Object.fromEntries(value)
  return value
}

/** An error and its causes in one line: `list services: connect ECONNREFUSED 127.0.0.1:6443`. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${sentenceOf(error.cause)}`
  return `${error.message}${cause}`
}
