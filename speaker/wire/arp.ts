import { PacketLanes, type PacketSocket } from '../../native/index.ts'
import {
  ARP_FRAME_BYTES,
  type ArpStation,
  answerInto,
  arpAnnouncement,
  arpProbe,
  arpRequest,
  arpStation,
  CLAIM,
  claimAt,
  targetIpv4At,
  VERDICT_MASK,
  VERDICTS,
  Verdict,
} from '../../net/arp/index.ts'
import { type Address, prefixContains } from '../../net/ip/index.ts'
import type { IgnoredCounters } from './counters.ts'
import type { Held } from './holdings.ts'
import type { UsableInterface } from './interfaces.ts'
import { Outbox } from './outbox.ts'
import type { Responder, ResponderContext } from './responder.ts'

const IGNORED = VERDICTS.map((verdict) => `arp-${verdict}`)

/** Frames of each lane that may wait while the send buffer is full. */
const QUEUE_CAPACITY = 256

/** Answers ARP requests on one interface, from the callback of the socket to the reply without an allocation. */
export class ArpResponder implements Responder {
  readonly family = 4
  readonly #interface: UsableInterface
  readonly #context: ResponderContext
  readonly #ignored: IgnoredCounters
  readonly #station: ArpStation
  readonly #lanes: PacketLanes
  readonly #outbox: Outbox

  /** Throws an Error with `code` when the socket cannot be opened. */
  constructor(usable: UsableInterface, context: ResponderContext) {
    this.#interface = usable
    this.#context = context
    this.#ignored = context.ignored
    const { name } = usable
    const { holdings } = context
    this.#station = arpStation(usable.mac, (ipv4) => holdings.ipv4Holding(ipv4, name), context.isOwnMac)
    this.#lanes = new PacketLanes({
      interfaceIndex: usable.index,
      protocol: 'arp',
      secret: context.secret,
      queueCapacity: QUEUE_CAPACITY,
      onFrames: (lane, count) => this.#answer(lane, count),
      onDown: () => context.onDown(this),
    })
    this.#outbox = new Outbox(this.#lanes.first)
  }

  announce(held: Held): void {
    for (const frame of arpAnnouncement(this.#interface.mac, held.address)) this.#outbox.add(frame)
    held.counters.gratuitousSent += 2
  }

  probe(address: Address): void {
    this.#outbox.add(arpProbe(this.#interface.mac, address))
  }

  ask(address: Address, { mac, ipv4 }: UsableInterface): void {
    const sender = ipv4.find(({ prefix }) => prefixContains(prefix, address)) ?? ipv4[0]
    this.#outbox.add(sender ? arpRequest({ mac, ip: sender.address }, address) : arpProbe(mac, address))
  }

  flush(): void {
    this.#outbox.flush()
  }

  close(): void {
    this.#lanes.close()
  }

  #answer(lane: PacketSocket, count: number): number {
    const { received, sending } = lane
    const station = this.#station
    const mayAnswer = this.#context.mayAnswer()
    let replies = 0
    let claims: number[] | undefined
    for (let slot = 0; slot < count; slot++) {
      const at = slot * received.slotBytes
      const output = replies * sending.slotBytes
      const verdict = answerInto(received.bytes, at, received.lengths[slot]!, sending.bytes, output, station)
      if ((verdict & CLAIM) !== 0) {
        claims ??= []
        claims.push(at)
      }
      const outcome = verdict & VERDICT_MASK
      if (outcome !== Verdict.Replied) this.#ignored.add(IGNORED[outcome]!)
      else if (!mayAnswer) this.#ignored.add('arp-stood-still')
      else {
        sending.lengths[replies] = ARP_FRAME_BYTES
        replies += 1
        this.#count(targetIpv4At(received.bytes, at))
      }
    }
    return claims === undefined ? replies : this.#reportClaims(lane, claims, replies)
  }

  /** What follows from a claim may announce, which uses the same slots: the replies leave first. */
  #reportClaims(lane: PacketSocket, claims: readonly number[], replies: number): number {
    const seen = claims.map((at) => claimAt(lane.received.bytes, at))
    if (replies > 0) lane.send(replies)
    for (const claim of seen) this.#context.onClaim(claim, this.#interface.name)
    return 0
  }

  #count(ipv4: number): void {
    const counters = this.#context.holdings.ipv4(ipv4)?.counters
    if (counters === undefined) return
    counters.requestsReceived += 1
    counters.responsesSent += 1
  }
}
