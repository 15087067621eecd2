#!/usr/bin/env node
/** Program 3: `invarctl`, also `kubectl invar`. Reads the command line, prints, ends with a code that scripts can use. */
import { basename } from 'node:path'
import { CommanderError } from 'commander'
import { CannotRun } from './cannot-run.ts'
import { paintFor } from './paint.ts'
import { stayingAlive } from './patience.ts'
import { programOf } from './program.ts'
import { rendered } from './report.ts'

const COULD_NOT_RUN = 2

async function main(): Promise<void> {
  // A dependency of the Kubernetes client still uses Node's own punycode (DEP0040): not the user's to mend.
  process.noDeprecation = true
  // Whoever reads us may have seen enough: `invarctl pools | head -1`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const name = basename(process.argv[1] ?? '').startsWith('kubectl-') ? 'kubectl invar' : 'invarctl'
  const program = programOf(name, (report, format) => {
    process.stdout.write(rendered(report, format, paintFor(process.stdout)))
    process.exitCode = report.exitCode
  })
  try {
    await program.parseAsync()
  } catch (error) {
    process.exitCode = failed(name, error)
  }
}

function failed(name: string, error: unknown): number {
  // It has printed help, version or complaint itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : COULD_NOT_RUN
  if (process.env.INVAR_DEBUG === '1') console.error(error)
  else if (error instanceof CannotRun) console.error(`${name}: ${error.message}`)
  else console.error(`${name}: an error of its own (${String(error)}): report it with the output under INVAR_DEBUG=1`)
  return COULD_NOT_RUN
}

// A command may wait for a timer alone: no command needs to see to this itself.
await stayingAlive(main)
