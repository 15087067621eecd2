/** The responders of all usable interfaces: opened, closed and told what is held, as interfaces and holdings change. */
import { MulticastGroups } from '../../native/index.ts'
import type { Mac } from '../../net/ethernet/index.ts'
import type { Address, Family } from '../../net/ip/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { ArpResponder } from './arp.ts'
import type { IgnoredCounters } from './counters.ts'
import type { Held, Holdings } from './holdings.ts'
import { identityOf, type UsableInterface } from './interfaces.ts'
import { NdpResponder } from './ndp.ts'
import { SolicitedGroups } from './solicited-groups.ts'

/** One protocol on one interface. */
export interface Responder {
  readonly family: Family
  /** Prepares one round of telling the neighbours; `flush` sends it. */
  announce(held: Held): void
  /** Prepares one question, from nobody, whether the address is free. */
  probe(address: Address): void
  /** Prepares one question who has the address; the answer comes to this node. */
  ask(address: Address, usable: UsableInterface): void
  flush(): void
  close(): void
}

/** Another station uses an address that is held, watched or asked about, or (`isProbe`) asks whether it may. */
export interface Claim {
  readonly ip: Address
  readonly mac: Mac
  readonly isProbe: boolean
}

/** What a responder needs of the rest. */
export interface ResponderContext {
  readonly holdings: Holdings
  readonly ignored: IgnoredCounters
  readonly isOwnMac: (mac: Mac) => boolean
  /** false: this thread stood still, and others may answer by now; what waited is not to be answered. */
  readonly mayAnswer: () => boolean
  /** By which askers are spread over lanes. */
  readonly secret: number
  readonly onClaim: (claim: Claim, interfaceName: string) => void
  /** Its socket is closed: the interface went down or away. */
  readonly onDown: (responder: Responder) => void
  readonly onFault: (what: string, cause: unknown) => void
}

export interface ResponderEvents {
  /** Asked for each batch of questions. */
  readonly mayAnswer: () => boolean
  readonly claim: (claim: Claim, interfaceName: string) => void
  /** A responder ended by itself; `sync` opens it again if its interface is still there. */
  readonly down: () => void
  /** Something could not be opened or joined. */
  readonly fault: (what: string, cause: unknown) => void
}

export interface RespondersOptions {
  readonly holdings: Holdings
  readonly ignored: IgnoredCounters
  readonly clock: Clock
  readonly random: Random
  readonly events: ResponderEvents
}

interface Opened {
  /** What the responder was opened with: when that changes it is opened anew. */
  readonly identity: string
  readonly responder: Responder
}

/**
 * The responders of one interface. Each is opened anew for what concerns it alone: a link-local address that becomes
 * known must not leave a question by ARP unanswered. The groups stay joined meanwhile.
 */
interface Station {
  /** An interface with another index is another interface, whatever its name. */
  readonly index: number
  readonly opened: Map<Family, Opened>
}

export class Responders {
  readonly #holdings: Holdings
  readonly #events: ResponderEvents
  readonly #context: ResponderContext
  readonly #groups: SolicitedGroups
  readonly #stations = new Map<string, Station>()
  readonly #unflushed = new Set<Responder>()
  #usable: ReadonlyMap<string, UsableInterface> = new Map()
  #ownMacs: ReadonlySet<Mac> = new Set()

