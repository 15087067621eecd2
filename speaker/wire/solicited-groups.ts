/**
 * The solicited-node groups (RFC 4291 section 2.7.1) of what is held on each interface: without them the device does not
 * pass solicitations up, and without the kernel's MLD reports a switch may not even pass them on.
 *
 * The kernel walks all groups of the interface for each that is joined or left, so ten thousand take more than a second.
 * This thread must not stand still for so long: the others would take it for dead. A turn does a little.
 */
import { addressToBytes } from '../../net/ip/index.ts'
import { solicitedNodeGroup } from '../../net/ndp/index.ts'
import type { Clock } from '../../runtime/clock.ts'

/** Joins and leaves of all interfaces together take at most about so long before the event loop turns. */
export const TURN_BUDGET_MS = 5
const BETWEEN_TURNS_MS = 1

/** As of MulticastGroups. */
export interface Memberships {
  join(group: Uint8Array): void
  leave(group: Uint8Array): void
  /** Leaves a part of its groups; false when none was left to leave. */
  closeSome(): boolean
}

export interface SolicitedGroupsOptions {
  readonly clock: Clock
  readonly open: (interfaceIndex: number) => Memberships
  readonly onFault: (what: string, cause: unknown) => void
}

interface Segment {
  readonly name: string
  readonly memberships: Memberships
  /** By address: several may share a group, which Memberships counts. */
  readonly joined: Set<bigint>
  /** Oldest first: an address, and whether its group is to be joined or left. */
  readonly changes: Map<bigint, boolean>
}

export class SolicitedGroups {
  readonly #options: SolicitedGroupsOptions
  /** By interface index. */
  readonly #segments = new Map<number, Segment>()
  readonly #closing: Memberships[] = []
  #spentMs = 0
  #isTurnArmed = false

  constructor(options: SolicitedGroupsOptions) {
    this.#options = options
  }

  /** Groups of this interface are joined from now on; false when they were already. */
  open(interfaceIndex: number, name: string): boolean {
    if (this.#segments.has(interfaceIndex)) return false
    const memberships = this.#options.open(interfaceIndex)
    this.#segments.set(interfaceIndex, { name, memberships, joined: new Set(), changes: new Map() })
    return true
  }

  /** All groups of the interface are left. */
  close(interfaceIndex: number): void {
    const segment = this.#segments.get(interfaceIndex)
    if (segment === undefined) return
    this.#segments.delete(interfaceIndex)
    this.#closing.push(segment.memberships)
    this.#work()
  }

  /** The group of an IPv6 address. On an interface that is not open nothing happens. */
  hold(interfaceIndex: number, ipv6: bigint): void {
    this.#change(interfaceIndex, ipv6, true)
  }

  release(interfaceIndex: number, ipv6: bigint): void {
    this.#change(interfaceIndex, ipv6, false)
  }

  #change(interfaceIndex: number, ipv6: bigint, isWanted: boolean): void {
    const segment = this.#segments.get(interfaceIndex)
    if (segment === undefined) return
    segment.changes.set(ipv6, isWanted)
    this.#work()
  }

  #work(): void {
    const { clock } = this.#options
    while (this.#spentMs < TURN_BUDGET_MS) {
      const startedAt = clock.now()
      if (!this.#doOne()) return
      this.#spentMs += clock.now() - startedAt
      this.#armTurn()
    }
  }

  #armTurn(): void {
    if (this.#isTurnArmed) return
    this.#isTurnArmed = true
    this.#options.clock.setTimeout(() => {
      this.#isTurnArmed = false
      this.#spentMs = 0
      this.#work()
    }, BETWEEN_TURNS_MS)
  }

  /** false: nothing is left to do. Joins come first, somebody may be asking. */
  #doOne(): boolean {
    for (const segment of this.#segments.values()) {
      for (const [ipv6, isWanted] of segment.changes) {
        segment.changes.delete(ipv6)
        if (segment.joined.has(ipv6) === isWanted) continue
        this.#execute(segment, ipv6, isWanted)
        return true
      }
    }
    if (this.#closing.length === 0) return false
    if (!this.#closing[0]!.closeSome()) this.#closing.shift()
    return true
  }

  #execute({ name, memberships, joined }: Segment, ipv6: bigint, isWanted: boolean): void {
    const group = addressToBytes(solicitedNodeGroup({ family: 6, bits: ipv6 }))
    try {
      if (isWanted) memberships.join(group)
      else memberships.leave(group)
    } catch (error) {
      // The cause is that of all that fail on this interface: said once, not for each address.
      this.#options.onFault(`joining the groups of IPv6 addresses on ${name}`, error)
      return
    }
    if (isWanted) joined.add(ipv6)
    else joined.delete(ipv6)
  }
}
