/** The command that shows the controller's web page. */
import { Command } from 'commander'
import { type Declaring, type OutputFlags, withCluster, withHelp, withOutput } from '../command.ts'
import type { ClusterFlags } from '../connection.ts'

export interface UiFlags extends ClusterFlags, OutputFlags {
  readonly port: string
  /** false: `--no-open`. */
  readonly open: boolean
  readonly serviceAccount?: string
  readonly ownToken?: boolean
}

export function uiCommand(declaring: Declaring): Command {
  const command = new Command('ui')
    .description("open the controller's read-only web page: pools, Services, speakers, decisions, live")
    .option('--port <number>', 'TCP port on 127.0.0.1; 0 = any that is free', '0')
    .option('--no-open', 'print the address, and open no browser')
    .option('--service-account <name>', "show a token of this account; default: the chart's own for the page")
    .option('--own-token', 'show the token of the kubeconfig')
    .action(async ({ output, ...flags }: UiFlags) => {
      const { runUi } = await import('../ui.ts')
      await runUi(flags, (report) => declaring.present(report, output))
    })
  return withHelp(withOutput(withCluster(command)), declaring, {
    examples: ['ui', 'ui --no-open --port 8080', 'ui --own-token --context prod'],
  })
}
