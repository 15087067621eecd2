/**
 * The driver of the step machines: what happens on the wire and what the main thread wants become events, actions
 * become frames, timers and reports. An action that causes an event for a machine never overtakes what waited for it
 * before, and no machine is entered from within itself. Membership goes first: its heartbeats and its judgement must
 * not queue behind what ten thousand addresses make for layer 2 to do.
 */
import { formatMac } from '../../net/ethernet/index.ts'
import { formatAddress } from '../../net/ip/index.ts'
import * as layer2 from '../../net/l2/index.ts'
import type * as membership from '../../net/membership/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { Bgp } from './bgp/index.ts'
import { IgnoredCounters } from './counters.ts'
import { Faults } from './faults.ts'
import { Holdings } from './holdings.ts'
import { Members, type View } from './members.ts'
import type { Farewell, FromWire, GatewayProbe, ToWire } from './messages.ts'
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
  readonly #layer2Timer: MachineTimer
  readonly #members: Members
  readonly #queues: { readonly [Machine in keyof Events]: Events[Machine][] } = { membership: [], layer2: [] }
  readonly #ownership: OwnershipReports
  readonly #faults: Faults
  readonly #fault = (what: string, cause: unknown): void => this.#faults.tell(what, cause)
  #isDraining = false
  #goodbye: { isReleased: boolean; isLeft: boolean; isBgpOver: boolean } | undefined
  constructor(options: ShellOptions) {
    const { node, clock, refreshIntervalMs, probeNewAddresses: isProbing } = options
    this.#options = options
    this.#clock = clock
    this.#faults = new Faults(options.post)
    this.#layer2 = layer2.initial({ ...layer2.DEFAULT_OPTIONS, node, refreshIntervalMs, isProbing })
    this.#layer2Timer = new MachineTimer(clock, () => this.#post('layer2', { kind: 'timer' }))
    this.#members = this.#makeMembers()
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
      fault: this.#fault,
    })
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
        this.#members.watch(message.membership)
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
    this.#layer2Timer.disarm()
    this.#ownership.flush()
    this.#questions.close()
    this.#uplinks?.close()
    this.#interfaces.close()
    this.#responders.close()
    this.#members.close()
    this.#bgp.close()
  }

  #makeResponders(): Responders {
    const { clock, random } = this.#options
    const events = {
      mayAnswer: () => this.#members.mayAnswer(),
      claim: (claim: Claim, name: string) => this.#takeClaim(claim, name),
      down: () => this.#interfaces.socketDown(),
      fault: this.#fault,
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

  #post<Machine extends keyof Events>(machine: Machine, event: Events[Machine]): void {
    // After a standstill whatever comes first comes first; but only membership knows what it is worth by now, and what it
    // says about us must come before what is posted, not behind it.
    if (machine === 'layer2' && !this.#isDraining && this.#members.isDue()) this.#post('membership', { kind: 'timer' })
    this.#queues[machine].push(event)
    if (this.#isDraining) return
    this.#isDraining = true
    const { membership: first, layer2: then } = this.#queues
    while (first.length + then.length > 0) {
      if (first.length > 0) this.#members.step(first.shift()!)
      else this.#stepLayer2(then.shift()!)
    }
    this.#isDraining = false
    this.#responders.flush()
    this.#finishLeaving()
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
        this.#layer2Timer.arm(action.at)
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

  // ---- members

  #makeMembers(): Members {
    const { node, clock } = this.#options
    return new Members({
      ...{ node, clock },
      post: (event) => this.#post('membership', event),
      opened: () => this.#interfaces.opened,
      viewed: (view) => this.#takeView(view),
      unwatched: () =>
        this.#post('layer2', { kind: 'members', members: { isSettled: true, alive: undefined, healed: [] } }),
      allowanceChanged: () => this.#publishUsable(),
      left: () => {
        if (this.#goodbye !== undefined) this.#goodbye.isLeft = true
      },
      ignored: (because) => this.#ignored.add(`heartbeat-${because}`),
      fault: this.#fault,
    })
  }

  #takeView(view: View): void {
    this.#uplinks?.othersChanged()
    this.#post('layer2', { kind: 'members', members: view })
    this.#options.post({ kind: 'members', alive: [...view.alive.keys()].sort() })
  }

  // ---- interfaces

  #followInterfaces(): OfferedInterfaces {
    const { clock, post } = this.#options
    return new OfferedInterfaces({
      ...{ clock, post },
      fault: this.#fault,
      open: (usable) => this.#responders.sync(usable),
      isUplinkLost: (name) => this.#uplinks?.isWithheld(name) === true,
      changed: (interfaces) => {
        this.#bgp.interfacesChanged(interfaces)
        this.#faults.forget()
      },
      opened: (usable) => {
        this.#uplinks?.sync(usable.map(({ name }) => name))
        this.#members.sync(usable)
      },
      offered: (interfaces) => {
        this.#post('membership', { kind: 'interfaces', interfaces })
        this.#publishUsable()
      },
    })
  }

  /** With members to watch, only where membership has listened long enough and is not cut off. */
  #publishUsable(): void {
    const usable = [...this.#interfaces.offered].filter(([name]) => this.#members.isAllowed(name))
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
        const { others: members } = this.#members
        if (members === undefined) return undefined
        const others = [...members]
        const offering = others.filter(([, { interfaces }]) => interfaces.length > 0)
        return { offering: offering.length, before: others.filter(([name]) => name < node).length }
      },
      changed: () => this.#interfaces.uplinksChanged(),
      fault: this.#fault,
    })
  }

  // ---- leaving

  #leave(farewell: Farewell): void {
    if (this.#goodbye !== undefined) return
    this.#goodbye = { isReleased: false, isLeft: !this.#members.isSpeaking, isBgpOver: false }
    void this.#bgp.leave(farewell).then(() => {
      if (this.#goodbye !== undefined) this.#goodbye.isBgpOver = true
      this.#finishLeaving()
    })
    if (this.#members.isSpeaking) this.#post('membership', { kind: 'leave' })
    this.#post('layer2', { kind: 'leave' })
  }

  #finishLeaving(): void {
    if (this.#goodbye === undefined || Object.values(this.#goodbye).includes(false)) return
    this.#goodbye = undefined
    this.close()
    this.#options.post({ kind: 'left' })
  }
}
