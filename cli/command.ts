/** How a command is declared: the flags that many have, and what every `--help` says. */
import { type Command, Option } from 'commander'
import type { ClusterFlags } from './connection.ts'
import { FORMATS, type Format, type Report } from './report.ts'

/** Prints what a command has found, and says with which code the program ends. */
export type Present = (report: Report, format: Format) => void

/** What a command is declared within. */
export interface Declaring {
  /** The program as the user typed it: `invarctl`, or `kubectl invar`. */
  readonly name: string
  readonly present: Present
  /** The whole program, for what is made from it. */
  readonly program: Command
}

/** Commands without the settings of the program; `programOf` adds these. */
export type Declare = (declaring: Declaring) => Command

export interface OutputFlags {
  readonly output: Format
}

export function withOutput(command: Command, formats: readonly Format[] = FORMATS): Command {
  const option = new Option('-o, --output <format>', 'how to print').choices(formats).default('text')
  return command.addOption(option)
}

export function withCluster(command: Command): Command {
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

/** As deploy/invar.yaml has it. */
export const DEFAULT_SOCKET = '/var/lib/invar/speaker/speaker.sock'

export interface SpeakerFlags extends ClusterFlags, OutputFlags {
  readonly node?: string
  readonly local?: boolean
  readonly socket: string
}

export function withSpeaker(command: Command): Command {
  return withCluster(command)
    .option('--local', 'ask the speaker of the machine that this runs on, by its socket')
    .option('--socket <path>', 'socket of that speaker, its --local-socket', DEFAULT_SOCKET)
}

export interface HelpWords {
  /** What stands behind the program's name. */
  readonly examples: readonly string[]
  /** What makes it end with 1; undefined = it never does. */
  readonly finds?: string
}

/** What stands below the flags of `--help`: how it is used, and how it ends. */
export function withHelp(command: Command, { name }: Declaring, { examples, finds }: HelpWords): Command {
  const found = finds === undefined ? '' : `1 = ${finds}, `
  const lines = examples.map((line) => `  ${name} ${line}`).join('\n')
  return command.addHelpText('after', `\nExamples:\n${lines}\n\nExit codes: 0 = done, ${found}2 = could not run.`)
}

/** For options that may be given several times. */
export function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
