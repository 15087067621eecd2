/**
 * The file of interface name patterns that are never announced on (spec: `announcedInterfacesToExclude`, unanchored
 * regular expressions). It is a mounted ConfigMap, which the kubelet replaces by switching a symbolic link: no file
 * event is reliable there, so it is read again at an interval.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'

const READ_INTERVAL_MS = 10_000

/** In force while no file says otherwise: interfaces of container networks and of the machine itself. */
export const DEFAULT_EXCLUDED_INTERFACES: readonly string[] = [
  '^docker.*',
  '^cbr.*',
  '^dummy.*',
  '^virbr.*',
  '^lxcbr.*',
  '^veth.*',
  '^lo$',
  '^cali.*',
  '^tunl.*',
  '^flannel.*',
  '^kube-ipvs.*',
  '^cni.*',
  '^nodelocaldns.*',
  '^lxc.*',
]

export type PatternsResult =
  | { readonly kind: 'patterns'; readonly patterns: readonly string[] }
  | { readonly kind: 'wrong'; readonly message: string }

/** What the file's text says; a pattern that is no regular expression makes the whole file wrong. */
export function readPatterns(text: string): PatternsResult {
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    return { kind: 'wrong', message: `is not YAML: ${sentenceOf(error).split('\n')[0]}` }
  }
  const list = (document as Record<string, unknown> | null)?.announcedInterfacesToExclude
  if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
    return { kind: 'wrong', message: 'has no list of texts under announcedInterfacesToExclude' }
  }
  for (const pattern of list) {
    try {
      new RegExp(pattern)
    } catch (error) {
      return { kind: 'wrong', message: `has a bad pattern: ${sentenceOf(error)}` }
    }
  }
  return { kind: 'patterns', patterns: list }
}

/** Calls `apply` at once and whenever the patterns change; a file that is wrong leaves the last good ones in force. */
export class ExcludedInterfaces {
  readonly #path: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #apply: (patterns: readonly string[]) => void
  #text: string | undefined
  #timer: TimerHandle | undefined

  constructor(path: string, clock: Clock, log: Log, apply: (patterns: readonly string[]) => void) {
    this.#path = path
    this.#clock = clock
    this.#log = log.of('exclude-interfaces')
    this.#apply = apply
  }

  start(): void {
    this.#apply(DEFAULT_EXCLUDED_INTERFACES)
    this.#read()
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
  }

  #read(): void {
    this.#timer = this.#clock.setTimeout(() => this.#read(), READ_INTERVAL_MS)
    const text = this.#textOfFile()
    if (text === this.#text) return
    this.#text = text
    const result: PatternsResult =
      text === undefined ? { kind: 'patterns', patterns: DEFAULT_EXCLUDED_INTERFACES } : readPatterns(text)
    if (result.kind === 'patterns') this.#apply(result.patterns)
    else this.#log.error('excludeFileWrong', `${this.#path} ${result.message}; the patterns read before stay in force`)
  }

  #textOfFile(): string | undefined {
    try {
      return readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      this.#log.error('excludeFileUnreadable', `cannot read ${this.#path}: ${sentenceOf(error)}`)
      return this.#text
    }
  }
}
