/**
 * Speakers without sockets: the real machines of net/membership and net/l2, the real ARP codec and responder, joined
 * by simulated segments under virtual time. What a client would get as an answer is asked with a real ARP request.
 */
import { ArpOperation, arpAnnouncement, arpProbe, decodeArp, encodeArp, judgeArp } from '../net/arp/index.ts'
import {
  BROADCAST_MAC,
  decodeFrame,
  ETHERNET_HEADER_BYTES,
  EtherType,
  encodeFrame,
  formatMac,
} from '../net/ethernet/index.ts'
import { type Address, formatAddress, parseAddress } from '../net/ip/index.ts'
import * as l2 from '../net/l2/index.ts'
import * as membership from '../net/membership/index.ts'
import { VirtualClock } from './clock.ts'
import { FAIR, Segment, type Weather } from './network.ts'
import { SeededRandom } from './random.ts'

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

type Packet =
  | { readonly kind: 'arp'; readonly frame: Uint8Array }
  | { readonly kind: 'heartbeat'; readonly bytes: Uint8Array }

export const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')
const CLIENT_MAC = 0x02_ff_00_00_00_01
const STRANGER_MAC = 0x02_ff_00_00_00_99

/** One process of a speaker; a restart makes a new one. */
class Speaker {
  readonly node: string
  readonly holdings = new Map<string, readonly string[]>()
  readonly #watched = new Map<string, readonly string[]>()
  readonly conflicts: string[] = []
  /** Announcements sent. */
  announcements = 0
  hasLeft = false
  readonly #world: World
  readonly #membership: membership.State
  readonly #l2: l2.State
  #up: readonly string[]
  #announceable: readonly string[] = []
  #isDead = false
  #frozen: (() => void)[] | undefined
  readonly #rate: number
  /** Its own clock, which starts anew with the machine and never runs backwards. */
  #time = 0

  constructor(world: World, node: string, bootId: bigint, rate: number) {
    this.#world = world
    this.node = node
    this.#rate = rate
    this.#up = world.segmentNames
    this.#membership = membership.initial({ node, bootId })
    this.#l2 = l2.initial({ ...l2.DEFAULT_OPTIONS, node })
  }

  start(services: readonly l2.WantedService[]): void {
    this.interfacesUp(this.#up)
    this.configure([KEY], this.#world.nodes)
    this.desire(services)
  }

  /** Keys newest first, and the members that the API server has told of. */
  configure(keys: readonly Uint8Array[], nodes: readonly string[]): void {
    this.#heartbeat({ kind: 'configure', keys, members: nodes.map((node) => ({ node, addresses: [node] })) })
  }

  desire(services: readonly l2.WantedService[]): void {
    this.#decide({ kind: 'desired', isComplete: true, services })
  }

  /** One Service is new or has changed; heard of when awake. */
  change(service: l2.WantedService): void {
    this.#whenAwake(() => this.#decide({ kind: 'desired', isComplete: false, services: [service] }))
  }

  #now(): number {
    this.#time = Math.max(this.#time, this.#world.clock.now * this.#rate)
    return this.#time
  }

  /** A timer that never rings before its time, however the rates round. */
  #ringAt(at: number, wake: () => void): void {
    const ring = () => {
      this.#time = Math.max(this.#time, at)
      wake()
    }
    this.#world.clock.at(at / this.#rate, () => this.#whenAwake(ring))
  }

