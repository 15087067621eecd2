import { takeDesired } from './desired.ts'
import { release, resettle, startBurst } from './hold.ts'
import type { Action, AliveMember, Event, Members } from './node.ts'
import { type Address, isSameList, type State, type Turn } from './state.ts'

/**
 * Takes one event at time `now` (milliseconds, never running backwards) and says what to do, in order. `state` is
 * changed in place (see State). Never throws.
 */
export function step(state: State, event: Event, now: number): readonly Action[] {
  const turn: Turn = { state, now, actions: [] }
  handle(turn, event)
  endHandovers(turn)
  state.schedule.run(now, ({ ip, interface: name }) => {
    turn.actions.push({ kind: 'announce', ip, interface: name })
  })
  reportReleased(turn)
  arm(turn)
  return turn.actions
}

function handle(turn: Turn, event: Event): void {
  const { state } = turn
  switch (event.kind) {
    case 'desired':
      takeDesired(turn, event.services, event.isComplete)
      break
    case 'members':
      takeMembers(turn, event.members)
      break
    case 'interfaces':
      takeInterfaces(turn, event.usable)
      break
    case 'claim':
      takeClaim(turn, event)
      break
    case 'leave':
      state.self = { ...state.self, isLeaving: true }
      resettle(turn, state.addresses.values())
      break
    case 'timer':
      state.armedAt = undefined
      break
  }
}

/**
 * A death concerns what the dead node owned. A newcomer or a node with other interfaces may rank first for anything,
 * so then every address is looked at: that is rare, and one pass over ten thousand takes milliseconds.
 */
function takeMembers(turn: Turn, members: Members): void {
  const { state } = turn
  const lost = onlyLost(state.members, members)
  state.members = members
  if (lost === undefined) resettle(turn, state.addresses.values())
  else for (const node of lost) resettle(turn, [...(state.ownedBy.get(node) ?? [])])
  for (const node of members.healed) reassure(turn, node)
}

/** The nodes that went, if nothing else happened; undefined = something else happened too. */
function onlyLost(before: Members, after: Members): readonly string[] | undefined {
  const { alive } = after
  if (before.isSettled !== after.isSettled || before.alive === undefined || alive === undefined) return undefined
  for (const [node, member] of alive) {
    const known = before.alive.get(node)
    if (known === undefined || !hasSameInterfaces(known, member)) return undefined
  }
  return [...before.alive.keys()].filter((node) => !alive.has(node))
}

function hasSameInterfaces(a: AliveMember, b: AliveMember): boolean {
  return isSameList(a.interfaces, b.interfaces)
}

/**
 * After a partition both sides answered. The loser falls silent, but its neighbours still send to it; it is for the
 * owner, who never stopped, to say so once more.
 */
function reassure(turn: Turn, node: string): void {
  for (const address of heldByUs(turn.state)) {
    const isRival = [...address.wants.values()].some(({ candidates }) => candidates.includes(node))
    if (isRival) for (const name of address.held) startBurst(turn, address, name)
  }
}

function heldByUs(state: State): Iterable<Address> {
  return state.ownedBy.get(state.options.node) ?? []
}

function takeInterfaces(turn: Turn, usable: ReadonlyMap<string, string>): void {
  const { state } = turn
  const before = state.self.usable
  state.self = { ...state.self, usable }
  resettle(turn, state.addresses.values())
  const changed = [...usable.keys()].filter((name) => before.has(name) && before.get(name) !== usable.get(name))
  if (changed.length === 0) return
  for (const address of heldByUs(state)) {
    for (const name of changed) if (address.held.includes(name)) startBurst(turn, address, name)
  }
}

/** RFC 5227 section 2.4 (b): an address is defended at most this often, never fought over. */
export const DEFEND_INTERVAL_MS = 10_000
/** A burst younger than this answers a member's claim already. */
const FRESH_BURST_MS = 1000

function takeClaim(turn: Turn, claim: Extract<Event, { kind: 'claim' }>): void {
  const { state, now } = turn
  const address = state.addresses.get(claim.ip)
  if (address === undefined || !address.held.includes(claim.interface)) return
  if (address.handover !== undefined) {
    // What a leaving or losing node waits for: its successor has announced.
    release(turn, address)
    resettle(turn, [address])
    return
  }
  if (state.members.nodeOfMac?.has(claim.mac)) {
    // A member that we outrank: it will give way as soon as it sees what we see, and the last word must be ours.
    const startedAt = address.bursts.get(claim.interface)?.startedAt ?? Number.NEGATIVE_INFINITY
    if (now - startedAt >= FRESH_BURST_MS) startBurst(turn, address, claim.interface)
    return
  }
  if (address.defendedAt !== undefined && now - address.defendedAt < DEFEND_INTERVAL_MS) return
  address.defendedAt = now
  turn.actions.push({ kind: 'conflict', ip: claim.ip, interface: claim.interface, mac: claim.mac, phase: 'announcing' })
  turn.actions.push({ kind: 'announce', ip: claim.ip, interface: claim.interface })
}

/** Successors that were never heard have had their time. */
function endHandovers(turn: Turn): void {
  const { handovers } = turn.state
  for (;;) {
    const first = handovers.first
    if (first === undefined) return
    const { address } = first
    const isPending = address.handover === first
    if (isPending && first.deadline > turn.now) return
    handovers.shift()
    if (!isPending) continue
    release(turn, address)
    resettle(turn, [address])
  }
}

/** Entries of handovers that ended early may still stand in the queue, but never first: endHandovers has just run. */
function reportReleased(turn: Turn): void {
  const { state } = turn
  if (!state.self.isLeaving || state.isReleased || state.handovers.first !== undefined) return
  state.isReleased = true
  turn.actions.push({ kind: 'released' })
}

function arm(turn: Turn): void {
  const { state } = turn
  const times = [state.schedule.nextAt(), state.handovers.first?.deadline].filter((at) => at !== undefined)
  if (times.length === 0) return
  const at = Math.min(...times)
  // A timer that comes too early does no harm; one that comes too late does.
  if (state.armedAt !== undefined && state.armedAt <= at) return
  state.armedAt = at
  turn.actions.push({ kind: 'arm', at })
}
