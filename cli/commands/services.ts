/** The commands about addresses and the Services that have them. */
import { Command } from 'commander'
import { type Declaring, type OutputFlags, withCluster, withHelp, withOutput } from '../command.ts'
import type { ClusterFlags } from '../connection.ts'

type Flags = ClusterFlags & OutputFlags

export function statusCommand(declaring: Declaring): Command {
  const command = new Command('status')
    .description('show on one screen how Invar stands: controller, speakers, pools, and all that is wrong')
    .action(async ({ output, ...flags }: Flags) => {
      const { runStatus } = await import('../status-command.ts')
      declaring.present(await runStatus(flags), output)
    })
  return withHelp(withOutput(withCluster(command)), declaring, {
    examples: ['status', 'status -o wide', 'status --context prod -o json'],
    finds: 'something is wrong',
  })
}

export function poolsCommand(declaring: Declaring): Command {
  const command = new Command('pools')
    .description('list the pools: what they have, what is in use, what is wrong with them')
    .action(async ({ output, ...flags }: Flags) => {
      const { runPools } = await import('../cluster-commands.ts')
      declaring.present(await runPools(flags), output)
    })
  const examples = ['pools', 'pools -o wide', 'pools --context prod -o json']
  return withHelp(withOutput(withCluster(command)), declaring, { examples })
}

export function explainCommand(declaring: Declaring): Command {
  const command = new Command('explain')
    .description('say why a Service has its address, or none, and who announces it')
    .argument('<service>', 'svc/NAME or NAME')
    .action(async (service: string, { output, ...flags }: Flags) => {
      const { runExplain } = await import('../cluster-commands.ts')
      declaring.present(await runExplain(service, flags), output)
    })
  const examples = ['explain svc/web', 'explain svc/web -n shop -o yaml']
  return withHelp(withOutput(withCluster(command)), declaring, { examples })
}

export function ownersCommand(declaring: Declaring): Command {
  const command = new Command('owners')
    .description('say which node answers for which address on layer 2, since when, and why that node')
    .argument('[target]', 'an address, svc/NAME or NAME; default: all')
    .action(async (target: string | undefined, { output, ...flags }: Flags) => {
      const { runOwners } = await import('../cluster-commands.ts')
      declaring.present(await runOwners(target, flags), output)
    })
  const examples = ['owners', 'owners 192.0.2.10', 'owners svc/web -n shop -o json']
  return withHelp(withOutput(withCluster(command)), declaring, { examples })
}

export function drainCommand(declaring: Declaring): Command {
  const command = new Command('drain')
    .description('say where the addresses of a node would go if it were cordoned and emptied; changes nothing')
    .argument('<node>', 'name of the node')
    .requiredOption('--simulate', 'the only way there is: kubectl drain does it')
    .action(async (node: string, { output, ...flags }: Flags) => {
      const { runDrain } = await import('../cluster-commands.ts')
      declaring.present(await runDrain(node, flags), output)
    })
  return withHelp(withOutput(withCluster(command)), declaring, {
    examples: ['drain node-a --simulate', 'drain node-a --simulate -o json'],
    finds: 'an address that nobody would answer for',
  })
}
