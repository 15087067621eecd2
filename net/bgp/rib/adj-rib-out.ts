import { formatPrefix, type Prefix } from '../../ip/index.ts'
import type { AddressFamily, LargeCommunity } from '../message/index.ts'
import type { Negotiated } from '../session/index.ts'
import { AttributeGroups } from './attribute-group.ts'
import type { NextHops } from './carriage.ts'
import { Destination } from './destination.ts'
import { type NotCarried, PeerOut } from './peer-out.ts'
import { type Contribution, comparePrefixes, variantKey } from './policy.ts'
import { PolicyCache } from './policy-cache.ts'

/** One route as a peer has it, or will. */
export interface RouteReport {
  readonly prefix: Prefix
  readonly state: 'announced' | 'pending' | 'withdrawing' | 'not-carried'
  /** For `not-carried`. */
  readonly because: NotCarried | undefined
  readonly localPreference: number
  readonly communities: readonly number[]
  readonly largeCommunities: readonly LargeCommunity[]
  /** BGPAdvertisements that the route comes from. */
  readonly advertisements: readonly string[]
}

/** Figures of one peer's part. */
export interface PeerFigures {
  /** Routes that the peer has, as far as we have told it. */
  readonly announced: number
  /** Routes that the peer should have, and that can be sent to it. */
  readonly wanted: number
  /** Routes about which it is still to be told something. */
  readonly pending: number
}

/** One contributor's part in one destination. */
interface Share {
  readonly destination: Destination
  readonly contribution: Contribution
  readonly variant: string
}

const NO_SHARES: ReadonlyMap<string, Share> = new Map()

/**
 * What this node announces, to whom, and how far they have been told (RFC 4271 section 3.2). Contributors (Services)
 * say what they want; sessions are attached when Established and pull messages when they have room.
 *
 * It changes in place: with 10,000 routes, copying them for every change would cost more than the change.
 */
export class AdjRibOut {
  readonly #destinations = new Map<string, Destination>()
  /** By contributor, then by prefix and variant. */
  readonly #shares = new Map<string, ReadonlyMap<string, Share>>()
  readonly #peers = new Map<string, PeerOut>()
  readonly #groups = new AttributeGroups()
  readonly #policies = new PolicyCache()
  #isComplete = false

  /** Destinations known, those that peers have yet to forget included. */
  get size(): number {
    return this.#destinations.size
  }

