/** What follows from an election: answering, asking first, handing over, falling silent, and saying so. */
import { type Contest, type Elected, elect, lostTo, usableInterfaces } from './elect.ts'
import { lose } from './handover.ts'
import { hold, release } from './hold.ts'
import { endKeeping, heedKeeper } from './keeper.ts'
import { keepProbing, watch } from './probe.ts'
import { report } from './report.ts'
import { type Address, heldOn, type State, type Turn } from './state.ts'

/** Elects anew for each of the addresses and acts on what changed. */
export function resettle(turn: Turn, addresses: Iterable<Address>): void {
  const { state } = turn
  for (const address of addresses) {
    // About to be withdrawn, unless a Service further back in the list wants it.
    if (address.wants.length === 0) continue
    const contest = contestOf(address)
    const elected = heedKeeper(state, address, heedRival(state, address, elect(contest, state.members, state.self)))
    moveOwner(turn, address, elected.owner)
    const interfaces = usableInterfaces(contest, state.self)
    if (elected.owner === state.options.node) takeUp(turn, address, interfaces)
    else giveUp(turn, address, elected, interfaces)
    report(turn, address, elected)
  }
}

/**
 * Services that share an address have equal candidate lists (the allocator sees to it); should they differ for a
 * moment, the first key decides, so that all nodes choose alike. Interfaces add up.
 */
export function contestOf({ wants }: Address): Contest {
  if (wants.length === 1) return wants[0]!.wanted
  const first = wants.reduce((least, want) => (want.key < least.key ? want : least))
  const isAnywhere = wants.some(({ wanted }) => wanted.interfaces === undefined)
  const interfaces = isAnywhere ? undefined : [...new Set(wants.flatMap(({ wanted }) => wanted.interfaces!))].sort()
  return { candidates: first.wanted.candidates, interfaces }
}

/** A rival that is heard by heartbeat again, or has left, is an ordinary member; until then it keeps what it has. */
function heedRival(state: State, address: Address, elected: Elected): Elected {
  const { rival } = address
  if (rival === undefined) return elected
  if (state.members.silent?.has(rival.node) !== true) {
    endRivalry(address)
    return elected
  }
  if (rival.silent === undefined || elected.owner !== state.options.node) return elected
  return lostTo(rival.node)
}

export function endRivalry(address: Address): void {
  if (address.rival?.silent !== undefined) address.rival.silent.isCancelled = true
  address.rival = undefined
  if (address.doubt === 'rival') address.doubt = undefined
}

function moveOwner({ state, now }: Turn, address: Address, owner: string | undefined): void {
  if (address.owner === owner) return
  if (address.owner !== undefined) state.ownedBy.get(address.owner)!.delete(address)
  address.owner = owner
  if (owner === undefined) return
  state.pace.share(owner, now)
  const owned = state.ownedBy.get(owner)
  if (owned === undefined) state.ownedBy.set(owner, new Set([address]))
  else owned.add(address)
}

function takeUp(turn: Turn, address: Address, interfaces: readonly string[]): void {
  if (address.doubt === undefined || heldOn(address).length > 0) hold(turn, address, interfaces)
  else keepProbing(turn, address, interfaces)
}

function giveUp(turn: Turn, address: Address, elected: Elected, interfaces: readonly string[]): void {
  if (heldOn(address).length > 0) lose(turn, address, elected.owner)
  else if (address.doubt !== undefined && elected.reason.kind === 'lost-election') watch(turn, address, interfaces)
  else release(turn, address)
}

/** No Service wants the address any more: no reply from the next packet on. */
export function withdraw(turn: Turn, address: Address): void {
  const { state, now } = turn
  release(turn, address)
  endRivalry(address)
  endKeeping(address)
  moveOwner(turn, address, undefined)
  state.addresses.delete(address.ip)
  state.backlog.urgent.delete(address)
  state.backlog.routine.delete(address)
  if (address.doubt !== 'new') state.withdrawn.set(address.ip, now)
}
