/**
 * Tells everybody who looks at the page what changes, by server-sent events. While nobody looks, nothing is worked out
 * and nothing is kept.
 */
import type { ServerResponse } from 'node:http'
import type { About } from '../../page/model.ts'
import type { Clock, TimerHandle } from '../../runtime/clock.ts'
import type { DecisionInForce } from '../allocator.ts'
import type { DecisionRing } from './decisions.ts'
import { type Dropped, Reader, type Recheck } from './reader.ts'
import { type Portion, SERVICES_A_TURN, type Section } from './untold.ts'
import type { PageView } from './view.ts'

export interface FeedOptions {
  readonly view: Pick<PageView, 'service' | 'serviceKeys' | 'pools' | 'speakers' | 'problems'>
  readonly decisions: DecisionRing
  readonly about: () => About
  readonly clock: Clock
}

/** Each costs memory for what it has not been told, and time for telling it. */
export const MOST_READERS = 8
/** Changes within this time are told together. */
const SETTLE_MS = 100

export class Feed {
  /** Readers that were not served, by reason. */
  readonly dropped: Record<Dropped, number> = { 'too-many': 0, slow: 0, refused: 0 }
  readonly #options: FeedOptions
  readonly #readers = new Set<Reader>()
  /** Services as JSON, as the readers know them, or are about to. */
  readonly #texts = new Map<string, string>()
  readonly #changed = new Set<string>()
  #haveAllChanged = false
  #timer: TimerHandle | undefined

  constructor(options: FeedOptions) {
    this.#options = options
  }

  get readers(): number {
    return this.#readers.size
  }

  get isFull(): boolean {
    return this.#readers.size >= MOST_READERS
  }

  /** Tells all, and from then on what changes, until either side ends it. */
  open(response: ServerResponse, recheck: Recheck): void {
    const { view, clock } = this.#options
    const reader = new Reader({
      ...{ response, recheck, clock, services: view.serviceKeys() },
      next: (untold) => {
        const portion = untold.take(this.#options.decisions.last)
        return portion && this.#message(portion)
      },
      onEnd: (dropped) => this.#ended(reader, dropped),
    })
    this.#readers.add(reader)
    reader.pump()
  }

  serviceChanged(key: string): void {
    if (this.#readers.size === 0) return
    this.#changed.add(key)
    this.#settle()
  }

  /** What decides over Services has changed. */
  everythingChanged(): void {
    if (this.#readers.size === 0) return
    this.#haveAllChanged = true
    this.sectionsChanged('pools', 'speakers', 'problems')
  }

  sectionsChanged(...sections: readonly Section[]): void {
    for (const reader of this.#readers) for (const section of sections) reader.untold.section(section)
    this.#settle()
  }

  decided(made: DecisionInForce): void {
    if (this.#options.decisions.made(made)) this.#decisionTold()
  }

  /** A Service is no more. */
  released(key: string, addresses: readonly string[]): void {
    this.#options.decisions.gone(key, addresses)
    this.#decisionTold()
  }

  /** Ends all connections. */
  stop(): void {
    for (const reader of [...this.#readers]) reader.end()
  }

  #decisionTold(): void {
    for (const reader of this.#readers) reader.untold.decision()
    this.#settle()
  }

  #settle(): void {
    if (this.#readers.size > 0) this.#tellAfter(SETTLE_MS)
  }

  #tellAfter(delayMs: number): void {
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#tell()
    }, delayMs)
  }

  #tell(): void {
    if (this.#haveAllChanged) {
      for (const key of [...this.#texts.keys(), ...this.#options.view.serviceKeys()]) this.#changed.add(key)
      this.#haveAllChanged = false
    }
    for (const key of this.#changed.values().take(SERVICES_A_TURN)) {
      this.#changed.delete(key)
      const change = this.#renew(key)
      if (change === undefined) continue
      for (const { untold } of this.#readers) untold[change](key)
    }
    for (const reader of this.#readers) reader.pump()
    if (this.#changed.size > 0) this.#tellAfter(0)
  }

  /** @returns undefined = it is as it was */
  #renew(key: string): 'service' | 'gone' | undefined {
    const row = this.#options.view.service(key)
    if (row === undefined) return this.#texts.delete(key) ? 'gone' : undefined
    const text = JSON.stringify(row)
    if (this.#texts.get(key) === text) return undefined
    this.#texts.set(key, text)
    return 'service'
  }

  #textOf(key: string): string | undefined {
    if (!this.#texts.has(key)) this.#renew(key)
    return this.#texts.get(key)
  }

  #message({ isFirst, isComplete, sections, services, gone, decisionsAfter }: Portion): string {
    const { view, about, decisions } = this.#options
    const rows = services.flatMap((key) => this.#textOf(key) ?? [])
    const newer = decisions.rows.filter(({ number }) => number > decisionsAfter)
    const parts = {
      ...(isFirst && { isFirst }),
      ...(isComplete && { isComplete }),
      ...(sections.has('about') && { about: about() }),
      ...(sections.has('pools') && { pools: view.pools() }),
      ...(sections.has('speakers') && { speakers: view.speakers() }),
      ...(sections.has('problems') && { problems: view.problems() }),
      ...(newer.length > 0 && { decisions: newer }),
      ...(gone.length > 0 && { gone }),
    }
    const text = JSON.stringify(parts)
    if (rows.length === 0) return text
    return `${text === '{}' ? '{' : `${text.slice(0, -1)},`}"services":[${rows.join()}]}`
  }

  #ended(reader: Reader, dropped: Dropped | undefined): void {
    this.#readers.delete(reader)
    if (dropped !== undefined) this.dropped[dropped]++
    if (this.#readers.size > 0) return
    this.#texts.clear()
    this.#changed.clear()
    this.#haveAllChanged = false
  }
}
