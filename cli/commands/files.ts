/** The commands that read manifests. */
import { Command } from 'commander'
import { collected, type Declaring, type OutputFlags, withCluster, withHelp, withOutput } from '../command.ts'
import type { ClusterFlags } from '../connection.ts'

const FILES = 'file or folder of manifests, or - for standard input; may be given several times'

interface LintFlags extends OutputFlags {
  readonly filename: readonly string[]
  readonly installNamespace?: string
  readonly lbClass?: string
}

export function lintCommand(declaring: Declaring): Command {
  const command = new Command('lint')
    .description('check manifests without a cluster: structure, values, and how the objects go together')
    .requiredOption('-f, --filename <name>', FILES, collected)
    .option('--install-namespace <name>', 'refuse metallb.io resources that lie elsewhere')
    .option('--lb-class <class>', 'load balancer class that the controller serves; default: Services without one')
    .action(async ({ filename, installNamespace, lbClass, output }: LintFlags) => {
      const { runLint } = await import('../lint-command.ts')
      declaring.present(runLint(filename, { installNamespace, lbClass }), output)
    })
  return withHelp(withOutput(command), declaring, {
    examples: ['lint -f pools.yaml', 'lint -f deploy/ -o json', 'lint -f - < all.yaml'],
    finds: 'problems',
  })
}

interface PlanFlags extends ClusterFlags, OutputFlags {
  readonly filename?: readonly string[]
  readonly delete?: readonly string[]
}

export function planCommand(declaring: Declaring): Command {
  const command = new Command('plan')
    .description('say which Services would keep, lose, gain or move addresses if objects were applied; changes nothing')
    .option('-f, --filename <name>', FILES, collected)
    .option('--delete <kind/name>', 'plan without this object; may be given several times', collected)
    .action(async ({ output, filename = [], delete: deletions = [], ...flags }: PlanFlags) => {
      const { runPlan } = await import('../cluster-commands.ts')
      declaring.present(await runPlan(filename, deletions, flags), output)
    })
  return withHelp(withOutput(withCluster(command)), declaring, {
    examples: ['plan -f pools.yaml', 'plan --delete ipaddresspool/old -f new.yaml -o json'],
    finds: 'a Service loses or moves',
  })
}
