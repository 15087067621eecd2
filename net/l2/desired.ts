/**
 * What the main thread desires, taken in piece by piece: ten thousand addresses with a hundred candidates each would
 * keep heartbeats and questions waiting for longer than a neighbour's patience. What happens in between finds the
 * machine as consistent as ever; it only does not know yet what comes further back.
 */
import { isFull } from './backlog.ts'
import { endUncertainty } from './keeper.ts'
import type { Event, WantedAddress, WantedService } from './node.ts'
import { resettle, withdraw } from './settle.ts'
import { type Address, isSameList, newAddress, type State, type Turn, type Work } from './state.ts'

/** Services taken in by one step: one or two milliseconds of work. */
const PIECE = 200

/**
 * An address that comes back within this time after it was withdrawn is not asked for again: that is a Service between
 * two endpoints, or one that another has taken the place of.
 */
const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 20_000

/** Puts it at the end of the queue; see `takeIn`. */
export function takeDesired({ state }: Turn, event: Extract<Event, { kind: 'desired' }>): void {
  const { services, isComplete, isOutdated = false } = event
  // The first complete list says what was there before this process was. Later ones are the same after the main thread
  // has lost touch with the API server: other nodes may have answered for what they name since long.
  const isNews = state.hasComplete && !isComplete && state.options.isProbing
  state.hasComplete ||= isComplete && !isOutdated
  const all = isComplete ? completely(state, services) : services
  const doubt = isOutdated ? 'outdated' : isNews ? 'new' : undefined
  state.work.push({ services: all[Symbol.iterator](), doubt })
}

/** All that is named, then the end of everything else. */
function* completely(state: State, services: readonly WantedService[]): Iterable<WantedService> {
  yield* services
  const named = new Set(services.map(({ key }) => key))
  for (const key of state.services.keys()) if (!named.has(key)) yield { key, layer2: [] }
}

/** Takes in one piece; only addresses for which that is something new are elected again. */
export function takeIn(turn: Turn): void {
  const { state } = turn
  if (state.work.first === undefined && state.unwanted.size === 0) return
  const touched = new Set<Address>()
  for (let taken = 0; taken < PIECE && state.work.first !== undefined; ) {
    const { services, doubt } = state.work.first
    const next = services.next()
    if (next.done === true) {
      state.work.shift()
      continue
    }
    want(turn, next.value, doubt, touched)
    taken++
  }
  for (const address of touched) {
    if (address.wants.length === 0) state.unwanted.add(address)
    else resettle(turn, [address])
  }
  if (state.work.first !== undefined) return
  for (const address of state.unwanted) {
    if (isFull(turn)) return
    state.unwanted.delete(address)
    if (address.wants.length === 0) withdraw(turn, address)
  }
}

/** Records what the Service wants and adds to `touched` what that changes. */
function want(turn: Turn, service: WantedService, doubt: Work['doubt'], touched: Set<Address>): void {
  const { state } = turn
  const { key, layer2 } = service
  for (const ip of state.services.get(key) ?? []) {
    if (layer2.some((wanted) => wanted.ip === ip)) continue
    const address = state.addresses.get(ip)!
    address.wants = address.wants.filter((want) => want.key !== key)
    touched.add(address)
  }
  for (const wanted of layer2) {
    const address = state.addresses.get(wanted.ip) ?? meet(turn, wanted.ip, doubt)
    if (doubt !== 'outdated' && endUncertainty(address)) touched.add(address)
    const known = address.wants.find((want) => want.key === key)
    if (known !== undefined && isSame(known.wanted, wanted)) continue
    const now = { key, wanted: state.lists.share(wanted), told: known?.told }
    address.wants = [...address.wants.filter((want) => want !== known), now]
    touched.add(address)
  }
  if (layer2.length === 0) state.services.delete(key)
  else
    state.services.set(
      key,
      layer2.map(({ ip }) => ip),
    )
}

function meet({ state, now }: Turn, ip: string, doubt: Work['doubt']): Address {
  forgetWithdrawn(state, now)
  const isKnown = doubt === 'new' && state.withdrawn.has(ip)
  state.withdrawn.delete(ip)
  const address = newAddress(ip, isKnown ? undefined : doubt)
  state.addresses.set(ip, address)
  return address
}

/** The map is in order of time. */
function forgetWithdrawn({ withdrawn }: State, now: number): void {
  for (const [ip, at] of withdrawn) {
    if (withdrawn.size <= MAX_REMEMBERED && now - at < REMEMBERED_MS) return
    withdrawn.delete(ip)
  }
}

function isSame(a: WantedAddress, b: WantedAddress): boolean {
  return isSameList(a.candidates, b.candidates) && isSameList(a.interfaces, b.interfaces)
}
