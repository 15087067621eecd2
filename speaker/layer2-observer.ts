/** What this node does on layer 2, told to the people of the cluster: reports, events, conflicts. */
import type { Layer2Decision } from '../core/announce/index.ts'
import { conflictSentence } from '../core/status/index.ts'
import { DONE, type Outcome, type Reconciler } from '../operator/index.ts'
import type { Log } from '../runtime/log.ts'
import { Conflicts } from './conflicts.ts'
import type { Situation } from './layer2-reports.ts'
import { Ownership } from './ownership.ts'
import type { SpeakerEvent } from './speaker-event.ts'
import type { FromWire, OwnershipChange } from './wire/messages.ts'

export interface Layer2ObserverOptions {
  readonly node: string
  readonly decisionOn: (key: string) => Layer2Decision | undefined
  /** Nodes that report that they answer for the Service. */
  readonly reportersOf: (key: string) => readonly string[]
  readonly raise: (key: string, event: Omit<SpeakerEvent, 'object'>) => void
  /** What the topic told of is over. */
  readonly forget: (key: string, topic: string) => void
  readonly log: Log
}

/** A Service that nobody answers for is spoken of only after this: its Pods may be starting. */
const SILENCE_TOLD_AFTER_MS = 5_000
/** Changes of ownership that are logged one by one when they come together. */
const MOST_TOLD_SINGLY = 10
/** Topic of the events that say why nobody answers. */
const SILENCE = 'layer2'
/** Topic of the event that this node answers. A report that could not be written is tried again; the event is not. */
const ASSIGNMENT = 'layer2 assignment'

export class Layer2Observer {
  readonly observed = { ownership: new Ownership(), conflicts: new Conflicts() }
  readonly #options: Layer2ObserverOptions
  #reports: Pick<Reconciler, 'add'> | undefined
  #silences: Pick<Reconciler, 'addAfter'> | undefined
  #alive: readonly string[] = []

  constructor(options: Layer2ObserverOptions) {
    this.#options = options
  }

  get ownership(): Ownership {
    return this.observed.ownership
  }

  /** Who works on the Services of which something is to be told. */
  tell(reports: Pick<Reconciler, 'add'>, silences: Pick<Reconciler, 'addAfter'>): void {
    this.#reports = reports
    this.#silences = silences
  }

  take(message: FromWire): void {
    switch (message.kind) {
      case 'ownership':
        this.#takeOwnership(message.changes)
        return
      case 'members':
        this.#alive = message.alive
        this.#options.log.info('members', `alive: ${message.alive.join(', ')}`)
        return
      case 'conflict':
        this.#takeConflict(message)
        return
      case 'conflict-over':
        this.#endConflict(message.ip)
    }
  }

  decided(key: string, decision: Layer2Decision): void {
    this.ownership.keepOnly(key, decision.kind === 'announce' ? decision.ips : [])
    this.#reports?.add(key)
    if (decision.kind === 'silent') this.#silences?.addAfter(key, SILENCE_TOLD_AFTER_MS)
  }

  /** The Service is no more. */
  gone(key: string): void {
    this.ownership.keepOnly(key, [])
    this.#reports?.add(key)
  }

  /** Forgets Services that were announced from the last known state, and are no more. */
  keepOnly(isThere: (key: string) => boolean): void {
    for (const key of [...this.ownership.keys()]) if (!isThere(key)) this.gone(key)
  }

