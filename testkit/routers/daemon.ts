/** What every router's harness does alike: commands, freezing, stopping. */
import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Workplace } from '../leftovers.ts'
import type { Program } from '../program.ts'
import { routerEnvironment } from './programs.ts'

const START_LIMIT_MS = 15_000

const execute = promisify(execFile)

/** Runs a router's command and returns its standard output; a failure carries both outputs. */
export async function ask(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(command, args, { env: routerEnvironment(), maxBuffer: 512 * 1024 * 1024 })
  return stdout
}

/** As `ask`, inside the namespace. */
export function askInside(namespace: string, command: string, ...args: string[]): Promise<string> {
  return ask('nsenter', `--net=${namespace}`, '--', command, ...args)
}

/** What the attempt gives once it works; throws with the program's log where it has ended or does not for long. */
export async function answering<T>(program: Program, attempt: () => T | Promise<T>): Promise<T> {
  const limit = performance.now() + START_LIMIT_MS
  for (;;) {
    try {
      return await attempt()
    } catch (cause) {
      if (program.isRunning() && performance.now() < limit) await delay(20)
      else throw new Error(`${program.name} does not answer:\n${program.lastLines()}`, { cause })
    }
  }
}

/** Freezing and ending, for a router of these programs; the first one speaks BGP. */
export function lifeOf(workplace: Workplace, programs: readonly [Program, ...Program[]]) {
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    workplace.clear()
  }
  return {
    pids: programs.map(({ pid }) => pid),
    freeze: () => programs[0].signal('SIGSTOP'),
    thaw: () => programs[0].signal('SIGCONT'),
    async kill() {
      for (const program of programs) program.signal('SIGKILL')
      await Promise.all(programs.map(({ exited }) => exited))
    },
    stop,
    log: () => programs.map((program) => `${program.name}:\n${program.lastLines()}`).join('\n'),
    [Symbol.asyncDispose]: stop,
  }
}
