/** A real wire thread in a process of its own, in a network namespace: what a speaker is on the wire, without Kubernetes. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { DesiredService, FromWire, GatewayProbe, OwnershipChange, ToWire } from '../speaker/wire/messages.ts'
import { Inbox } from './inbox.ts'
import type { Namespace } from './netns.ts'

const MAIN = fileURLToPath(new URL('./wire-node-main.ts', import.meta.url))

export const HEARTBEAT_PORT = 7946
export const TEST_KEY = new Uint8Array(32).fill(7)

/** As the wire thread reports it, but each change of ownership by itself. */
export type Observation =
  | Exclude<FromWire, { readonly kind: 'ownership' }>
  | (OwnershipChange & { readonly kind: 'ownership' })

export class WireNode {
  readonly name: string
  readonly #process: ChildProcess
  readonly #inbox: Inbox<Observation>

  constructor(name: string, process: ChildProcess) {
    this.name = name
    this.#process = process
    this.#inbox = new Inbox(name)
    process.on('message', (message: FromWire) => this.#take(message))
    process.on('exit', () => this.#inbox.end('its process has ended'))
  }

  get messages(): readonly Observation[] {
    return this.#inbox.messages
  }

  get pid(): number {
    return this.#process.pid!
  }

  post(message: ToWire): void {
    this.#process.send(message)
  }

  /** The first message from now on that matches; fails when none came for long. */
  next<Kind extends Observation['kind']>(
    kind: Kind,
    matches: (message: Observation & { kind: Kind }) => boolean = () => true,
  ): Promise<Observation & { kind: Kind }> {
    const isOfKind = (message: Observation): message is Observation & { kind: Kind } => message.kind === kind
    const isWanted = (message: Observation) => isOfKind(message) && matches(message)
    return this.#inbox.next(`${kind} where ${matches}`, isWanted, isOfKind) as Promise<Observation & { kind: Kind }>
  }

  /** As `next`, but at once if the latest message of the kind matches. */
  async when<Kind extends Observation['kind']>(
    kind: Kind,
    matches: (message: Observation & { kind: Kind }) => boolean,
  ): Promise<void> {
    const ofKind = (message: Observation): message is Observation & { kind: Kind } => message.kind === kind
    const latest = this.messages.filter(ofKind).at(-1)
    if (latest === undefined || !matches(latest)) await this.next<Kind>(kind, matches)
  }

  #take(message: FromWire): void {
    if (message.kind !== 'ownership') this.#inbox.take(message)
    else for (const change of message.changes) this.#inbox.take({ kind: 'ownership', ...change })
  }

  /** One Service for each address, and no others. */
  desire(addresses: readonly string[], candidates: readonly string[], interfaces?: readonly string[]): void {
    this.post({ kind: 'desired', complete: true, services: servicesOf(addresses, candidates, interfaces) })
  }

  /** These too: they came while the speaker ran. */
  desireAlso(addresses: readonly string[], candidates: readonly string[]): void {
    this.post({ kind: 'desired', complete: false, services: servicesOf(addresses, candidates, undefined) })
  }

  /** Resolves when the node answers for the address, or has ceased to. */
  async owns(ip: string, owned = true): Promise<void> {
    await this.next('ownership', (message) => message.ip === ip && message.owned === owned)
  }

  /** Its process stands still, as under a hypervisor that does not run it; what is sent to it waits. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** As a speaker told to end (SIGTERM): hands over, then its process ends. */
  async leave(): Promise<void> {
    const left = this.next('left')
    this.post({ kind: 'leave' })
    await left
    await this.kill()
  }

  /** Power cut. */
  async kill(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }
}

function servicesOf(
  addresses: readonly string[],
  candidates: readonly string[],
  interfaces: readonly string[] | undefined,
): DesiredService[] {
  return addresses.map((ip) => ({ key: `test/${ip}`, layer2: [{ ip, candidates, interfaces }] }))
}

export interface WireNodeOptions {
  readonly name: string
  /** All members, this one included; none = nobody watches who is alive. */
  readonly members?: readonly { readonly node: string; readonly addresses: readonly string[] }[]
  readonly exclude?: readonly string[]
  /** Default: off. */
  readonly probeNewAddresses?: boolean
  readonly gatewayProbe?: GatewayProbe
  /** Another program than wire-node-main.ts around the wire thread. */
  readonly main?: string
}

/** Resolves when the sockets are open. */
export async function startWireNode(
  namespace: Namespace,
  options: WireNodeOptions,
  wrapper: readonly string[] = [],
): Promise<WireNode> {
  const [command, ...args] = [...wrapper, process.execPath, options.main ?? MAIN]
  const child = namespace.spawn(command!, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  } as object)
  const node = new WireNode(options.name, child)
  const ready = node.next('ready')
  node.post({ kind: 'exclude-interfaces', patterns: options.exclude ?? ['^lo$'] })
  node.post({
    kind: 'start',
    node: options.name,
    refreshIntervalMs: 0,
    probeNewAddresses: options.probeNewAddresses ?? false,
    gatewayProbe: options.gatewayProbe,
  })
  const { members } = options
  const membership = members && { port: HEARTBEAT_PORT, keys: [TEST_KEY], members }
  node.post({ kind: 'membership', membership })
  await ready
  return node
}
