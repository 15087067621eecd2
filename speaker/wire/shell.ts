/**
 * The driver of the step machines: what happens on the wire and what the main thread wants become events, actions
 * become frames, timers and reports. An action that causes an event for a machine never overtakes what waited for it
 * before, and no machine is entered from within itself. Membership goes first: its heartbeats and its judgement must
 * not queue behind what ten thousand addresses make for layer 2 to do.
 */
import type { Interfaces } from '../../native/index.ts'
import { formatMac } from '../../net/ethernet/index.ts'
import { formatAddress } from '../../net/ip/index.ts'
import * as layer2 from '../../net/l2/index.ts'
import * as membership from '../../net/membership/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { Bgp } from './bgp/index.ts'
import { IgnoredCounters } from './counters.ts'
import { Heartbeats } from './heartbeat.ts'
import { Holdings } from './holdings.ts'
import type { DesiredMembership, Farewell, FromWire, GatewayProbe, ToWire } from './messages.ts'
import { OfferedInterfaces } from './offered-interfaces.ts'
import { OwnershipReports } from './ownership-reports.ts'
import { Questions } from './questions.ts'
import { type Claim, Responders } from './responder.ts'
import { MachineTimer } from './timer.ts'
import { Uplinks } from './uplink/index.ts'

export interface ShellOptions {
  readonly node: string
  readonly refreshIntervalMs: number
  readonly probeNewAddresses: boolean
  readonly gatewayProbe: GatewayProbe | undefined
  readonly clock: Clock
  readonly random: Random
  readonly post: (message: FromWire) => void
}

interface Events {
  readonly layer2: layer2.Event
  readonly membership: membership.Event
}

export class Shell {
  readonly #options: ShellOptions
  readonly #clock: Clock
  readonly #ignored = new IgnoredCounters()
  readonly #holdings = new Holdings()
  readonly #responders: Responders
  readonly #bgp: Bgp
  readonly #questions: Questions
  readonly #uplinks: Uplinks | undefined
  readonly #interfaces: OfferedInterfaces
  readonly #layer2: layer2.State
  readonly #membership: membership.State
  readonly #timers: Readonly<Record<keyof Events, MachineTimer>>
  readonly #queues: { readonly [Machine in keyof Events]: Events[Machine][] } = { membership: [], layer2: [] }
  readonly #ownership: OwnershipReports
  readonly #faults = new Set<string>()
  #isDraining = false
  #heartbeats: Heartbeats | undefined
  /** Offered interfaces that membership allows. */
  #announceable: readonly string[] = []
  /** `unknown`: the main thread has not said yet. */
  #watch: 'unknown' | 'nobody' | 'members' = 'unknown'
  #goodbye: { isReleased: boolean; isLeft: boolean; isBgpOver: boolean } | undefined
  /** Members alive, and the interfaces that they offer. */
  #others: ReadonlyMap<string, layer2.AliveMember> = new Map()

