/**
 * What the speakers told of their BGP sessions, as their events on the BGPPeers say it: there is no resource for it.
 * Events are gone after an hour; what they said is kept as long as node and peer are.
 */
import type { EventObject } from '../../operator/index.ts'
import type { ToldSession } from './speaker-row.ts'

/** By `involvedObject.kind`: events of nothing else are followed. */
export const SESSION_EVENTS = 'involvedObject.kind=BGPPeer'

const REASONS: Readonly<Record<string, boolean>> = { sessionUp: true, sessionDown: false }

/** What is kept of an event; undefined = it is about no session. */
export interface SessionEvent extends ToldSession {
  readonly node: string
  readonly peer: string
}

export function sessionEvent(event: EventObject): SessionEvent | undefined {
  const { involvedObject, reason = '', message = '', lastTimestamp, firstTimestamp, source } = event
  const isUp = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined
  const node = source?.host ?? event.reportingInstance
  if (isUp === undefined || node === undefined || node === '') return undefined
  const since = lastTimestamp ?? firstTimestamp ?? event.metadata.creationTimestamp ?? ''
  return { node, peer: involvedObject.name, isUp, since, sentence: message }
}

/** More than any cluster has: an event can be made up by whoever may create one. */
const MOST_SESSIONS = 10_000

export class Sessions {
  readonly #told = new Map<string, SessionEvent>()

  /** @returns whether it is news */
  take(event: SessionEvent): boolean {
    const key = keyOf(event.node, event.peer)
    const before = this.#told.get(key)
    if (before === undefined ? this.#told.size >= MOST_SESSIONS : before.since > event.since) return false
    this.#told.set(key, event)
    return true
  }

  of(node: string, peer: string): ToldSession | undefined {
    return this.#told.get(keyOf(node, peer))
  }

  /** Forgets nodes and peers that are no more. */
  keep(nodes: ReadonlySet<string>, peers: ReadonlySet<string>): void {
    for (const [key, { node, peer }] of this.#told) if (!nodes.has(node) || !peers.has(peer)) this.#told.delete(key)
  }
}

function keyOf(node: string, peer: string): string {
  return `${node}/${peer}`
}
