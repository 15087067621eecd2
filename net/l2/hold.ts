/** What follows from an election: answering, announcing, handing over, falling silent, and saying so. */
import { type Contest, type Elected, elect, usableInterfaces } from './elect.ts'
import { type Address, isSameList, type State, type Turn, type Verdict } from './state.ts'

/** Elects anew for each of the addresses and acts on what changed. */
export function resettle(turn: Turn, addresses: Iterable<Address>): void {
  const { state } = turn
  for (const address of addresses) {
    const contest = contestOf(address)
    const elected = elect(contest, state.members, state.self)
    moveOwner(state, address, elected.owner)
    if (elected.owner === state.options.node) hold(turn, address, usableInterfaces(contest, state.self))
    else if (address.held.length > 0) lose(turn, address, elected)
    // A loser that still answers says so when it has ceased.
    if (address.handover === undefined) report(turn, address, elected)
  }
}

/**
 * Services that share an address have equal candidate lists (the allocator sees to it); should they differ for a
 * moment, the first key decides, so that all nodes choose alike. Interfaces add up.
 */
function contestOf(address: Address): Contest {
  if (address.wants.size === 1) return address.wants.values().next().value!
  const [first] = [...address.wants.keys()].sort()
  const wants = [...address.wants.values()]
  const isAnywhere = wants.some(({ interfaces }) => interfaces === undefined)
  const interfaces = isAnywhere ? undefined : [...new Set(wants.flatMap((wanted) => wanted.interfaces!))].sort()
  return { candidates: address.wants.get(first!)!.candidates, interfaces }
}

function moveOwner(state: State, address: Address, owner: string | undefined): void {
  if (address.owner === owner) return
  if (address.owner !== undefined) state.ownedBy.get(address.owner)!.delete(address)
  address.owner = owner
  if (owner === undefined) return
  const owned = state.ownedBy.get(owner)
  if (owned === undefined) state.ownedBy.set(owner, new Set([address]))
  else owned.add(address)
}

/** Answers on exactly these interfaces; a burst starts only where none runs yet. */
function hold(turn: Turn, address: Address, interfaces: readonly string[]): void {
  address.handover = undefined
  answerOn(turn, address, interfaces)
  for (const name of interfaces) if (!address.bursts.has(name)) startBurst(turn, address, name)
}

function answerOn(turn: Turn, address: Address, interfaces: readonly string[]): void {
  if (isSameList(address.held, interfaces)) return
  for (const name of address.held) if (!interfaces.includes(name)) cancelBurst(address, name)
  address.held = interfaces
  turn.actions.push({ kind: 'own', ip: address.ip, interfaces })
}

/** Goes on answering until the successor has announced: a planned move loses nothing. Without successor: silence. */
function lose(turn: Turn, address: Address, elected: Elected): void {
  const { state, now } = turn
  const still = address.held.filter((name) => state.self.usable.has(name))
  if (elected.owner === undefined || still.length === 0) {
    release(turn, address)
    return
  }
  answerOn(turn, address, still)
  if (address.handover !== undefined) return
  cancelBursts(address)
  address.handover = { address, deadline: now + state.options.handoverMs }
  state.handovers.push(address.handover)
}

/** Falls silent at once. */
export function release(turn: Turn, address: Address): void {
  address.handover = undefined
  if (address.held.length === 0) return
  cancelBursts(address)
  address.held = []
  turn.actions.push({ kind: 'disown', ip: address.ip })
}

/** No Service wants the address any more: no reply from the next packet on, and nothing is remembered. */
export function withdraw(turn: Turn, address: Address): void {
  release(turn, address)
  moveOwner(turn.state, address, undefined)
  turn.state.addresses.delete(address.ip)
}

/** Begins to tell the neighbours of one interface; a burst that runs there already is replaced. */
export function startBurst(turn: Turn, address: Address, name: string): void {
  cancelBurst(address, name)
  address.bursts.set(name, turn.state.schedule.start(address.ip, name, turn.now))
}

function cancelBurst(address: Address, name: string): void {
  const burst = address.bursts.get(name)
  if (burst === undefined) return
  burst.isCancelled = true
  address.bursts.delete(name)
}

function cancelBursts(address: Address): void {
  for (const name of [...address.bursts.keys()]) cancelBurst(address, name)
}

function report(turn: Turn, address: Address, elected: Elected): void {
  const verdict: Verdict = { owned: address.held.length > 0, interfaces: address.held, reason: elected.reason }
  const isNews = address.verdict === undefined || !isSameVerdict(address.verdict, verdict)
  if (isNews) address.verdict = verdict
  for (const key of address.wants.keys()) {
    if (address.reported.get(key) === address.verdict) continue
    address.reported.set(key, address.verdict!)
    turn.actions.push({ kind: 'ownership', key, ip: address.ip, ...address.verdict! })
  }
}

function isSameVerdict(a: Verdict, b: Verdict): boolean {
  if (a.owned !== b.owned || a.reason.kind !== b.reason.kind || !isSameList(a.interfaces, b.interfaces)) return false
  if (a.reason.kind === 'lost-election' && b.reason.kind === 'lost-election') return a.reason.owner === b.reason.owner
  if (a.reason.kind === 'no-usable-interface' && b.reason.kind === 'no-usable-interface') {
    return isSameList(a.reason.wanted, b.reason.wanted)
  }
  return true
}
