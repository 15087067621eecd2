/** The command line: what there is to run. What runs is loaded when it is asked for. */
import { Command } from 'commander'
import { VERSION } from '../runtime/version.ts'
import type { Declare, Present } from './command.ts'
import { lintCommand, planCommand } from './commands/files.ts'
import { migrateCommand, releaseServicesCommand } from './commands/migrate.ts'
import { uiCommand } from './commands/page.ts'
import { completionCommand, rotateKeyCommand, schemaCommand, versionCommand } from './commands/program.ts'
import { drainCommand, explainCommand, ownersCommand, poolsCommand, statusCommand } from './commands/services.ts'
import { nodesCommand, peersCommand, probeCommand, routesCommand, topCommand } from './commands/speakers.ts'
import { bundleCommand, doctorCommand } from './commands/support.ts'

/** As `--help` lists them. */
const GROUPS: readonly (readonly [heading: string, commands: readonly Declare[]])[] = [
  ['How it stands:', [statusCommand, topCommand, doctorCommand, bundleCommand, uiCommand]],
  ['Addresses:', [poolsCommand, explainCommand, ownersCommand, probeCommand]],
  ['Nodes and routers:', [nodesCommand, peersCommand, routesCommand]],
  ['Before a change:', [lintCommand, planCommand, drainCommand]],
  ['Changes:', [migrateCommand, releaseServicesCommand, rotateKeyCommand]],
  ['This program:', [versionCommand, schemaCommand, completionCommand]],
]

/**
 * Throws CommanderError instead of ending the process, and what the commands throw.
 * @param name as the user typed it: `invarctl`, or `kubectl invar`
 */
export function programOf(name: string, present: Present): Command {
  const program = new Command(name)
    .description('How Invar stands, why Services have the addresses that they have, and what a change would do.')
    .version(VERSION, '--version', 'print the version')
    .exitOverride()
    .showHelpAfterError(`(${name} --help lists what there is)`)
    .commandsGroup('This program:')
    .helpCommand('help [command]', 'help for a command')
    .addHelpText('after', EXIT_CODES)
  for (const [heading, commands] of GROUPS) {
    for (const declare of commands) {
      const command = declare({ name, present, program }).copyInheritedSettings(program).helpGroup(heading)
      program.addCommand(command.showHelpAfterError(`(${name} ${command.name()} --help says how it is used)`))
    }
  }
  return program
}

const EXIT_CODES = `
Exit codes: 0 = nothing wrong, 1 = found what it looks for (each command's --help says what that is),
2 = could not run. INVAR_DEBUG=1 shows where an error comes from.`
