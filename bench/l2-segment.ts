/**
 * What the benches of layer 2 share: nodes with a real wire thread each on one LAN, a client that asks for an address
 * by ARP and sends traffic to it, and a backend that the nodes forward the traffic to. The backend answers the client
 * itself, so that a connection survives whichever node it comes through, as it does behind kube-proxy.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { buildProgram } from '../native/build.ts'
import { systemRandom } from '../runtime/random.ts'
import type { DesiredService } from '../speaker/wire/messages.ts'
import { createLan, deleteNamespace, type Host, type Lan, type Namespace } from '../testkit/netns.ts'
import { startWireNode, type WireNode } from '../testkit/wire-node.ts'

export const VIP = '10.98.2.1'
const CLIENT = { name: 'client', addresses: ['10.98.1.1/16'] }
const BACKEND = { name: 'backend', addresses: ['10.98.1.2/16'] }
const PORT = 7000

/** Milliseconds since 1970, as the clients' kernel stamps them. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now()
}

/** What is to be announced, given the nodes in the order in which they are preferred. */
export type Wanted = (order: readonly string[]) => readonly DesiredService[]

function theAddress(order: readonly string[]): readonly DesiredService[] {
  return [serviceFor(VIP, order)]
}

export function serviceFor(ip: string, candidates: readonly string[]): DesiredService {
  return { key: `test/${ip}`, layer2: [{ ip, candidates, interfaces: undefined }] }
}

export class Segment {
  readonly lan: Lan
  readonly names: readonly string[]
  readonly #nodes = new Map<string, WireNode>()
  readonly #wanted: Wanted
  #order: readonly string[]

  private constructor(lan: Lan, names: readonly string[], wanted: Wanted) {
    this.lan = lan
    this.names = names
    this.#wanted = wanted
    this.#order = names
  }

  /** So many nodes, all running; `wanted` says what they shall announce, the address alone if it is not given. */
  static async start(count: number, wanted: Wanted = theAddress): Promise<Segment> {
    const names = Array.from({ length: count }, (_, index) => `n${index + 1}`)
    const lan = createLan([CLIENT, BACKEND])
    const segment = new Segment(lan, names, wanted)
    for (const name of names) segment.#addHost(name)
    const backend = lan.host('backend')
    backend.run('ip', 'address', 'add', `${VIP}/32`, 'dev', 'lo')
    settings(backend, { 'ipv4/conf/all/arp_ignore': 1, 'ipv4/conf/all/arp_announce': 2 })
    for (const name of names) await segment.startNode(name)
    return segment
  }

  node(name: string): WireNode {
    return this.#nodes.get(name)!
  }

  host(name: string): Host {
    return this.lan.host(name)
  }

  nameOf(mac: string): string | undefined {
    return this.names.find((name) => macOf(this.names.indexOf(name)) === mac)
  }

