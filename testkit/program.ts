/** Programs that run beside a test: started with a log file, never outliving the process that started them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { signalProcess, startOf, type Workplace } from './leftovers.ts'

export interface ProgramOptions {
  /** Names the log file; one program of a name at a time. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  /** File of the network namespace to run in, `/run/netns/…`. */
  readonly namespace?: string | undefined
}

export interface Program {
  readonly name: string
  readonly pid: number
  readonly logPath: string
  /** Fulfils when the program has ended, however that came about. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  isRunning(): boolean
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL where that has not helped in `graceMs` (default 3000). */
  stop(graceMs?: number): Promise<void>
  /** The last lines of the log. */
  lastLines(count?: number): string
}

/** `setpriv` (util-linux) has the kernel kill the program when its parent dies, whatever the parent dies of. */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))

/** Starts a program; its death is not an error here, ask `isRunning` or wait for `exited`. */
export function startProgram(workplace: Workplace, options: ProgramOptions): Program {
  const logPath = join(workplace.directory, `${options.name}.log`)
  const log = openSync(logPath, 'a')
  const [command, ...args] = commandLine(options)
  // A session of its own keeps the terminal's Ctrl-C from it: it is ended in order, by us.
  const child = spawn(command!, args, {
    stdio: ['ignore', log, log],
    detached: true,
    env: options.environment ?? process.env,
  })
  closeSync(log)
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  const pid = child.pid
  if (pid === undefined) throw new Error(`cannot start ${options.command}: is it there?`)
  const startedAt = startOf(pid) ?? ''
  workplace.record({ kind: 'process', pid, startedAt })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  return {
    name: options.name,
    pid,
    logPath,
    exited,
    isRunning,
    signal: (signal) => void signalProcess(pid, startedAt, signal),
    async stop(graceMs = 3_000) {
      if (!isRunning()) return
      child.kill('SIGTERM')
      // A stopped program cannot act on SIGTERM.
      child.kill('SIGCONT')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
    },
    lastLines: (count = 20) => readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-count).join('\n'),
  }
}

function commandLine(options: ProgramOptions): string[] {
  const tied = SETPRIV === undefined ? [] : [SETPRIV, '--pdeathsig', 'KILL', '--']
  const inside = options.namespace === undefined ? [] : ['nsenter', `--net=${options.namespace}`, '--']
  return [...tied, ...inside, options.command, ...options.args]
}
