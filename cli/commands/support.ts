/** The commands for when something is wrong and it is not known what. */
import { Command } from 'commander'
import type { BundleFlags } from '../bundle/command.ts'
import { type Declaring, type OutputFlags, withCluster, withHelp, withOutput, withSpeaker } from '../command.ts'
import type { ClusterFlags } from '../connection.ts'

export function doctorCommand(declaring: Declaring): Command {
  const command = new Command('doctor')
    .description('examine installation, nodes and neighbours for what is known to go wrong, each with a remedy')
    .action(async ({ output, ...flags }: ClusterFlags & OutputFlags) => {
      const { runDoctor } = await import('../doctor/command.ts')
      declaring.present(await runDoctor(flags), output)
    })
  return withHelp(withOutput(withCluster(command)), declaring, {
    examples: ['doctor', 'doctor -o wide', 'doctor -o json'],
    finds: 'errors or warnings',
  })
}

export function bundleCommand(declaring: Declaring): Command {
  const command = new Command('bundle')
    .description('collect what somebody who is to help needs into one archive, without anything secret')
    .option('--file <name>', 'where to write it; default invar-bundle-TIME.tar.gz here')
    .action(async ({ output, ...flags }: BundleFlags & OutputFlags) => {
      const { runBundle } = await import('../bundle/command.ts')
      declaring.present(await runBundle(flags), output)
    })
  return withHelp(withOutput(withSpeaker(command)), declaring, {
    examples: ['bundle', 'bundle --file /tmp/invar.tar.gz', 'bundle --context prod -o json'],
  })
}
