/**
 * Finds aggregates for which advertisements ask for different local preferences. core/config refuses advertisements that
 * could do so for one Service; that two Services share an aggregate shows only in their routes. Pure.
 */
import type { DesiredRoute } from './wire/messages.ts'

/** An advertisement whose local preference is not what is announced. */
export interface PreferenceConflict {
  readonly prefix: string
  /** The BGPAdvertisement that is passed over, and what it asks for. */
  readonly advertisement: string
  readonly localPreference: number
  /** The one that asks for more: its preference is announced. */
  readonly winner: string
  readonly announced: number
}

/** As the wire thread announces a route that names none. */
const DEFAULT_LOCAL_PREFERENCE = 100

interface Wish {
  readonly advertisement: string
  readonly localPreference: number
  readonly peers: readonly string[] | undefined
  /** Services that have it. */
  count: number
}

export class AggregatePreferences {
  /** By prefix, then by advertisement and what it asks for. */
  readonly #wishes = new Map<string, Map<string, Wish>>()
  /** By prefix: the advertisements that were passed over when it was last looked at. */
  readonly #known = new Map<string, ReadonlySet<string>>()

  /** A Service's routes are other than before. @returns the conflicts that this has begun */
  change(before: readonly DesiredRoute[], after: readonly DesiredRoute[]): readonly PreferenceConflict[] {
    for (const route of after) if (isAggregate(route)) this.#add(route)
    for (const route of before) if (isAggregate(route)) this.#remove(route)
    const touched = new Set([...before, ...after].filter(isAggregate).map(({ prefix }) => prefix))
    return [...touched].flatMap((prefix) => this.#begun(prefix))
  }

  #add(route: DesiredRoute): void {
    const wishes = this.#wishes.get(route.prefix) ?? new Map<string, Wish>()
    this.#wishes.set(route.prefix, wishes)
    const { advertisement, localPreference = DEFAULT_LOCAL_PREFERENCE, peers } = route
    const known = wishes.get(keyOf(route))
    if (known === undefined) wishes.set(keyOf(route), { advertisement, localPreference, peers, count: 1 })
    else known.count++
  }

  #remove(route: DesiredRoute): void {
    const wishes = this.#wishes.get(route.prefix)!
    const wish = wishes.get(keyOf(route))!
    wish.count--
    if (wish.count === 0) wishes.delete(keyOf(route))
    if (wishes.size === 0) this.#wishes.delete(route.prefix)
  }

  #begun(prefix: string): readonly PreferenceConflict[] {
    const conflicts = conflictsAmong(prefix, [...(this.#wishes.get(prefix)?.values() ?? [])])
    const known = this.#known.get(prefix)
    if (conflicts.length === 0) this.#known.delete(prefix)
    else this.#known.set(prefix, new Set(conflicts.map(({ advertisement }) => advertisement)))
    return conflicts.filter(({ advertisement }) => known?.has(advertisement) !== true)
  }
}

function conflictsAmong(prefix: string, wishes: readonly Wish[]): readonly PreferenceConflict[] {
  return wishes.flatMap((wish) => {
    const rivals = wishes.filter((other) => other.localPreference > wish.localPreference && sharePeer(wish, other))
    if (rivals.length === 0) return []
    const winner = rivals.reduce((best, rival) => (rival.localPreference > best.localPreference ? rival : best))
    const { advertisement, localPreference } = wish
    return [{ prefix, advertisement, localPreference, winner: winner.advertisement, announced: winner.localPreference }]
  })
}

function sharePeer(a: Wish, b: Wish): boolean {
  return a.peers === undefined || b.peers === undefined || a.peers.some((peer) => b.peers!.includes(peer))
}

/** A host route belongs to one address. */
function isAggregate({ prefix }: DesiredRoute): boolean {
  return !prefix.endsWith(prefix.includes(':') ? '/128' : '/32')
}

function keyOf({ advertisement, localPreference, peers }: DesiredRoute): string {
  return `${advertisement} ${localPreference} ${peers?.join()}`
}
