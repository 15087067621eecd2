/** The command line: what there is to run, with which flags. What runs is loaded when it is asked for. */
import { Command, Option } from 'commander'
import { completionScript, SHELLS } from './completion.ts'
import type { ClusterFlags } from './connection.ts'
import { FORMATS, type Format, type Report } from './report.ts'
import { VERSION } from './version.ts'

/** Prints what a command has found, and says with which code the program ends. */
export type Present = (report: Report, format: Format) => void

/**
 * Throws CommanderError instead of ending the process, and what the commands throw.
 * @param name as the user typed it: `invarctl`, or `kubectl invar`
 */
export function programOf(name: string, present: Present): Command {
  const program = new Command(name)
    .description('Why Services have the addresses that they have, who answers for them, and what a change would do.')
    .version(VERSION, '--version', 'print the version')
    .exitOverride()
    .showHelpAfterError(`(${name} --help lists what there is)`)
    .helpCommand('help [command]', 'help for a command')
    .addHelpText('after', EXIT_CODES)
  const commands = [
    ...[lintCommand, poolsCommand, explainCommand, planCommand],
    ...[ownersCommand, probeCommand, peersCommand, routesCommand, drainCommand, rotateKeyCommand],
  ].map((make) => make(name, present))
  for (const command of [...commands, versionCommand(present), completionCommand(name, program)]) {
    program.addCommand(command.copyInheritedSettings(program))
  }
  return program
}

const EXIT_CODES = `
Exit codes: 0 = nothing wrong, 1 = found what it looks for (lint: problems; plan: a Service loses or moves;
drain: an address that nobody would answer for; probe: no answer, or several stations; peers, routes: no session),
2 = could not run. INVAR_DEBUG=1 shows where an error comes from.`

interface OutputFlags {
  readonly output: Format
}

function withOutput(command: Command): Command {
  const option = new Option('-o, --output <format>', 'how to print').choices(FORMATS).default('text')
  return command.addOption(option)
}

function withCluster(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig; default $KUBECONFIG, ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig; default the current one')
    .option('-n, --namespace <name>', 'namespace of Services; default that of the context')
    .option(
      '--install-namespace <name>',
      'namespace of the metallb.io resources; default: where the controller reports',
    )
    .option('--lb-class <class>', 'load balancer class that the controller serves; default: Services without one')
}

function examples(name: string, lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${name} ${line}`).join('\n')}`
}

const FILES = 'file or folder of manifests, or - for standard input; may be given several times'
const collected = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value]

function lintCommand(name: string, present: Present): Command {
  const command = new Command('lint')
    .description('check manifests without a cluster: structure, values, and how the objects go together')
    .requiredOption('-f, --filename <name>', FILES, collected)
    .option('--install-namespace <name>', 'refuse metallb.io resources that lie elsewhere')
    .option('--lb-class <class>', 'load balancer class that the controller serves; default: Services without one')
    .addHelpText('after', examples(name, ['lint -f pools.yaml', 'lint -f deploy/ -o json', 'lint -f - < all.yaml']))
    .action(async ({ filename, installNamespace, lbClass, output }: LintFlags) => {
      const { runLint } = await import('./lint-command.ts')
      present(runLint(filename, { installNamespace, lbClass }), output)
    })
  return withOutput(command)
}

interface LintFlags extends OutputFlags {
  readonly filename: readonly string[]
  readonly installNamespace?: string
  readonly lbClass?: string
}

function poolsCommand(name: string, present: Present): Command {
  const command = new Command('pools')
    .description('list the pools: what they have, what is in use, what is wrong with them')
    .addHelpText('after', examples(name, ['pools', 'pools -o wide', 'pools --context prod -o json']))
    .action(async ({ output, ...flags }: ClusterFlags & OutputFlags) => {
      const { runPools } = await import('./cluster-commands.ts')
      present(await runPools(flags), output)
    })
  return withOutput(withCluster(command))
}

function explainCommand(name: string, present: Present): Command {
  const command = new Command('explain')
    .description('say why a Service has its address, or none, and who announces it')
    .argument('<service>', 'svc/NAME or NAME')
    .addHelpText('after', examples(name, ['explain svc/web', 'explain svc/web -n shop -o yaml']))
    .action(async (service: string, { output, ...flags }: ClusterFlags & OutputFlags) => {
      const { runExplain } = await import('./cluster-commands.ts')
      present(await runExplain(service, flags), output)
    })
  return withOutput(withCluster(command))
}

function planCommand(name: string, present: Present): Command {
  const command = new Command('plan')
    .description('say which Services would keep, lose, gain or move addresses if objects were applied; changes nothing')
    .option('-f, --filename <name>', FILES, collected)
    .option('--delete <kind/name>', 'plan without this object; may be given several times', collected)
    .addHelpText('after', examples(name, ['plan -f pools.yaml', 'plan --delete ipaddresspool/old -f new.yaml -o json']))
    .action(async ({ output, filename = [], delete: deletions = [], ...flags }: PlanFlags) => {
      const { runPlan } = await import('./cluster-commands.ts')
      present(await runPlan(filename, deletions, flags), output)
    })
  return withOutput(withCluster(command))
}

interface PlanFlags extends ClusterFlags, OutputFlags {
  readonly filename?: readonly string[]
  readonly delete?: readonly string[]
}

