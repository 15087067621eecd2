/**
 * The gateway probe: asks the targets behind every interface for an echo each interval, and says which interfaces are
 * to be withheld from announcing because their uplink is lost. Decisions: judge.ts; the reasons: ADR 0013.
 */
import { type Address, formatAddress, parseAddress } from '../../../net/ip/index.ts'
import type { Clock, TimerHandle } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import type { FromWire, GatewayProbe } from '../messages.ts'
import { readDefaultGateways } from './default-gateways.ts'
import { EchoSocket } from './echo-socket.ts'
import { judgeRound, type Others, UNKNOWN, type Uplink, withholdOrStepIn } from './judge.ts'

export interface UplinksOptions {
  readonly probe: GatewayProbe
  readonly clock: Clock
  readonly random: Random
  /** Of the members alive; undefined = nobody watches, so nobody could take over. */
  readonly others: () => Others | undefined
  readonly report: (message: Extract<FromWire, { readonly kind: 'uplink' }>) => void
  /** `isWithheld` may say something else by now. */
  readonly changed: () => void
  readonly fault: (what: string, cause: unknown) => void
}

/** One interface. */
interface Line {
  readonly name: string
  readonly sockets: Map<Address['family'], EchoSocket>
  targets: readonly Address[]
  uplink: Uplink
  isAnswered: boolean
  isAsked: boolean
  isWithheld: boolean
  stepIn: TimerHandle | undefined
}

export class Uplinks {
  readonly #options: UplinksOptions
  readonly #identifier: number
  readonly #lines = new Map<string, Line>()
  #sequence = 0
  #timer: TimerHandle | undefined

  constructor(options: UplinksOptions) {
    this.#options = options
    this.#identifier = Math.floor(options.random() * 0x1_0000)
    this.#arm()
  }

  /** Probes exactly these interfaces. */
  sync(names: readonly string[]): void {
    for (const [name, line] of this.#lines) if (!names.includes(name)) this.#remove(line)
    for (const name of names) {
      if (this.#lines.has(name)) continue
      const fresh = { targets: [], uplink: UNKNOWN, isAnswered: false, isAsked: false, isWithheld: false }
      this.#lines.set(name, { ...fresh, name, sockets: new Map(), stepIn: undefined })
    }
  }

  /** To be left out of announcing, since others have an uplink. */
  isWithheld(name: string): boolean {
    return this.#lines.get(name)?.isWithheld === true
  }

  /** Others have come or gone, or offer other interfaces. */
  othersChanged(): void {
    for (const line of this.#lines.values()) this.#reconsider(line)
  }

  close(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    for (const line of this.#lines.values()) this.#remove(line)
  }

  #arm(): void {
    const { clock, probe } = this.#options
    this.#timer = clock.setTimeout(() => {
      this.#arm()
      this.#round()
    }, probe.intervalMs)
  }

  #round(): void {
    this.#sequence = (this.#sequence + 1) & 0xffff
    const targetsOf = this.#targets()
    for (const line of this.#lines.values()) {
      if (line.isAsked) this.#judge(line)
      line.targets = targetsOf(line.name)
      line.isAnswered = false
      line.isAsked = line.targets.length > 0
      for (const target of line.targets) this.#socket(line, target.family)?.ask(target, this.#sequence)
    }
  }

  /** Routes change seldom, and a round is seldom too: read anew each time, so that nothing has to be followed. */
  #targets(): (interfaceName: string) => readonly Address[] {
    const { targets } = this.#options.probe
    if (targets === 'default-gateway') {
      const gateways = readDefaultGateways()
      return (name) => (gateways.has(name) ? [gateways.get(name)!] : [])
    }
    const addresses = targets.map(parseAddress).filter((address) => address !== undefined)
    return () => addresses
  }

  #judge(line: Line): void {
    const before = line.uplink.status
    line.uplink = judgeRound(line.uplink, line.isAnswered, this.#options.probe.missedLimit)
    const after = line.uplink.status
    if (after === before) return
    const target = line.targets.map(formatAddress).join(', ')
    this.#options.report({ kind: 'uplink', interface: line.name, reachable: after === 'reachable', target })
    this.#reconsider(line)
  }

  #reconsider(line: Line): void {
    const { clock, others } = this.#options
    const known = others()
    if (line.uplink.status !== 'lost' || known === undefined) {
      this.#withhold(line, false)
      return
    }
    const decision = withholdOrStepIn(known)
    if (decision.kind === 'withhold') this.#withhold(line, true)
    else if (line.isWithheld) {
      line.stepIn ??= clock.setTimeout(() => {
        line.stepIn = undefined
        const now = others()
        if (now === undefined || now.offering === 0) this.#withhold(line, false)
      }, decision.afterMs)
    }
  }

  #withhold(line: Line, isWithheld: boolean): void {
    if (line.stepIn !== undefined) this.#options.clock.clearTimeout(line.stepIn)
    line.stepIn = undefined
    if (line.isWithheld === isWithheld) return
    line.isWithheld = isWithheld
    this.#options.changed()
  }

  #socket(line: Line, family: Address['family']): EchoSocket | undefined {
    const known = line.sockets.get(family)
    if (known !== undefined) return known
    const what = `opening a socket for echoes on ${line.name}`
    try {
      const socket = new EchoSocket({
        family,
        interfaceName: line.name,
        identifier: this.#identifier,
        onAnswer: (from, sequence) => this.#hear(line, from, sequence),
        onError: (error) => {
          line.sockets.delete(family)
          this.#options.fault(what, error)
        },
      })
      line.sockets.set(family, socket)
      return socket
    } catch (error) {
      this.#options.fault(what, error)
      return undefined
    }
  }

  /** An answer that comes after the next question is as good as none. */
  #hear(line: Line, from: Address, sequence: number): void {
    if (sequence !== this.#sequence) return
    if (line.targets.some(({ family, bits }) => family === from.family && bits === from.bits)) line.isAnswered = true
  }

  #remove(line: Line): void {
    if (line.stepIn !== undefined) this.#options.clock.clearTimeout(line.stepIn)
    for (const socket of line.sockets.values()) socket.close()
    this.#lines.delete(line.name)
  }
}
