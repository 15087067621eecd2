import type { Family } from '../../net/ip/index.ts'
import type { EntryOccupancy, PoolOccupancy } from './pool-occupancy.ts'
import type { ShareGroup } from './share-group.ts'

/** What one Service occupies: its addresses, and what decides who may join it there. */
export interface Assignment {
  readonly key: string
  /** Canonical text, IPv4 first. */
  readonly addresses: readonly string[]
  readonly sharingKey: string
  readonly backendKey: string
  readonly ports: readonly string[]
  /** Whether the Service's status has been seen to show these addresses. */
  isShown: boolean
}

/** Where an address lies: in which entry of which pool, and how far from its start. */
export interface Place {
  readonly pool: PoolOccupancy
  readonly entry: EntryOccupancy
  /** A bigint only from 2^53 on: there no search for the lowest free address ever comes. */
  readonly offset: number | bigint
}

/** Why a Service may not join those that hold an address. */
export type JoinRefusal =
  | { readonly kind: 'not-shared'; readonly holder: string }
  | { readonly kind: 'other-sharing-key'; readonly holder: string }
  | { readonly kind: 'other-backend'; readonly holder: string }
  | { readonly kind: 'port-taken'; readonly holder: string; readonly port: string }

/** What of an Assignment or a request decides about sharing. */
export interface Occupant {
  readonly key: string
  readonly sharingKey: string
  readonly backendKey: string
  readonly ports: readonly string[]
}

const NOBODY: Assignment[] = []

/**
 * One address in use, and by whom. All holders have the same sharing and backend key, and no port in common:
 * who breaks that is not let in.
 */
export class Holding {
  readonly text: string
  readonly family: Family
  /** undefined: in no pool (any more). */
  place: Place | undefined
  /** Where Services with the same keys find this address; undefined when it is not shareable. */
  group: ShareGroup | undefined
  holders: Assignment[] = NOBODY
  /** Who holds each port; kept only while there are several holders. */
  #ports: Map<string, Assignment> | undefined

  constructor(text: string, family: Family, place: Place | undefined) {
    this.text = text
    this.family = family
    this.place = place
  }

  attach(assignment: Assignment): void {
    // Nearly every address has one holder: an array of exactly one is a fifth of one that has grown.
    if (this.holders.length === 0) this.holders = [assignment]
    else this.holders.push(assignment)
    if (this.holders.length === 2) this.#ports = new Map()
    if (this.#ports === undefined) return
    const added = this.holders.length === 2 ? this.holders : [assignment]
    for (const holder of added) for (const port of holder.ports) this.#ports.set(port, holder)
  }

  detach(assignment: Assignment): void {
    const index = this.holders.indexOf(assignment)
    if (index >= 0) {
      this.holders[index] = this.holders.at(-1)!
      this.holders.pop()
    }
    if (this.holders.length < 2) this.#ports = undefined
    else for (const port of assignment.ports) this.#ports?.delete(port)
  }

  /** undefined = `occupant` may hold this address beside those who hold it, itself not counted. */
  refusalFor(occupant: Occupant): JoinRefusal | undefined {
    const other = this.holders[0]?.key === occupant.key ? this.holders[1] : this.holders[0]
    if (other === undefined) return undefined
    const holder = other.key
    if (occupant.sharingKey === '' || other.sharingKey === '') return { kind: 'not-shared', holder }
    if (occupant.sharingKey !== other.sharingKey) return { kind: 'other-sharing-key', holder }
    if (occupant.backendKey !== other.backendKey) return { kind: 'other-backend', holder }
    for (const port of occupant.ports) {
      const taken = this.#holderOf(port)
      if (taken !== undefined && taken !== occupant.key) return { kind: 'port-taken', holder: taken, port }
    }
    return undefined
  }

  #holderOf(port: string): string | undefined {
    if (this.#ports !== undefined) return this.#ports.get(port)?.key
    return this.holders.find((holder) => holder.ports.includes(port))?.key
  }
}
