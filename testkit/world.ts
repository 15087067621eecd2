/**
 * Speakers without sockets: the real machines of net/membership and net/l2, the real ARP codec and responder, joined
 * by simulated segments under virtual time. What a client would get as an answer is asked with a real ARP request.
 */
import { ArpOperation, arpAnnouncement, decodeArp, encodeArp, judgeArp } from '../net/arp/index.ts'
import { BROADCAST_MAC, decodeFrame, ETHERNET_HEADER_BYTES, EtherType, encodeFrame } from '../net/ethernet/index.ts'
import { type Address, formatAddress, parseAddress } from '../net/ip/index.ts'
import type * as l2 from '../net/l2/index.ts'
import { FAIR, Segment, type Weather } from './network.ts'
import { SeededRandom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'
import { type Packet, Speaker } from './world-speaker.ts'

export interface WorldOptions {
  readonly seed: number
  /** Named `node-a`, `node-b`, ... */
  readonly nodes: number
  /** Every node has these interfaces, each on the segment of that name. Default `eth0`. */
  readonly segments?: readonly string[]
  readonly weather?: Weather
  readonly services?: readonly l2.WantedService[]
  /** Clocks run this much too fast or too slow at most, each at a rate of its own: 0.01 = one in a hundred. Default 0. */
  readonly drift?: number
  /** Other stations than the nodes' own, which may hold addresses: see `Stranger`. */
  readonly hasStranger?: boolean
}

const CLIENT_MAC = 0x02_ff_00_00_00_01
const STRANGER_MAC = 0x02_ff_00_00_00_99

export class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly nodes: readonly string[]
  readonly segmentNames: readonly string[]
  readonly segments: ReadonlyMap<string, Segment<Packet>>
  /** Nodes whose l2 machine has given everything away after `leave`. */
  readonly releasedNodes = new Set<string>()
  readonly #speakers = new Map<string, Speaker>()
  /** Unicast heartbeats go through a routed network that is never partitioned unless a test says so. */
  readonly #routed: Segment<Uint8Array>
  /** What a client on the first segment believes: the MAC last heard for each address, as its ARP cache would. */
  readonly #believed = new Map<string, number>()
  readonly #lastOwner = new Map<string, string>()
  /** How often an address has gone from one node to another, or to its first. */
  moves = 0
  /** How often a node took another for dead. */
  buried = 0
  #boots = 1n
  readonly #drift: number
  /** Addresses that a station which is no member uses, if there is one. */
  readonly strangersAddresses = new Set<string>()
  services: readonly l2.WantedService[]

  constructor(options: WorldOptions) {
    this.random = new SeededRandom(options.seed)
    this.nodes = Array.from({ length: options.nodes }, (_, index) => `node-${String.fromCharCode(97 + index)}`)
    this.segmentNames = options.segments ?? ['eth0']
    const weather = options.weather ?? FAIR
    this.segments = new Map(this.segmentNames.map((name) => [name, new Segment(this.clock, this.random, weather)]))
    this.#routed = new Segment(this.clock, this.random, weather)
    this.services = options.services ?? []
    this.#drift = options.drift ?? 0
    if (options.hasStranger === true) this.firstSegment.attach('stranger', (packet) => this.#answerAsStranger(packet))
    this.firstSegment.attach('client', (packet) => this.#believe(packet))
    for (const node of this.nodes) this.start(node)
  }

  get firstSegment(): Segment<Packet> {
    return this.segments.get(this.segmentNames[0]!)!
  }

  /** The routed network that carries unicast heartbeats. */
  get routed(): Segment<Uint8Array> {
    return this.#routed
  }

  speaker(node: string): Speaker {
    return this.#speakers.get(node)!
  }

  /** Starts a speaker, again if it was killed: with a newer boot id. */
  start(node: string, isOutdated = false): void {
    const speaker = new Speaker(this, node, this.#boots++, 1 + this.random.between(-this.#drift, this.#drift))
    this.#speakers.set(node, speaker)
    for (const [name, segment] of this.segments) segment.attach(node, (packet) => speaker.receive(name, packet))
    this.#routed.attach(node, (bytes) => speaker.receiveUnicast(bytes))
    speaker.start(this.services, isOutdated)
  }

  /** Power off: no goodbye. */
  kill(node: string): void {
    this.#speakers.get(node)?.die()
    this.#speakers.delete(node)
    for (const segment of this.segments.values()) segment.detach(node)
    this.#routed.detach(node)
  }

  desire(services: readonly l2.WantedService[]): void {
    this.services = services
    for (const speaker of this.#speakers.values()) speaker.desire(services)
  }

  /** Each speaker hears of it after a time of its own, as from the API server. */
  change(service: l2.WantedService, mostLagMs = 0): void {
    this.services = [...this.services.filter(({ key }) => key !== service.key), service]
    for (const node of this.#speakers.keys()) {
      this.clock.after(this.random.between(0, mostLagMs), () => {
        // The newest, since an older one may arrive after it here, and never does from an API server.
        const newest = this.services.find(({ key }) => key === service.key)
        this.#speakers.get(node)?.change(newest ?? { key: service.key, layer2: [] })
      })
    }
  }

  /** The stranger takes the address and says so to everybody. */
  strangerTakes(ip: string): void {
    this.strangersAddresses.add(ip)
    for (const frame of arpAnnouncement(STRANGER_MAC, parseAddress(ip)!)) {
      this.firstSegment.broadcast('stranger', { kind: 'arp', frame })
    }
  }

  #answerAsStranger(packet: Packet): void {
    if (packet.kind !== 'arp') return
    const holding = (ip: Address) => (this.strangersAddresses.has(formatAddress(ip)) ? 'here' : 'nowhere')
    const table = { mac: STRANGER_MAC, holding, isOwnMac: (mac: number) => mac === STRANGER_MAC } as const
    const { answer } = judgeArp(packet.frame, table)
    if (answer.kind === 'reply') this.transmit('stranger', this.segmentNames[0]!, { kind: 'arp', frame: answer.frame })
  }

  /** Tells a stable MAC for each interface of each node: 02:00:00:00:SS:NN. */
  macOf(node: string, segment: string): number {
    return 0x0200_0000_0000 + this.segmentNames.indexOf(segment) * 0x100 + this.nodes.indexOf(node) + 1
  }

  transmit(from: string, segment: string, packet: Packet): void {
    const to = packet.kind === 'arp' ? this.#stationOf(decodeFrame(packet.frame).destination) : undefined
    if (to === undefined) this.segments.get(segment)?.broadcast(from, packet)
    else this.segments.get(segment)?.send(from, to, packet)
  }

  /** undefined = everybody. */
  #stationOf(mac: number): string | undefined {
    if (mac === CLIENT_MAC) return 'client'
    if (mac === STRANGER_MAC) return 'stranger'
    return this.nodes.find((node) => this.segmentNames.some((segment) => this.macOf(node, segment) === mac))
  }

  transmitUnicast(from: string, to: string, bytes: Uint8Array): void {
    this.#routed.send(from, to, bytes)
  }

  /** A node began to answer for an address, or changed where. */
  took(node: string, ip: string): void {
    if (this.#lastOwner.get(ip) === node) return
    this.#lastOwner.set(ip, node)
    this.moves++
  }

  released(node: string): void {
    this.releasedNodes.add(node)
  }

  advance(ms: number): void {
    this.clock.advance(ms)
  }

  /** Nodes that answer for the address now, as they themselves see it. */
  holders(ip: string): readonly string[] {
    return [...this.#speakers.values()].filter(({ holdings }) => holdings.has(ip)).map(({ node }) => node)
  }

  /** Where the client's traffic for the address would go: the node whose MAC it heard last. */
  whoIsBelieved(ip: string): string | undefined {
    const mac = this.#believed.get(ip)
    return this.nodes.find((node) => this.segmentNames.some((segment) => this.macOf(node, segment) === mac))
  }

  /** A client asks on the first segment; replies arrive while time passes and are read by `whoIsBelieved`. */
  ask(ip: string): void {
    this.#believed.delete(ip)
    const payload = encodeArp({
      operation: ArpOperation.Request,
      senderMac: CLIENT_MAC,
      senderIp: parseAddress('192.0.2.254')!,
      targetMac: 0,
      targetIp: parseAddress(ip)!,
    })
    const frame = encodeFrame({ destination: BROADCAST_MAC, source: CLIENT_MAC, etherType: EtherType.Arp, payload })
    this.firstSegment.broadcast('client', { kind: 'arp', frame })
  }

  /** As an ARP cache does: whatever a packet says of its sender is taken. */
  #believe(packet: Packet): void {
    if (packet.kind !== 'arp') return
    const { senderIp, senderMac } = decodeArp(packet.frame.subarray(ETHERNET_HEADER_BYTES))
    this.#believed.set(formatAddress(senderIp), senderMac)
  }
}
