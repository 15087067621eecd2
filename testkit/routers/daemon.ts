/** What every router's harness does alike: commands, freezing, stopping. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { eventually } from '../eventually.ts'
import type { Workplace } from '../leftovers.ts'
import type { Program } from '../program.ts'
import { routerEnvironment } from './programs.ts'

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

/** Resolves when the attempt works; throws with the program's log when it does not for long, or the program has ended. */
export async function answering(program: Program, attempt: () => unknown): Promise<void> {
  const isOver = () => !program.isRunning()
  const failure = await eventually(async () => {
    if (isOver()) return new Error(`${program.name} has ended`)
    await attempt()
    return undefined
  }, 10_000).catch((error: unknown) => new Error(`${program.name} does not answer`, { cause: error }))
  if (failure !== undefined) throw new Error(`${failure.message}:\n${program.lastLines()}`, failure)
}

/** Freezing and ending, for a router of these programs; the first one speaks BGP. */
export function lifeOf(workplace: Workplace, programs: readonly [Program, ...Program[]]) {
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    workplace.clear()
  }
  return {
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