  situationOf(key: string): Situation {
    const decision = this.#options.decisionOn(key)
    if (decision?.kind !== 'announce') return { kind: 'withdrawn' }
    const addresses = this.ownership.addressesOf(key)
    const conflicts = addresses.flatMap(({ ip }) => this.observed.conflicts.of(ip) ?? [])
    // Who hands over still answers, but it is for the successor to report.
    if (addresses.some(({ isOwned, reason }) => isOwned && reason.kind !== 'handing-over')) {
      return { kind: 'answers', interfaces: decision.interfacesOf.get(this.#options.node) ?? [], conflicts }
    }
    const isPrevented = addresses.some(({ reason }) => reason.kind === 'address-in-use')
    return isPrevented && conflicts.length > 0 ? { kind: 'prevented', conflicts } : { kind: 'yields' }
  }

  /** Whether a living node comes before this one among the candidates, or is one and this one is not. */
  isPreferred(key: string, node: string): boolean {
    const decision = this.#options.decisionOn(key)
    if (decision?.kind !== 'announce' || !this.#alive.includes(node)) return false
    const [theirs, ours] = [node, this.#options.node].map((name) => decision.candidates.indexOf(name))
    return theirs! >= 0 && (ours! < 0 || theirs! < ours!)
  }

  assigned(key: string): void {
    const message = `announcing from node "${this.#options.node}" with protocol "layer2"`
    this.#options.raise(key, { type: 'Normal', reason: 'nodeAssigned', message, topic: ASSIGNMENT })
    this.#options.forget(key, SILENCE)
  }

  /** Says why nobody answers for a Service, if that is so. */
  tellSilence(key: string): Outcome {
    const decision = this.#options.decisionOn(key)
    if (decision?.kind === 'silent') this.#tellSilent(key, decision)
    else if (decision?.kind === 'announce') this.#tellFailed(key, decision)
    return DONE
  }

  #takeOwnership(changes: readonly OwnershipChange[]): void {
    for (const change of changes) {
      const { key, owned, reason } = change
      this.ownership.take(change)
      this.#reports?.add(key)
      if (!owned) this.#options.forget(key, ASSIGNMENT)
      if (reason.kind === 'no-usable-interface') this.#silences?.addAfter(key, SILENCE_TOLD_AFTER_MS)
    }
    this.#logOwnership(changes)
  }

  /** Each by itself while they are few; thousands are counted, and told one by one at the level for that. */
  #logOwnership(changes: readonly OwnershipChange[]): void {
    const { log } = this.#options
    const isFew = changes.length <= MOST_TOLD_SINGLY
    for (const { key, ip, owned, interfaces, reason } of changes) {
      const text = `${owned ? 'answering' : 'not answering'} for ${ip}`
      log[isFew ? 'info' : 'debug']('ownership', text, { key, interfaces, reason })
    }
    if (isFew) return
    const answering = changes.filter(({ owned }) => owned).length
    const reasons = Object.groupBy(changes, ({ reason }) => reason.kind)
    const counts = Object.fromEntries(Object.entries(reasons).map(([kind, each]) => [kind, each.length]))
    const text = `answering for ${answering} and not for ${changes.length - answering} of ${changes.length} addresses`
    log.info('ownership', text, { reasons: counts })
  }

  #takeConflict(message: FromWire & { kind: 'conflict' }): void {
    const conflict = this.observed.conflicts.take(message)
    const { node, log, raise } = this.#options
    const sentence = conflictSentence(node, conflict)
    log.warn('conflict', sentence, { ...conflict })
    for (const key of this.ownership.keysOf(conflict.ip)) {
      this.#reports?.add(key)
      raise(key, { type: 'Warning', reason: 'addressConflict', message: sentence, topic: `conflict ${conflict.ip}` })
    }
  }

  #endConflict(ip: string): void {
    if (!this.observed.conflicts.end(ip)) return
    this.#options.log.info('conflictOver', `no other station uses ${ip} any more`, { ip })
    for (const key of this.ownership.keysOf(ip)) {
      this.#reports?.add(key)
      this.#options.forget(key, `conflict ${ip}`)
    }
  }

  /** All speakers decide alike; the first of those alive speaks for them. */
  #tellSilent(key: string, { because, detail }: Extract<Layer2Decision, { kind: 'silent' }>): void {
    const isNobodysBusiness = ['notLoadBalancer', 'otherLoadBalancerClass', 'beingDeleted', 'noIPAllocated'].includes(
      because,
    )
    const { node, raise } = this.#options
    if (isNobodysBusiness || [...this.#alive, node].sort()[0] !== node) return
    const message = `not announced (${because}): ${detail}`
    raise(key, { type: 'Warning', reason: 'notAnnounced', message, topic: SILENCE })
  }

  /** There are candidates, and none of them has an interface to answer on. The first of those alive says so. */
  #tellFailed(key: string, decision: Extract<Layer2Decision, { kind: 'announce' }>): void {
    const { node, raise, reportersOf } = this.#options
    const addresses = this.ownership.addressesOf(key)
    const isUnable = addresses.length > 0 && addresses.every(({ reason }) => reason.kind === 'no-usable-interface')
    const spokesman = decision.candidates.find((name) => name === node || this.#alive.includes(name))
    const isAnswered = reportersOf(key).some((name) => name !== node && this.#alive.includes(name))
    if (!isUnable || spokesman !== node || isAnswered) return
    const places = decision.candidates.map((name) => {
      const wanted = decision.interfacesOf.get(name)
      return `node "${name}" (${wanted === undefined ? 'any interface' : wanted.join(', ')})`
    })
    const message = `${decision.ips.join(' and ')} cannot be announced: no usable interface on ${places.join(', ')}`
    raise(key, { type: 'Warning', reason: 'announceFailed', message, topic: SILENCE })
  }
}