  /** Which of them is to own the address, best first; those that run are told now, the others when they start. */
  desire(order: readonly string[]): void {
    this.#order = order
    for (const node of this.#nodes.values()) this.#tell(node)
  }

  async startNode(name: string): Promise<void> {
    const members = this.names.map((node, index) => ({ node, addresses: [addressOf(index)] }))
    const node = await startWireNode(this.host(name), { name, members })
    this.#nodes.set(name, node)
    this.#tell(node)
  }

  /** As `desire`, one node after the other, each up to so much later: as they learn of a change. */
  async desireInTurn(order: readonly string[], maxDelayMs: number): Promise<void> {
    this.#order = order
    for (const node of shuffled([...this.#nodes.values()])) {
      await delay(maxDelayMs * systemRandom())
      this.#tell(node)
    }
  }

  #tell(node: WireNode): void {
    node.post({ kind: 'desired', complete: true, services: this.#wanted(this.#order) })
  }

  /** As a speaker told to end. */
  async leave(name: string): Promise<void> {
    const node = this.node(name)
    this.#nodes.delete(name)
    await node.leave()
  }

  /** Its process ends at once. */
  async forget(name: string): Promise<void> {
    const node = this.#nodes.get(name)
    this.#nodes.delete(name)
    await node?.kill()
  }

  /** Another machine of the same name and MAC: the old one's interface vanishes with its network. */
  replaceHost(name: string): void {
    deleteNamespace(this.host(name).name)
    this.#addHost(name)
  }

  /** Resolves when each hears all others. */
  async assembled(): Promise<void> {
    for (const node of this.#nodes.values()) {
      await node.when('members', ({ alive }) => alive.length === this.names.length - 1)
    }
  }

  /** As `assembled`, and the first in order answers for the address while the others know it. */
  async agreed(): Promise<void> {
    await this.assembled()
    const [owner] = this.#order
    for (const [name, node] of this.#nodes) {
      if (name === owner) await node.when('ownership', ({ owned }) => owned)
      else await node.when('ownership', ({ reason }) => reason.kind === 'lost-election' && reason.owner === owner)
    }
  }

  #addHost(name: string): void {
    const index = this.names.indexOf(name)
    const host = this.lan.add({ name, addresses: [`${addressOf(index)}/16`], mac: macOf(index) })
    settings(host, { 'ipv4/ip_forward': 1, 'ipv4/conf/all/rp_filter': 0 })
    for (const scope of ['all', 'default', 'eth0']) settings(host, { [`ipv4/conf/${scope}/send_redirects`]: 0 })
    host.run('ip', 'route', 'add', `${VIP}/32`, 'via', '10.98.1.2')
  }

  close(): void {
    this.lan.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const keyed = items.map((item) => ({ item, key: systemRandom() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

function addressOf(index: number): string {
  return `10.98.0.${index + 1}`
}

function macOf(index: number): string {
  return `02:00:00:00:98:${(index + 1).toString(16).padStart(2, '0')}`
}

function settings(namespace: Namespace, values: Readonly<Record<string, number>>): void {
  const commands = Object.entries(values).map(([path, value]) => `echo ${value} > /proc/sys/net/${path}`)
  namespace.run('sh', '-ec', commands.join('\n'))
}

/** A program of this folder in a namespace, read line by line. It ends with the LAN. */
export abstract class Reader {
  readonly process: ChildProcess
  readonly #lines: Interface

  constructor(namespace: Namespace, program: string, args: readonly string[]) {
    const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'] }
    this.process = namespace.spawn(buildProgram(`bench/${program}.c`), args, options)
    this.#lines = createInterface({ input: this.process.stdout! })
    this.#lines.on('line', (line) => this.take(line.split(' ')))
  }

  protected abstract take(words: readonly string[]): void

  /** Ends it in order and waits for its last words. */
  async end(): Promise<void> {
    const closed = once(this.#lines, 'close')
    this.process.kill('SIGTERM')
    await closed
  }
}

export interface HeardArp {
  readonly kind: 'reply' | 'claim'
  readonly atMs: number
  readonly mac: string
}

/** A client without a neighbour cache: asks for the address every 10 ms. */
export class Asker extends Reader {
  readonly heard: HeardArp[] = []
  #waiting: { readonly matches: (heard: HeardArp) => boolean; readonly resolve: (heard: HeardArp) => void }[] = []

  constructor(segment: Segment) {
    super(segment.host('client'), 'l2-asker', ['eth0', '10.98.1.1', VIP, '10000'])
  }

  /** The first from now on that matches; rejects when none comes in time. */
  next(matches: (heard: HeardArp) => boolean, limitMs: number): Promise<HeardArp> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`nobody answered for ${limitMs} ms`)), limitMs)
      const finish = (heard: HeardArp): void => {
        clearTimeout(limit)
        resolve(heard)
      }
      this.#waiting.push({ matches, resolve: finish })
    })
  }

  protected take([kind, at, mac]: readonly string[]): void {
    if (kind !== 'reply' && kind !== 'claim') return
    const heard: HeardArp = { kind, atMs: Number(at) / 1e6, mac: mac! }
    this.heard.push(heard)
    const fulfilled = this.#waiting.filter(({ matches }) => matches(heard))
    this.#waiting = this.#waiting.filter((one) => !fulfilled.includes(one))
    for (const { resolve } of fulfilled) resolve(heard)
  }
}

export interface TrafficSum {
  readonly asked: number
  readonly answered: number
  readonly longestGapMs: number
  readonly retransmitted: number
  readonly streamLongestGapMs: number
  readonly streamBytes: number
  readonly streamBytesLost: number
}

/** A client as they are: its kernel resolves the address once and believes what it hears after. */
export class Traffic extends Reader {
  readonly gaps: { readonly fromMs: number; readonly lengthMs: number }[] = []
  /** When TCP sent segments again, one entry for each. */
  readonly retransmittedAtMs: number[] = []
  #sum: TrafficSum | undefined

  private constructor(segment: Segment, intervalUs: number) {
    super(segment.host('client'), 'l2-traffic', ['ask', VIP, String(PORT), String(intervalUs)])
  }

  /** Requests by UDP at this pace and a TCP stream, from now on. */
  static async start(segment: Segment, intervalUs: number): Promise<Traffic> {
    const server = segment.host('backend').spawn(buildProgram('bench/l2-traffic.c'), ['serve', VIP, String(PORT)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(server.stdout!, 'data')
    return new Traffic(segment, intervalUs)
  }

  async sum(): Promise<TrafficSum> {
    await this.end()
    if (this.#sum === undefined) throw new Error('the client ended without its sum')
    return this.#sum
  }

  protected take([kind, ...words]: readonly string[]): void {
    if (kind === 'gap') this.gaps.push({ fromMs: Number(words[0]) / 1e6, lengthMs: Number(words[1]) / 1e6 })
    if (kind === 'again') this.#sentAgain(Number(words[0]) / 1e6, Number(words[1]))
    if (kind !== 'sum') return
    const fields = new Map(words.map((word) => word.split('=') as [string, string]))
    const field = (name: string) => Number(fields.get(name))
    this.#sum = {
      ...{ asked: field('asked'), answered: field('answered'), retransmitted: field('retransmitted') },
      longestGapMs: field('longest_gap_ns') / 1e6,
      streamLongestGapMs: field('stream_longest_gap_ns') / 1e6,
      ...{ streamBytes: field('stream_bytes'), streamBytesLost: field('stream_lost') },
    }
  }

  #sentAgain(atMs: number, total: number): void {
    while (this.retransmittedAtMs.length < total) this.retransmittedAtMs.push(atMs)
  }
}

/** Takes processor time until ended: one for each. */
export function startBusyLoops(count: number): Disposable {
  const loops = Array.from({ length: count }, () => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }))
  return {
    [Symbol.dispose]() {
      for (const loop of loops) loop.kill('SIGKILL')
    },
  }
}

/** A figure for people: one digit after the point. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

/** By the nearest rank: of 30, the 99th percentile is the largest. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}