  interfacesUp(names: readonly string[]): void {
    this.#up = names
    const interfaces = names.map((name) => ({ name, mac: formatMac(this.#world.macOf(this.node, name)) }))
    this.#heartbeat({ kind: 'interfaces', interfaces })
    this.#tellInterfaces()
  }

  leave(): void {
    this.#heartbeat({ kind: 'leave' })
    this.#decide({ kind: 'leave' })
  }

  die(): void {
    this.#isDead = true
    this.holdings.clear()
  }

  /** Stands still; what arrives waits in its sockets. */
  freeze(): void {
    this.#frozen ??= []
  }

  thaw(): void {
    const waiting = this.#frozen ?? []
    this.#frozen = undefined
    for (const event of waiting) event()
  }

  receive(segment: string, packet: Packet): void {
    this.#whenAwake(() => {
      if (!this.#up.includes(segment)) return
      if (packet.kind === 'heartbeat') this.#heartbeat({ kind: 'datagram', bytes: packet.bytes, interface: segment })
      else this.#receiveArp(segment, packet.frame)
    })
  }

  receiveUnicast(bytes: Uint8Array): void {
    this.#whenAwake(() => this.#heartbeat({ kind: 'datagram', bytes, interface: undefined }))
  }

  #whenAwake(event: () => void): void {
    if (this.#isDead) return
    if (this.#frozen === undefined) event()
    else this.#frozen.push(() => this.#isDead || event())
  }

  #receiveArp(segment: string, frame: Uint8Array): void {
    // What has waited while we stood still was asked of whoever answers by now.
    const mayAnswer = membership.mayAnswer(this.#membership, this.#now())
    const { answer, claim } = judgeArp(frame, {
      mac: this.#world.macOf(this.node, segment),
      holding: (ip) => this.#holding(ip, segment),
      isOwnMac: (mac) => this.#up.some((name) => this.#world.macOf(this.node, name) === mac),
    })
    if (mayAnswer && answer.kind === 'reply')
      this.#world.transmit(this.node, segment, { kind: 'arp', frame: answer.frame })
    if (claim === undefined) return
    const { ip, mac, isProbe } = claim
    this.#decide({ kind: 'claim', ip: formatAddress(ip), interface: segment, mac: formatMac(mac), isProbe })
  }

  #holding(ip: Address, segment: string) {
    const text = formatAddress(ip)
    if (this.#watched.get(text)?.includes(segment)) return 'watched'
    const interfaces = this.holdings.get(text)
    if (interfaces === undefined) return 'nowhere'
    return interfaces.includes(segment) ? 'here' : 'elsewhere'
  }

  #heartbeat(event: membership.Event): void {
    const wake = () => this.#heartbeat({ kind: 'timer' })
    for (const action of membership.step(this.#membership, event, this.#now())) {
      if (action.kind === 'arm') this.#ringAt(action.at, wake)
      else if (action.kind === 'multicast') {
        this.#world.transmit(this.node, action.interface, { kind: 'heartbeat', bytes: action.bytes })
      } else if (action.kind === 'unicast') this.#world.transmitUnicast(this.node, action.address, action.bytes)
      else if (action.kind === 'left') this.hasLeft = true
      else if (action.kind === 'announceable') {
        this.#announceable = action.interfaces
        this.#tellInterfaces()
      } else if (action.kind === 'members') {
        this.#decide({ kind: 'members', members: action })
      }
    }
  }

  /** Carrier is the kernel's news and counts at once; the rest is membership's judgement. */
  #tellInterfaces(): void {
    const names = this.#announceable.filter((name) => this.#up.includes(name))
    const usable = new Map(names.map((name) => [name, formatMac(this.#world.macOf(this.node, name))]))
    this.#decide({ kind: 'interfaces', usable })
  }

  #decide(event: l2.Event): void {
    // Membership is the first to notice that this process stood still, or old plans would be carried out.
    if (membership.isStale(this.#membership, this.#now())) this.#heartbeat({ kind: 'timer' })
    const wake = () => this.#decide({ kind: 'timer' })
    for (const action of l2.step(this.#l2, event, this.#now())) {
      if (action.kind === 'arm') this.#ringAt(action.at, wake)
      else if (action.kind === 'conflict') this.conflicts.push(action.mac)
      else if (action.kind === 'announce') this.#announce(action.ip, action.interface)
      else if (action.kind === 'probe') this.#probe(action.ip, action.interface)
      else if (action.kind === 'released') this.#world.released(this.node)
      else this.#hold(action)
    }
  }

  #hold(action: l2.Action): void {
    if (action.kind === 'own') {
      this.#watched.delete(action.ip)
      this.holdings.set(action.ip, action.interfaces)
      this.#world.took(this.node, action.ip)
    } else if (action.kind === 'watch') {
      this.holdings.delete(action.ip)
      this.#watched.set(action.ip, action.interfaces)
    } else if (action.kind === 'disown') {
      this.#watched.delete(action.ip)
      this.holdings.delete(action.ip)
    }
  }

  #probe(ip: string, name: string): void {
    const frame = arpProbe(this.#world.macOf(this.node, name), parseAddress(ip)!)
    this.#world.transmit(this.node, name, { kind: 'arp', frame })
  }

  #announce(ip: string, name: string): void {
    this.announcements++
    for (const frame of arpAnnouncement(this.#world.macOf(this.node, name), parseAddress(ip)!)) {
      this.#world.transmit(this.node, name, { kind: 'arp', frame })
    }
  }
}

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
  start(node: string): void {
    const speaker = new Speaker(this, node, this.#boots++, 1 + this.random.between(-this.#drift, this.#drift))
    this.#speakers.set(node, speaker)
    for (const [name, segment] of this.segments) segment.attach(node, (packet) => speaker.receive(name, packet))
    this.#routed.attach(node, (bytes) => speaker.receiveUnicast(bytes))
    speaker.start(this.services)
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