  constructor({ holdings, ignored, clock, random, events }: RespondersOptions) {
    this.#holdings = holdings
    this.#events = events
    this.#groups = new SolicitedGroups({
      clock,
      open: (interfaceIndex) => new MulticastGroups(interfaceIndex),
      onFault: events.fault,
    })
    this.#context = {
      holdings,
      ignored,
      isOwnMac: (mac) => this.#ownMacs.has(mac),
      mayAnswer: events.mayAnswer,
      secret: Math.floor(random() * 2 ** 32),
      onClaim: events.claim,
      onDown: (responder) => this.#forget(responder),
      onFault: events.fault,
    }
  }

  /** Has responders on exactly these interfaces; returns the names of those where that succeeded. */
  sync(usable: readonly UsableInterface[]): ReadonlySet<string> {
    this.#ownMacs = new Set(usable.map(({ mac }) => mac))
    this.#usable = new Map(usable.map((one) => [one.name, one]))
    for (const [name, station] of this.#stations) if (!this.#usable.has(name)) this.#close(name, station)
    for (const one of usable) this.#open(one)
    return new Set(this.#stations.keys())
  }

  /** Answers for the address, or only watches it, on exactly these interfaces. */
  hold(ip: string, interfaces: readonly string[], isAnswered: boolean): void {
    const before = this.#holdings.get(ip)
    const held = this.#holdings.hold(ip, interfaces, isAnswered)
    for (const name of before?.interfaces ?? []) if (!interfaces.includes(name)) this.#leaveGroup(name, held)
    for (const name of interfaces) this.#joinGroup(name, held)
  }

  release(ip: string): void {
    const held = this.#holdings.release(ip)
    for (const name of held?.interfaces ?? []) this.#leaveGroup(name, held!)
  }

  /** One round on one interface; leaves with the next `flush`. */
  announce(ip: string, interfaceName: string): void {
    const held = this.#holdings.get(ip)
    if (held?.isAnswered) this.#prepare(interfaceName, held.address.family, (responder) => responder.announce(held))
  }

  /** One question whether the address is free; leaves with the next `flush`. */
  probe(ip: string, interfaceName: string): void {
    const address = this.#holdings.get(ip)?.address
    if (address !== undefined) this.#prepare(interfaceName, address.family, (responder) => responder.probe(address))
  }

  /** Asks at once on every interface who has the address. */
  ask(address: Address): void {
    for (const [name, usable] of this.#usable) {
      this.#prepare(name, address.family, (responder) => responder.ask(address, usable))
    }
    this.flush()
  }

  flush(): void {
    for (const responder of this.#unflushed) responder.flush()
    this.#unflushed.clear()
  }

  close(): void {
    for (const [name, station] of this.#stations) this.#close(name, station)
  }

  #prepare(interfaceName: string, family: Family, prepare: (responder: Responder) => void): void {
    const responder = this.#stations.get(interfaceName)?.opened.get(family)?.responder
    if (responder === undefined) return
    prepare(responder)
    this.#unflushed.add(responder)
  }

  #open(usable: UsableInterface): void {
    const { name, linkLocal, index, macText } = usable
    const station = this.#stationOf(usable)
    try {
      this.#renew(station, 4, macText, () => new ArpResponder(usable, this.#context))
      if (linkLocal === undefined) this.#end(station, 6)
      else {
        this.#renew(station, 6, identityOf(usable), () => new NdpResponder(usable, linkLocal, this.#context))
        this.#openGroups(index, name)
      }
    } catch (error) {
      this.#close(name, station)
      this.#events.fault(`opening packet sockets on ${name}`, error)
    }
  }

  #stationOf({ name, index }: UsableInterface): Station {
    const known = this.#stations.get(name)
    if (known?.index === index) return known
    if (known !== undefined) this.#close(name, known)
    const station: Station = { index, opened: new Map() }
    this.#stations.set(name, station)
    return station
  }

  #renew({ opened }: Station, family: Family, identity: string, open: () => Responder): void {
    if (opened.get(family)?.identity === identity) return
    this.#end({ opened }, family)
    opened.set(family, { identity, responder: open() })
  }

  #end({ opened }: Pick<Station, 'opened'>, family: Family): void {
    const one = opened.get(family)
    if (one === undefined) return
    one.responder.close()
    this.#unflushed.delete(one.responder)
    opened.delete(family)
  }

  #close(name: string, station: Station): void {
    this.#end(station, 4)
    this.#end(station, 6)
    this.#groups.close(station.index)
    this.#stations.delete(name)
  }

  /** The others of the interface are opened anew with it. */
  #forget(responder: Responder): void {
    for (const [name, station] of this.#stations) {
      if (station.opened.get(responder.family)?.responder === responder) this.#close(name, station)
    }
    this.#events.down()
  }

  #openGroups(index: number, name: string): void {
    if (!this.#groups.open(index, name)) return
    for (const held of this.#holdings.values()) if (held.interfaces.includes(name)) this.#joinGroup(name, held)
  }

  #joinGroup(interfaceName: string, { address }: Held): void {
    const station = this.#stations.get(interfaceName)
    if (station !== undefined && address.family === 6) this.#groups.hold(station.index, address.bits)
  }

  #leaveGroup(interfaceName: string, { address }: Held): void {
    const station = this.#stations.get(interfaceName)
    if (station !== undefined && address.family === 6) this.#groups.release(station.index, address.bits)
  }
}
