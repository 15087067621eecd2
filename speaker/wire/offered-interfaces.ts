/**
 * Which interfaces this node offers: what netlink says of them, less those that are excluded, whose sockets cannot be
 * opened, or whose uplink is lost.
 */
import { InterfaceMonitor, type Interfaces } from '../../native/index.ts'
import type { LocalInterface } from '../../net/membership/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type Assessment, assessInterfaces, identityOf, type UsableInterface } from './interfaces.ts'
import type { FromWire } from './messages.ts'
import { MachineTimer } from './timer.ts'

/** A responder whose interface went down tries again after this, unless netlink has said by then that it is down. */
const REOPEN_AFTER_MS = 100
/** Netlink events may be missed without anybody noticing: the tables are read anew so often. */
const SAFETY_NET_MS = 10_000

export interface OfferedInterfacesOptions {
  readonly clock: Clock
  readonly post: (message: FromWire) => void
  readonly fault: (what: string, cause: unknown) => void
  /** Opens sockets on exactly these; returns the names of those where that succeeded. */
  readonly open: (usable: readonly UsableInterface[]) => ReadonlySet<string>
  /** Carrier is up, and yet nothing gets through. */
  readonly isUplinkLost: (name: string) => boolean
  /** Interfaces came, went or changed, whether they can be used or not. */
  readonly changed: (interfaces: Interfaces) => void
  /** The sockets of these are open. */
  readonly opened: (usable: readonly UsableInterface[]) => void
  /** What the other members are to be told. */
  readonly offered: (interfaces: readonly LocalInterface[]) => void
}

const NOTHING: Assessment = { usable: [], observed: [] }

export class OfferedInterfaces {
  readonly #options: OfferedInterfacesOptions
  readonly #monitor: InterfaceMonitor
  readonly #timers: Readonly<Record<'reopen' | 'safety-net', MachineTimer>>
  /** As netlink has them, and what follows from them and the patterns. */
  #interfaces: Interfaces | undefined
  #excluded: readonly RegExp[] = []
  #assessment = NOTHING
  /** Usable interfaces whose sockets are open. */
  #open: ReadonlySet<string> = new Set()
  #isReady = false

  constructor(options: OfferedInterfacesOptions) {
    this.#options = options
    const { clock, fault } = options
    this.#timers = {
      reopen: new MachineTimer(clock, () => this.#assess()),
      'safety-net': new MachineTimer(clock, () => this.#lookAgain()),
    }
    this.#monitor = new InterfaceMonitor(
      (interfaces) => this.#take(interfaces),
      (code) => fault('following the interfaces of this node', new Error(code)),
    )
    this.#timers['safety-net'].arm(clock.now() + SAFETY_NET_MS)
  }

  /** Usable ones whose sockets are open. */
  get opened(): readonly UsableInterface[] {
    return this.#assessment.usable.filter(({ name }) => this.#open.has(name))
  }

  /** With what neighbours learn of each. */
  get offered(): ReadonlyMap<string, string> {
    return new Map(this.#offeredOnes().map((one) => [one.name, identityOf(one)]))
  }

  macOf(name: string): string | undefined {
    return this.#assessment.usable.find((usable) => usable.name === name)?.macText
  }

  /** Unanchored regular expressions; any match excludes. */
  exclude(patterns: readonly string[]): void {
    const compiled: RegExp[] = []
    for (const pattern of patterns) {
      try {
        compiled.push(new RegExp(pattern))
      } catch (error) {
        this.#options.fault(`the pattern of excluded interfaces ${JSON.stringify(pattern)}`, error)
      }
    }
    this.#excluded = compiled
    this.#assess()
  }

  /** A socket ended by itself: it is tried again, if the interface is still there. */
  socketDown(): void {
    this.#timers.reopen.arm(this.#options.clock.now() + REOPEN_AFTER_MS)
  }

  /** An uplink was lost, or is back. */
  uplinksChanged(): void {
    this.#offer()
    this.#report()
  }

  close(): void {
    for (const timer of Object.values(this.#timers)) timer.disarm()
    this.#monitor.close()
  }

  #take(interfaces: Interfaces): void {
    this.#interfaces = interfaces
    this.#options.changed(interfaces)
    this.#assess()
  }

  /** Opens and closes sockets as the interfaces are now, and tells everybody. */
  #assess(): void {
    if (this.#interfaces === undefined) return
    this.#assessment = assessInterfaces(this.#interfaces, this.#excluded)
    this.#open = this.#options.open(this.#assessment.usable)
    this.#options.opened(this.opened)
    this.#offer()
    this.#report()
  }

  #offer(): void {
    this.#options.offered(this.#offeredOnes().map(({ name, macText }) => ({ name, mac: macText })))
  }

  #offeredOnes(): readonly UsableInterface[] {
    return this.opened.filter(({ name }) => !this.#options.isUplinkLost(name))
  }

  #report(): void {
    const { post, isUplinkLost } = this.#options
    const interfaces = this.#assessment.observed.map((one) => {
      if (!one.usable || (this.#open.has(one.name) && !isUplinkLost(one.name))) return one
      return { ...one, usable: false, because: this.#open.has(one.name) ? 'uplink-lost' : 'socket-refused' }
    })
    post({ kind: 'interfaces', interfaces })
    if (this.#isReady) return
    this.#isReady = true
    post({ kind: 'ready' })
  }

  #lookAgain(): void {
    this.#timers['safety-net'].arm(this.#options.clock.now() + SAFETY_NET_MS)
    this.#monitor.resynchronize()
    if (this.#open.size < this.#assessment.usable.length) this.#assess()
  }
}
