import { PacketSocket } from '../../native/index.ts'
import type { Address } from '../../net/ip/index.ts'
import {
  judgeNdp,
  type NdpJudgement,
  type NdpTable,
  ndpProbe,
  ndpSolicitation,
  neighborAnnouncement,
} from '../../net/ndp/index.ts'
import type { Held } from './holdings.ts'
import type { UsableInterface } from './interfaces.ts'
import { Outbox } from './outbox.ts'
import type { Responder, ResponderContext } from './responder.ts'

/** Answers neighbour solicitations on one interface. The groups that they are sent to: see solicited-groups.ts. */
export class NdpResponder implements Responder {
  readonly family = 6
  readonly #interface: UsableInterface
  readonly #linkLocal: Address
  readonly #context: ResponderContext
  readonly #table: NdpTable
  readonly #socket: PacketSocket
  readonly #outbox: Outbox

  /** Throws an Error with `code` when the socket cannot be opened. */
  constructor(usable: UsableInterface, linkLocal: Address, context: ResponderContext) {
    this.#interface = usable
    this.#linkLocal = linkLocal
    this.#context = context
    const { name, mac, index } = usable
    this.#table = {
      mac,
      linkLocal,
      holding: (ip) => context.holdings.ipv6Holding(ip.bits, name),
      isOwnMac: context.isOwnMac,
    }
    this.#socket = new PacketSocket({
      interfaceIndex: index,
      protocol: 'ndp',
      onFrames: (count) => this.#answer(count),
      onDown: () => context.onDown(this),
    })
    this.#outbox = new Outbox(this.#socket)
  }

  announce(held: Held): void {
    this.#outbox.add(neighborAnnouncement(this.#interface.mac, this.#linkLocal, held.address))
    held.counters.gratuitousSent += 1
  }

  probe(address: Address): void {
    this.#outbox.add(ndpProbe(this.#interface.mac, address))
  }

  ask(address: Address): void {
    this.#outbox.add(ndpSolicitation({ mac: this.#interface.mac, ip: this.#linkLocal }, address))
  }

  flush(): void {
    this.#outbox.flush()
  }

  close(): void {
    this.#socket.close()
  }

  #answer(count: number): number {
    const { bytes, lengths, slotBytes } = this.#socket.received
    const judgements: NdpJudgement[] = []
    for (let slot = 0; slot < count; slot++) {
      const at = slot * slotBytes
      judgements.push(judgeNdp(bytes.subarray(at, at + lengths[slot]!), this.#table))
    }
    const mayAnswer = this.#context.mayAnswer()
    for (const { answer } of judgements) {
      if (answer.kind === 'ignore') this.#context.ignored.add(`ndp-${answer.because}`)
      else if (!mayAnswer) this.#context.ignored.add('ndp-stood-still')
      else this.#reply(answer.ip, answer.frame)
    }
    this.#outbox.flush()
    for (const { claim } of judgements) {
      if (claim !== undefined) this.#context.onClaim(claim, this.#interface.name)
    }
    return 0
  }

  #reply(ip: Address, frame: Uint8Array): void {
    this.#outbox.add(frame)
    const counters = this.#context.holdings.ipv6(ip.bits)?.counters
    if (counters === undefined) return
    counters.requestsReceived += 1
    counters.responsesSent += 1
  }
}
