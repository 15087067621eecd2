/** A speaker without sockets: the real machines of net/membership and net/l2 with the real ARP responder. */
import { arpAnnouncement, arpProbe, judgeArp } from '../net/arp/index.ts'
import { formatMac } from '../net/ethernet/index.ts'
import { type Address, formatAddress, parseAddress } from '../net/ip/index.ts'
import * as l2 from '../net/l2/index.ts'
import * as membership from '../net/membership/index.ts'
import type { World } from './world.ts'

export type Packet =
  | { readonly kind: 'arp'; readonly frame: Uint8Array }
  | { readonly kind: 'heartbeat'; readonly bytes: Uint8Array }

export const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')

/** One process of a speaker; a restart makes a new one. */
export class Speaker {
  readonly node: string
  readonly holdings = new Map<string, readonly string[]>()
  readonly #watched = new Map<string, readonly string[]>()
  readonly conflicts: string[] = []
  /** Announcements sent. */
  announcements = 0
  /** Reports on who owns what. */
  reports = 0
  /** The most that one step of layer 2 led to. */
  longestStep = 0
  #alive: readonly string[] = []
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

  /** Outdated: what it is told to do is from an earlier life. */
  start(services: readonly l2.WantedService[], isOutdated = false): void {
    this.interfacesUp(this.#up)
    this.configure([KEY], this.#world.nodes)
    this.desire(services, isOutdated)
  }

  /** Keys newest first, and the members that the API server has told of. */
  configure(keys: readonly Uint8Array[], nodes: readonly string[]): void {
    this.#heartbeat({ kind: 'configure', keys, members: nodes.map((node) => ({ node, addresses: [node] })) })
  }

  desire(services: readonly l2.WantedService[], isOutdated = false): void {
    this.#decide({ kind: 'desired', isComplete: true, isOutdated, services })
  }

  /** One Service is new or has changed; heard of when awake. */
  change(service: l2.WantedService): void {
    this.#whenAwake(() => this.#decide({ kind: 'desired', isComplete: false, services: [service] }))
  }

  #now(): number {
    this.#time = Math.max(this.#time, this.#world.clock.now() * this.#rate)
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
        this.#world.buried += this.#alive.filter((node) => action.silent.has(node)).length
        this.#alive = [...action.alive.keys()]
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
    // Membership comes first, and notices whether this process stood still, or old plans would be carried out.
    if (membership.isDue(this.#membership, this.#now())) this.#heartbeat({ kind: 'timer' })
    const wake = () => this.#decide({ kind: 'timer' })
    const actions = l2.step(this.#l2, event, this.#now())
    this.longestStep = Math.max(this.longestStep, actions.length)
    for (const action of actions) {
      if (action.kind === 'arm') this.#ringAt(action.at, wake)
      else if (action.kind === 'conflict') this.conflicts.push(action.mac)
      else if (action.kind === 'announce') this.#announce(action.ip, action.interface)
      else if (action.kind === 'probe') this.#probe(action.ip, action.interface)
      else if (action.kind === 'released') this.#world.released(this.node)
      else if (action.kind === 'ownership') this.reports++
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
