/** Completion of commands and flags for shells, made from the program itself. */
import type { Command } from 'commander'
import { CannotRun } from './cannot-run.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** @throws CannotRun where the shell is none of `SHELLS` */
export function completionScript(shell: string, program: Command): string {
  const words = wordsOf(program)
  const name = program.name().split(' ').at(-1) === 'invar' ? 'kubectl-invar' : program.name()
  switch (shell) {
    case 'bash':
      return bash(name, words)
    case 'zsh':
      return `#compdef ${name}\nautoload -U +X bashcompinit && bashcompinit\n${bash(name, words)}`
    case 'fish':
      return fish(name, words)
    default:
      throw new CannotRun(`there is no completion for ${shell}`, `choose ${SHELLS.join(', ')}`)
  }
}

interface CommandWords {
  readonly command: string
  readonly about: string
  readonly flags: readonly { readonly long: string; readonly short: string | undefined; readonly about: string }[]
}

function wordsOf(program: Command): readonly CommandWords[] {
  return program.commands.map((command) => ({
    command: command.name(),
    about: command.description(),
    flags: command.options.map(({ long, short, description }) => ({ long: long!, short, about: description })),
  }))
}

function bash(name: string, words: readonly CommandWords[]): string {
  const cases = words.map(({ command, flags }) => {
    const list = flags.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long])).join(' ')
    return `    ${command}) words="${list} --help" ;;`
  })
  const shellFunction = `_${name.replaceAll('-', '_')}`
  return `${shellFunction}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words
  case "$previous" in
    -f|--filename|--file|--kubeconfig) COMPREPLY=($(compgen -f -- "$current")); return ;;
    -o|--output) COMPREPLY=($(compgen -W "text wide json yaml" -- "$current")); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${words.map(({ command }) => command).join(' ')} --help --version" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F ${shellFunction} ${name}
`
}

function fish(name: string, words: readonly CommandWords[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`
  const lines = words.flatMap(({ command, about, flags }) => [
    `complete -c ${name} -f -n __fish_use_subcommand -a ${command} -d ${quoted(about)}`,
    ...flags.map(({ long, short, about: use }) => {
      const letter = short === undefined ? '' : ` -s ${short.slice(1)}`
      const files = ['--filename', '--file', '--kubeconfig'].includes(long) ? ' -F' : ''
      const seen = quoted(`__fish_seen_subcommand_from ${command}`)
      return `complete -c ${name} -n ${seen}${letter} -l ${long.slice(2)} -r${files} -d ${quoted(use)}`
    }),
  ])
  return `${lines.join('\n')}\n`
}
