/** The commands by which an installation comes and goes. */
import { Command } from 'commander'
import { type Declaring, type OutputFlags, withCluster, withHelp, withOutput } from '../command.ts'
import type { ClusterFlags } from '../connection.ts'

export interface MigrateFlags extends ClusterFlags, OutputFlags {
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly force?: boolean
}

export function migrateCommand(declaring: Declaring): Command {
  const command = new Command('migrate')
    .description('move from another load balancer: look what would be different, then hand over with no address moving')
    .argument('<source>', 'from-metallb')
    .option('--dry-run', 'look, and say what would be done: the default')
    .option('--yes', 'do it; run it again after Invar is installed, as it says')
    .option('--force', 'also where something should be mended first')
    .action(async (source: string, { output, ...flags }: MigrateFlags) => {
      const { runMigration } = await import('../migrate/migrate-command.ts')
      declaring.present(await runMigration(source, flags), output)
    })
  return withHelp(withOutput(withCluster(command)), declaring, {
    examples: ['migrate from-metallb', 'migrate from-metallb -o json', 'migrate from-metallb --yes'],
    finds: 'something to be mended first',
  })
}

export interface ReleaseServicesFlags extends ClusterFlags, OutputFlags {
  readonly deployment: string
}

export function releaseServicesCommand(declaring: Declaring): Command {
  const command = new Command('release-services')
    .description('stop the controller and take its cleanup finalizer off every Service, before Invar is uninstalled')
    .option('--deployment <name>', 'Deployment of the controller', 'controller')
    .action(async ({ output, ...flags }: ReleaseServicesFlags) => {
      const { runReleaseServices } = await import('../release-services.ts')
      declaring.present(await runReleaseServices(flags), output)
    })
  const examples = ['release-services', 'release-services --deployment invar-controller']
  return withHelp(withOutput(withCluster(command)), declaring, { examples })
}
