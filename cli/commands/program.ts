/** The commands that change something of Invar's own, and those about the program itself. */
import { Command } from 'commander'
import { type Declaring, type OutputFlags, withCluster, withHelp, withOutput } from '../command.ts'
import { completionScript, SHELLS } from '../completion.ts'
import type { ClusterFlags } from '../connection.ts'

export interface RotateKeyFlags extends ClusterFlags, OutputFlags {
  readonly secret: string
  readonly wait: string
}

export function rotateKeyCommand(declaring: Declaring): Command {
  const command = new Command('rotate-key')
    .description('give the speakers another key to know each other by, step by step, so that none is taken for dead')
    .option('--secret <name>', 'Secret with the key, in the namespace of Invar', 'memberlist')
    .option('--wait <seconds>', 'between two steps: until every speaker has seen the last one', '30')
    .action(async ({ output, ...flags }: RotateKeyFlags) => {
      const { runRotateKey } = await import('../rotate-key.ts')
      declaring.present(await runRotateKey(flags), output)
    })
  const examples = ['rotate-key', 'rotate-key --wait 60']
  return withHelp(withOutput(withCluster(command)), declaring, { examples })
}

export function versionCommand(declaring: Declaring): Command {
  const command = new Command('version')
    .description('print the version of this program, and of what it runs on')
    .action(async ({ output }: OutputFlags) => {
      const { versionReport } = await import('../version.ts')
      declaring.present(versionReport(), output)
    })
  return withHelp(withOutput(command), declaring, { examples: ['version', 'version -o json'] })
}

export function schemaCommand(declaring: Declaring): Command {
  const command = new Command('schema')
    .description('print the JSON schema of what a command prints with -o json')
    .argument('<command>', 'name of the command')
    .action(async (name: string) => {
      const { schemaText } = await import('../answers/index.ts')
      process.stdout.write(schemaText(name))
    })
  return withHelp(command, declaring, { examples: ['schema status', 'schema doctor > doctor.schema.json'] })
}

export function completionCommand(declaring: Declaring): Command {
  const { name, program } = declaring
  const command = new Command('completion')
    .description('print a script that completes commands and flags in a shell')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText('after', `\nExamples:\n  source <(${name} completion bash)\n  ${name} completion fish | source`)
    .action((shell: string) => {
      process.stdout.write(completionScript(shell, program))
    })
  return command.addHelpText('after', '\nExit codes: 0 = done, 2 = could not run.')
}
