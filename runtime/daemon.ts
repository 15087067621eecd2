/** The start of a daemon: flags, log, life cycle; then its own work, until it is told to stop. */
import { type Flags, type FlagTable, readFlags } from './flags.ts'
import { Lifecycle } from './lifecycle.ts'
import { type Level, type Log, sentenceOf, systemLog } from './log.ts'
import { VERSION } from './version.ts'

export interface Daemon<Table extends FlagTable> {
  /** As in messages on standard error. */
  readonly name: string
  /** One sentence, the first line of `--help`. */
  readonly about: string
  /** Must have `log-level`. */
  readonly flags: Table
  /** What is wrong with flags that are right one by one; undefined = nothing. */
  readonly judge?: (flags: Flags<Table>) => string | undefined
  /** Resolves once everything runs. An error ends the daemon. */
  readonly run: (flags: Flags<Table>, log: Log, lifecycle: Lifecycle) => Promise<void>
}

/** Exit code 2: the flags are wrong; 1: it could not start. */
export async function startDaemon<Table extends FlagTable>(
  daemon: Daemon<Table>,
  args: readonly string[],
): Promise<void> {
  const result = readFlags(daemon.flags, args, process.env)
  if (result.kind === 'help') {
    process.stdout.write(`${daemon.about}\n\n${result.text}`)
    return
  }
  const wrong = result.kind === 'wrong' ? result.message : daemon.judge?.(result.flags)
  if (result.kind === 'wrong' || wrong !== undefined) {
    process.stderr.write(`${daemon.name}: ${wrong}\n`)
    process.exitCode = 2
    return
  }
  const { flags } = result
  const log = systemLog(flags.text('log-level') as Level)
  log.info('starting', `Invar ${daemon.name} ${VERSION}`, { version: VERSION, node: process.version })
  for (const notice of flags.notices) log.warn('flagWithoutEffect', notice)
  const lifecycle = new Lifecycle(log)
  lifecycle.install()
  try {
    await daemon.run(flags, log, lifecycle)
  } catch (error) {
    log.error('startFailed', sentenceOf(error))
    await lifecycle.stop()
    process.exitCode = 1
  }
}