  constructor(options: ShellOptions) {
    const { node, clock, refreshIntervalMs, probeNewAddresses: isProbing } = options
    this.#options = options
    this.#clock = clock
    this.#layer2 = layer2.initial({ ...layer2.DEFAULT_OPTIONS, node, refreshIntervalMs, isProbing })
    this.#membership = membership.initial({ node, bootId: BigInt(Math.floor(clock.wall() * 1000)) })
    this.#responders = this.#makeResponders()
    this.#questions = new Questions({
      clock,
      holdings: this.#holdings,
      send: (address) => this.#responders.ask(address),
      macOf: (name) => this.#interfaces.macOf(name),
    })
    const { gatewayProbe: probe } = options
    this.#uplinks = probe && this.#probeUplinks(probe)
    this.#ownership = new OwnershipReports(clock, options.post)
    this.#bgp = new Bgp({
      ...options,
      ignored: (reason) => this.#ignored.add(reason),
      fault: (what, cause) => this.#reportFault(what, cause),
    })
    this.#timers = {
      layer2: new MachineTimer(clock, () => this.#post('layer2', { kind: 'timer' })),
      membership: new MachineTimer(clock, () => this.#post('membership', { kind: 'timer' })),
    }
    this.#interfaces = this.#followInterfaces()
  }

  /** Takes a message of the main thread. */
  receive(message: Exclude<ToWire, { readonly kind: 'start' }>): void {
    const { post } = this.#options
    switch (message.kind) {
      case 'desired':
        this.#desire(message)
        return
      case 'membership':
        this.#watchMembers(message.membership)
        return
      case 'exclude-interfaces':
        this.#interfaces.exclude(message.patterns)
        return
      case 'peers':
        this.#bgp.desirePeers(message.desired)
        return
      case 'routes':
        this.#bgp.desireRoutes(message.services, message.complete)
        return
      case 'read-routes':
        this.#bgp.readRoutes(message.id, message.peer)
        return
      case 'leave':
        this.#leave(message.farewell ?? { kind: 'restart' })
        return
      case 'ask': {
        const { id, ip, timeoutMs } = message
        this.#questions.ask(ip, timeoutMs, (answers) => post({ kind: 'answers', id, answers }))
        return
      }
      case 'ping':
        post({ kind: 'pong', id: message.id })
        return
      case 'read-counters': {
        const counters = {
          addresses: this.#holdings.counters(),
          ignored: this.#ignored.read(),
          peers: this.#bgp.counters(),
        }
        post({ kind: 'counters', id: message.id, counters })
      }
    }
  }

  #desire({ complete, isOutdated = false, services }: Extract<ToWire, { readonly kind: 'desired' }>): void {
    this.#post('layer2', { kind: 'desired', isComplete: complete, isOutdated, services })
  }

  /** Closes every socket and timer. */
  close(): void {
    for (const timer of Object.values(this.#timers)) timer.disarm()
    this.#ownership.flush()
    this.#questions.close()
    this.#uplinks?.close()
    this.#interfaces.close()
    this.#responders.close()
    this.#heartbeats?.close()
    this.#bgp.close()
  }

  #makeResponders(): Responders {
    const { clock, random } = this.#options
    const events = {
      mayAnswer: () => this.#mayAnswer(),
      claim: (claim: Claim, name: string) => this.#takeClaim(claim, name),
      down: () => this.#interfaces.socketDown(),
      fault: (what: string, cause: unknown) => this.#reportFault(what, cause),
    }
    return new Responders({ holdings: this.#holdings, ignored: this.#ignored, clock, random, events })
  }

  #takeClaim({ ip, mac, isProbe }: Claim, name: string): void {
    const macText = formatMac(mac)
    if (!isProbe) this.#questions.heard(ip, name, macText)
    const event = { kind: 'claim', ip: formatAddress(ip), interface: name, mac: macText, isProbe } as const
    this.#post('layer2', event)
  }

  // ---- machines

  #mayAnswer(): boolean {
    return this.#watch !== 'members' || membership.mayAnswer(this.#membership, this.#clock.now())
  }

  #post<Machine extends keyof Events>(machine: Machine, event: Events[Machine]): void {
    // After a standstill whatever comes first comes first; but only membership knows what it is worth by now, and what it
    // says about us must come before what is posted, not behind it.
    if (machine === 'layer2' && !this.#isDraining && this.#isMembershipDue())
      this.#post('membership', { kind: 'timer' })
    this.#queues[machine].push(event)
    if (this.#isDraining) return
    this.#isDraining = true
    const { membership: first, layer2: then } = this.#queues
    while (first.length + then.length > 0) {
      if (first.length > 0) this.#stepMembership(first.shift()!)
      else this.#stepLayer2(then.shift()!)
    }
    this.#isDraining = false
    this.#responders.flush()
    this.#finishLeaving()
  }

  #isMembershipDue(): boolean {
    return this.#watch === 'members' && membership.isDue(this.#membership, this.#clock.now())
  }

  #stepMembership(event: membership.Event): void {
    const actions = membership.step(this.#membership, event, this.#clock.now())
    for (const action of actions) this.#executeMembership(action)
  }

  #stepLayer2(event: layer2.Event): void {
    const actions = layer2.step(this.#layer2, event, this.#clock.now())
    for (const action of actions) this.#executeLayer2(action)
  }

  #executeLayer2(action: layer2.Action): void {
    switch (action.kind) {
      case 'own':
        this.#responders.hold(action.ip, action.interfaces, true)
        return
      case 'watch':
        this.#responders.hold(action.ip, action.interfaces, false)
        return
      case 'disown':
        this.#responders.release(action.ip)
        return
      case 'probe':
        this.#responders.probe(action.ip, action.interface)
        return
      case 'announce':
        this.#responders.announce(action.ip, action.interface)
        return
      case 'arm':
        this.#timers.layer2.arm(action.at)
        return
      case 'ownership':
        this.#ownership.add(action)
        return
      case 'conflict':
      case 'conflict-over':
        this.#options.post(action)
        return
      case 'released':
        if (this.#goodbye !== undefined) this.#goodbye.isReleased = true
    }
  }

  #executeMembership(action: membership.Action): void {
    switch (action.kind) {
      case 'multicast':
        this.#heartbeats?.multicast(action.interface, action.bytes)
        return
      case 'unicast':
        this.#heartbeats?.unicast(action.address, action.bytes)
        return
      case 'arm':
        this.#timers.membership.arm(action.at)
        return
      case 'members':
        this.#others = action.alive
        this.#uplinks?.othersChanged()
        this.#post('layer2', { kind: 'members', members: action })
        this.#options.post({ kind: 'members', alive: [...action.alive.keys()].sort() })
        return
      case 'announceable':
        this.#announceable = action.interfaces
        this.#publishUsable()
        return
      case 'ignored':
        this.#ignored.add(`heartbeat-${action.because}`)
        return
      case 'left':
        if (this.#goodbye !== undefined) this.#goodbye.isLeft = true
    }
  }

  // ---- interfaces

  #followInterfaces(): OfferedInterfaces {
    const { clock, post } = this.#options
    return new OfferedInterfaces({
      ...{ clock, post },
      fault: (what, cause) => this.#reportFault(what, cause),
      open: (usable) => this.#responders.sync(usable),
      isUplinkLost: (name) => this.#uplinks?.isWithheld(name) === true,
      changed: (interfaces) => this.#interfacesChanged(interfaces),
      opened: (usable) => {
        this.#uplinks?.sync(usable.map(({ name }) => name))
        this.#heartbeats?.sync(usable)
      },
      offered: (interfaces) => {
        this.#post('membership', { kind: 'interfaces', interfaces })
        this.#publishUsable()
      },
    })
  }

  #interfacesChanged(interfaces: Interfaces): void {
    this.#bgp.interfacesChanged(interfaces)
    this.#faults.clear()
  }

  /** With members to watch, only where membership has listened long enough and is not cut off. */
  #publishUsable(): void {
    const offered = [...this.#interfaces.offered]
    const usable = offered.filter(([name]) => this.#watch === 'nobody' || this.#announceable.includes(name))
    this.#post('layer2', { kind: 'interfaces', usable: new Map(usable) })
  }

  #probeUplinks(probe: GatewayProbe): Uplinks {
    const { node, clock, random, post } = this.#options
    return new Uplinks({
      probe,
      clock,
      random,
      report: post,
      others: () => {
        if (this.#watch !== 'members') return undefined
        const others = [...this.#others]
        const offering = others.filter(([, { interfaces }]) => interfaces === undefined || interfaces.length > 0)
        return { offering: offering.length, before: others.filter(([name]) => name < node).length }
      },
      changed: () => this.#interfaces.uplinksChanged(),
      fault: (what, cause) => this.#reportFault(what, cause),
    })
  }

  // ---- members

  #watchMembers(desired: DesiredMembership | undefined): void {
    if (desired === undefined) {
      this.#watch = 'nobody'
      this.#heartbeats?.close()
      this.#heartbeats = undefined
      this.#timers.membership.disarm()
      this.#post('layer2', { kind: 'members', members: { isSettled: true, alive: undefined, healed: [] } })
      this.#publishUsable()
      return
    }
    this.#watch = 'members'
    // Without a key nobody can be believed, and who hears nobody would claim everything.
    if (desired.keys.length === 0) return
    this.#openHeartbeats(desired.port)
    const { keys, members } = desired
    this.#post('membership', { kind: 'configure', keys, members })
  }

  #openHeartbeats(port: number): void {
    if (this.#heartbeats?.port === port) return
    this.#heartbeats?.close()
    this.#heartbeats = new Heartbeats(port, {
      datagram: (bytes, name) => this.#post('membership', { kind: 'datagram', bytes, interface: name }),
      unsent: () => this.#ignored.add('heartbeat-unsent'),
      fault: (what, cause) => this.#reportFault(what, cause),
    })
    this.#heartbeats.sync(this.#interfaces.opened)
  }

  // ---- leaving

  #leave(farewell: Farewell): void {
    if (this.#goodbye !== undefined) return
    this.#goodbye = { isReleased: false, isLeft: this.#heartbeats === undefined, isBgpOver: false }
    void this.#bgp.leave(farewell).then(() => {
      if (this.#goodbye !== undefined) this.#goodbye.isBgpOver = true
      this.#finishLeaving()
    })
    if (this.#heartbeats !== undefined) this.#post('membership', { kind: 'leave' })
    this.#post('layer2', { kind: 'leave' })
  }

  #finishLeaving(): void {
    if (this.#goodbye === undefined || Object.values(this.#goodbye).includes(false)) return
    this.#goodbye = undefined
    this.close()
    this.#options.post({ kind: 'left' })
  }

  /** Once for each cause, until the interfaces change. */
  #reportFault(what: string, cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    const message = `${what}: ${error.message}`
    if (this.#faults.has(message)) return
    this.#faults.add(message)
    const code = (error as NodeJS.ErrnoException).code ?? 'failed'
    this.#options.post({ kind: 'fault', code, message })
  }
}