function ownersCommand(name: string, present: Present): Command {
  const command = new Command('owners')
    .description('say which node answers for which address on layer 2, since when, and why that node')
    .argument('[target]', 'an address, svc/NAME or NAME; default: all')
    .addHelpText('after', examples(name, ['owners', 'owners 192.0.2.10', 'owners svc/web -n shop -o json']))
    .action(async (target: string | undefined, { output, ...flags }: ClusterFlags & OutputFlags) => {
      const { runOwners } = await import('./cluster-commands.ts')
      present(await runOwners(target, flags), output)
    })
  return withOutput(withCluster(command))
}

function drainCommand(name: string, present: Present): Command {
  const command = new Command('drain')
    .description('say where the addresses of a node would go if it were cordoned and emptied; changes nothing')
    .argument('<node>', 'name of the node')
    .requiredOption('--simulate', 'the only way there is: kubectl drain does it')
    .addHelpText('after', examples(name, ['drain node-a --simulate', 'drain node-a --simulate -o json']))
    .action(async (node: string, { output, ...flags }: ClusterFlags & OutputFlags) => {
      const { runDrain } = await import('./cluster-commands.ts')
      present(await runDrain(node, flags), output)
    })
  return withOutput(withCluster(command))
}

function withSpeaker(command: Command): Command {
  return withCluster(command)
    .option('--local', 'ask the speaker of the machine that this runs on, by its socket')
    .option('--socket <path>', 'socket of that speaker, its --local-socket', DEFAULT_SOCKET)
}

export interface SpeakerFlags extends ClusterFlags, OutputFlags {
  readonly node?: string
  readonly local?: boolean
  readonly socket: string
}

function probeCommand(name: string, present: Present): Command {
  const command = new Command('probe')
    .description('ask the network who answers for an address, from a node that does not own it')
    .argument('<address>', 'IPv4 or IPv6')
    .option('--node <name>', 'ask from this node; default: one that does not report that it answers')
    .option('--wait <milliseconds>', 'for so long answers are collected', '1000')
    .addHelpText('after', examples(name, ['probe 192.0.2.10', 'probe 2001:db8::10 --node node-b -o json']))
    .action(async (address: string, { output, ...flags }: ProbeFlags) => {
      const { runProbe } = await import('./probe-command.ts')
      present(await runProbe(address, flags), output)
    })
  return withOutput(withSpeaker(command))
}

function peersCommand(name: string, present: Present): Command {
  const command = new Command('peers')
    .description('say how it stands with the BGP peers of every node: state, routes, BFD, and why a session is down')
    .option('--node <name>', 'of this node alone')
    .addHelpText('after', examples(name, ['peers', 'peers --node node-b -o wide', 'peers -o json']))
    .action(async ({ output, ...flags }: SpeakerFlags) => {
      const { runPeers } = await import('./bgp-commands.ts')
      present(await runPeers(flags), output)
    })
  return withOutput(withSpeaker(command))
}

function routesCommand(name: string, present: Present): Command {
  const command = new Command('routes')
    .description('list what the BGP peers have been told: routes, attributes, and the BGPAdvertisements they come from')
    .argument('[peer]', 'name of a BGPPeer; default: all')
    .option('--node <name>', 'from this node alone')
    .addHelpText('after', examples(name, ['routes', 'routes tor --node node-b', 'routes tor -o json']))
    .action(async (peer: string | undefined, { output, ...flags }: SpeakerFlags) => {
      const { runRoutes } = await import('./bgp-commands.ts')
      present(await runRoutes(peer, flags), output)
    })
  return withOutput(withSpeaker(command))
}

/** As deploy/invar.yaml has it. */
const DEFAULT_SOCKET = '/var/lib/invar/speaker/speaker.sock'

export interface ProbeFlags extends SpeakerFlags {
  readonly wait: string
}

function rotateKeyCommand(name: string, present: Present): Command {
  const command = new Command('rotate-key')
    .description('give the speakers another key to know each other by, step by step, so that none is taken for dead')
    .option('--secret <name>', 'Secret with the key, in the namespace of Invar', 'memberlist')
    .option('--wait <seconds>', 'between two steps: until every speaker has seen the last one', '30')
    .addHelpText('after', examples(name, ['rotate-key', 'rotate-key --wait 60']))
    .action(async ({ output, ...flags }: RotateKeyFlags) => {
      const { runRotateKey } = await import('./rotate-key.ts')
      present(await runRotateKey(flags), output)
    })
  return withOutput(withCluster(command))
}

export interface RotateKeyFlags extends ClusterFlags, OutputFlags {
  readonly secret: string
  readonly wait: string
}

function versionCommand(present: Present): Command {
  const command = new Command('version').description('print the version').action(async ({ output }: OutputFlags) => {
    const { versionReport } = await import('./version.ts')
    present(versionReport(), output)
  })
  return withOutput(command)
}

function completionCommand(name: string, program: Command): Command {
  return new Command('completion')
    .description('print a script that completes commands and flags in a shell')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText('after', `\nExamples:\n  source <(${name} completion bash)\n  ${name} completion fish | source`)
    .action((shell: string) => {
      process.stdout.write(completionScript(shell, program))
    })
}
