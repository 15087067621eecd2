/** Questions to the wire from outside: who answers for an address? */
import { type Address, formatAddress, parseAddress } from '../../net/ip/index.ts'
import type { Clock, TimerHandle } from '../../runtime/clock.ts'
import type { Holdings } from './holdings.ts'
import type { Answer } from './messages.ts'

/** A question or its answer may be lost. */
const REPETITIONS = 3
const MAX_TIMEOUT_MS = 60_000
/** Questions at a time; more are answered with nothing. */
const MAX_OPEN = 64

export interface QuestionsOptions {
  readonly clock: Clock
  readonly holdings: Holdings
  /** Sends the question once on every interface that can. */
  readonly send: (address: Address) => void
  /** MAC of a usable interface of this node. */
  readonly macOf: (interfaceName: string) => string | undefined
}

interface Question {
  readonly address: Address
  readonly startedAt: number
  readonly answers: Answer[]
  readonly timers: Set<TimerHandle>
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #open = new Set<Question>()

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** `onAnswers` is called once, when the time is over; what is no address, nobody answers for. */
  ask(ip: string, timeoutMs: number, onAnswers: (answers: readonly Answer[]) => void): void {
    const { clock, holdings, send } = this.#options
    const address = parseAddress(ip)
    if (address === undefined || this.#open.size >= MAX_OPEN) {
      onAnswers([])
      return
    }
    const question: Question = { address, startedAt: clock.now(), answers: this.#ownAnswers(ip), timers: new Set() }
    this.#open.add(question)
    holdings.ask(address)
    const limitMs = Math.min(Math.max(timeoutMs, 0), MAX_TIMEOUT_MS)
    for (let time = 1; time < REPETITIONS; time++) {
      question.timers.add(clock.setTimeout(() => send(address), (limitMs * time) / REPETITIONS))
    }
    const end = () => {
      this.#end(question)
      onAnswers(question.answers)
    }
    question.timers.add(clock.setTimeout(end, limitMs))
    send(address)
  }

  /** Somebody was seen using an address. */
  heard(ip: Address, interfaceName: string, mac: string): void {
    for (const { address, answers, startedAt } of this.#open) {
      if (address.bits !== ip.bits || address.family !== ip.family) continue
      if (answers.some((answer) => answer.interface === interfaceName && answer.mac === mac)) continue
      answers.push({ interface: interfaceName, mac, afterMs: this.#options.clock.now() - startedAt })
    }
  }

  /** Nothing is answered any more. */
  close(): void {
    for (const question of this.#open) this.#end(question)
  }

  #end(question: Question): void {
    for (const timer of question.timers) this.#options.clock.clearTimeout(timer)
    this.#options.holdings.askNoMore(question.address)
    this.#open.delete(question)
  }

  /** This node does not hear itself. */
  #ownAnswers(ip: string): Answer[] {
    const { holdings, macOf } = this.#options
    const held = holdings.get(formatAddress(parseAddress(ip)!))
    if (held === undefined || !held.isAnswered) return []
    return held.interfaces.flatMap((name) => {
      const mac = macOf(name)
      return mac === undefined ? [] : [{ interface: name, mac, afterMs: 0 }]
    })
  }
}
