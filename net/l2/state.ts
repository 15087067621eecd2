import type { Self } from './elect.ts'
import { Fifo } from './fifo.ts'
import type { Action, Members, Options, OwnershipReason, WantedAddress } from './node.ts'
import { type Burst, Schedule } from './schedule.ts'

/**
 * All that the machine remembers. Mutable, and changed in place by `step`: with ten thousand addresses a copy for each
 * event would cost more than the event. Nobody else may touch it.
 */
export interface State {
  readonly options: Options
  self: Self
  members: Members
  readonly services: Map<string, readonly WantedAddress[]>
  readonly addresses: Map<string, Address>
  /** Addresses by elected owner: when a node dies, only its own are looked at. */
  readonly ownedBy: Map<string, Set<Address>>
  /** Addresses that still answer until their successor announces; all wait equally long, so the first ends first. */
  readonly handovers: Fifo<Handover>
  readonly schedule: Schedule
  armedAt: number | undefined
  isReleased: boolean
}

/** One address that some Service wants. */
export interface Address {
  readonly ip: string
  /** By key of the Service. */
  readonly wants: Map<string, WantedAddress>
  /** The elected node, this one or another. */
  owner: string | undefined
  /** Interfaces on which this node answers now; empty = it does not. */
  held: readonly string[]
  /** What is being announced, by interface. */
  readonly bursts: Map<string, Burst>
  /** Set while this node has lost the address and waits to hear its successor. */
  handover: Handover | undefined
  /** When a stranger's claim was last answered. */
  defendedAt: number | undefined
  verdict: Verdict | undefined
  /** Which verdict each Service has been told. */
  readonly reported: Map<string, Verdict>
}

export interface Handover {
  readonly address: Address
  readonly deadline: number
}

export interface Verdict {
  readonly owned: boolean
  readonly interfaces: readonly string[]
  readonly reason: OwnershipReason
}

/** One step in progress: what the parts of the machine pass to each other. */
export interface Turn {
  readonly state: State
  readonly now: number
  readonly actions: Action[]
}

/** A node that knows nobody, has no interface and wants nothing. */
export function initial(options: Options): State {
  return {
    options,
    self: { node: options.node, usable: new Map(), isLeaving: false },
    members: { isSettled: false, alive: new Map(), healed: [] },
    services: new Map(),
    addresses: new Map(),
    ownedBy: new Map(),
    handovers: new Fifo(),
    schedule: new Schedule(options),
    armedAt: undefined,
    isReleased: false,
  }
}

export function newAddress(ip: string): Address {
  return {
    ip,
    wants: new Map(),
    owner: undefined,
    held: [],
    bursts: new Map(),
    handover: undefined,
    defendedAt: undefined,
    verdict: undefined,
    reported: new Map(),
  }
}

export function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((item, index) => item === b[index])
}