  /** Attribute blocks encoded since the beginning, and those in use now. */
  get attributeGroups(): { readonly encoded: number; readonly inUse: number } {
    return { encoded: this.#groups.encodings, inUse: this.#groups.size }
  }

  /** Replaces all that this contributor wanted before; an empty list takes it back. Costs what has changed. */
  set(contributor: string, contributions: readonly Contribution[]): void {
    const before = this.#shares.get(contributor) ?? NO_SHARES
    const after = this.#sharesOf(contributions)
    const touched = new Set<Destination>()
    // First what is new, then what is gone: a destination that stays is never without contributor in between.
    for (const [key, { destination, contribution, variant }] of after) {
      if (!before.has(key) && destination.add(contributor, variant, contribution)) touched.add(destination)
    }
    for (const [key, { destination, variant }] of before) {
      if (!after.has(key) && destination.remove(contributor, variant)) touched.add(destination)
    }
    if (after.size === 0) this.#shares.delete(contributor)
    else this.#shares.set(contributor, after)
    for (const destination of touched) this.#reconsider(destination)
  }

  /**
   * The desired state is known in full. Until then no End-of-RIB is sent: after a restart it would make peers drop the
   * routes that are still to come.
   */
  setComplete(): void {
    this.#isComplete = true
  }

  /** RFC 8326: every route is marked as about to go, before this node goes. */
  setShuttingDown(isShuttingDown: boolean): void {
    this.#groups.isShuttingDown = isShuttingDown
    for (const destination of this.#destinations.values()) this.#reconsider(destination)
  }

  /** A session is Established: everything is to be said anew. */
  attach(peer: string, negotiated: Negotiated, nextHops: NextHops): void {
    this.detach(peer)
    const out = new PeerOut({ name: peer, negotiated, nextHops }, this.#groups, (each) => this.#forgetIfUnused(each))
    this.#peers.set(peer, out)
    for (const destination of this.#destinations.values()) out.reconsider(destination)
  }

  /** The session is over: what the peer knows of us is its own business now. */
  detach(peer: string): void {
    const out = this.#peers.get(peer)
    if (out === undefined) return
    this.#peers.delete(peer)
    out.close()
  }

  /** The peer has asked for a family again. */
  refresh(peer: string, family: AddressFamily): void {
    this.#peers.get(peer)?.refresh(family)
  }

  /**
   * The next message for the peer, whole, or undefined when it knows everything. Ask whenever its socket has room, and
   * after each change.
   */
  next(peer: string): Uint8Array | undefined {
    return this.#peers.get(peer)?.next(this.#isComplete)
  }

  /**
   * Compares all that is wanted with what the peers were told, as if nothing had been compared before. Returns how many
   * routes had to be put right: a number other than 0 is a fault of ours that this has mended.
   */
  audit(): number {
    const pending = () => [...this.#peers.values()].reduce((sum, peer) => sum + peer.pending, 0)
    const before = pending()
    for (const destination of this.#destinations.values()) this.#reconsider(destination)
    return Math.abs(pending() - before)
  }

  figures(peer: string): PeerFigures {
    const out = this.#peers.get(peer)
    return { announced: out?.announced ?? 0, wanted: out?.wanted ?? 0, pending: out?.pending ?? 0 }
  }

  /** All routes of an attached peer, by prefix. */
  routes(peer: string): RouteReport[] {
    return [...this.eachRoute(peer)].sort((a, b) => comparePrefixes(a.prefix, b.prefix))
  }

  /**
   * As {@link routes}, in no order, and as they are when their turn comes: ten thousand at once take longer than a
   * thread with timers may be away. Ends early when the peer is detached meanwhile.
   */
  *eachRoute(peer: string): Generator<RouteReport, void, void> {
    const out = this.#peers.get(peer)
    if (out === undefined) return
    for (const destination of this.#destinations.values()) {
      if (this.#peers.get(peer) !== out) return
      const told = report(destination, out)
      if (told !== undefined) yield told
    }
  }

  /** Prefixes for which advertisements ask for different local preferences towards the peer. */
  conflicts(peer: string): Prefix[] {
    const torn = [...this.#destinations.values()].filter((each) => each.policyFor(peer)?.hasConflict === true)
    return torn.map((each) => each.prefix).sort(comparePrefixes)
  }

  #sharesOf(contributions: readonly Contribution[]): Map<string, Share> {
    const shares = new Map<string, Share>()
    for (const contribution of contributions) {
      const prefix = formatPrefix(contribution.prefix)
      const variant = variantKey(contribution)
      shares.set(`${prefix}|${variant}`, {
        destination: this.#destinationOf(prefix, contribution),
        contribution,
        variant,
      })
    }
    return shares
  }

  #destinationOf(key: string, { prefix }: Contribution): Destination {
    const known = this.#destinations.get(key)
    if (known !== undefined) return known
    const made = new Destination(prefix, this.#policies)
    this.#destinations.set(key, made)
    return made
  }

  #reconsider(destination: Destination): void {
    for (const peer of this.#peers.values()) peer.reconsider(destination)
    this.#forgetIfUnused(destination)
  }

  #forgetIfUnused(destination: Destination): void {
    if (!destination.isWanted && destination.holders === 0) this.#destinations.delete(formatPrefix(destination.prefix))
  }
}

/** undefined = neither wanted by this peer nor known to it. */
function report(destination: Destination, out: PeerOut): RouteReport | undefined {
  const policy = destination.policyFor(out.name)
  const isTold = out.has(destination)
  if (policy === undefined && !isTold) return undefined
  const because = policy === undefined ? undefined : out.whyNotCarried(destination)
  return {
    prefix: destination.prefix,
    state: stateOf({ isWanted: policy !== undefined, isPending: out.isPending(destination), because }),
    because,
    localPreference: policy?.localPreference ?? 0,
    communities: policy?.communities ?? [],
    largeCommunities: policy?.largeCommunities ?? [],
    advertisements: destination.advertisements,
  }
}

function stateOf(route: {
  isWanted: boolean
  isPending: boolean
  because: NotCarried | undefined
}): RouteReport['state'] {
  if (route.because !== undefined) return 'not-carried'
  if (!route.isWanted) return 'withdrawing'
  return route.isPending ? 'pending' : 'announced'
}
