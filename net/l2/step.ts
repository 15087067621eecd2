import { checkConflict, endPatience, takeClaim } from './claim.ts'
import { takeDesired, takeIn } from './desired.ts'
import { askSuccessor } from './handover.ts'
import { endConflict, release, startBurst } from './hold.ts'
import type { Action, AliveMember, Event, Members } from './node.ts'
import { retry, sendProbe } from './probe.ts'
import { endRivalry, resettle } from './settle.ts'
import { type Address, type Appointment, heldOn, isSameList, type State, type Turn } from './state.ts'

/**
 * Takes one event at time `now` (milliseconds, never running backwards) and says what to do, in order. `state` is
 * changed in place (see State). Never throws.
 */
export function step(state: State, event: Event, now: number): readonly Action[] {
  const turn: Turn = { state, now, actions: [] }
  handle(turn, event)
  takeIn(turn)
  if (!state.members.isCatchingUp) keepAppointments(turn)
  reportReleased(turn)
  arm(turn)
  return turn.actions
}

/** Deadlines first, as they may lead to announcements; those before questions, which may wait. */
function keepAppointments(turn: Turn): void {
  const { state, now, actions } = turn
  for (let next = state.deadlines.takeDue(now); next !== undefined; next = state.deadlines.takeDue(now)) {
    keepAppointment(turn, next)
  }
  state.schedule.run(now, ({ ip, interface: name }) => actions.push({ kind: 'announce', ip, interface: name }))
  while ((state.questions.nextAt() ?? Number.POSITIVE_INFINITY) <= now && state.pace.take(now)) {
    keepAppointment(turn, state.questions.takeDue(now)!)
  }
}

function keepAppointment(turn: Turn, { address, what }: Appointment): void {
  switch (what) {
    case 'probe':
      sendProbe(turn, address)
      return
    case 'ask-successor':
      askSuccessor(turn, address)
      return
    case 'retry':
      retry(turn, address)
      return
    case 'probed':
      // Nobody has it.
      address.doubt = undefined
      endRivalry(address)
      endConflict(turn, address)
      resettle(turn, [address])
      return
    case 'handed-over':
      // The successor was never heard and has had its time.
      release(turn, address)
      resettle(turn, [address])
      return
    case 'rival-silent':
      endPatience(turn, address)
      return
    case 'conflict-over':
      checkConflict(turn, address)
  }
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
  if (lost === undefined || members.isCatchingUp) resettle(turn, state.addresses.values())
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
    if (isRival) for (const name of heldOn(address)) startBurst(turn, address, name)
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
    for (const name of changed) if (heldOn(address).includes(name)) startBurst(turn, address, name)
  }
}

/** Nothing is handed over any more. */
function reportReleased({ state, actions }: Turn): void {
  if (!state.self.isLeaving || state.isReleased || state.handingOver > 0) return
  state.isReleased = true
  actions.push({ kind: 'released' })
}

function arm({ state, now, actions }: Turn): void {
  const at = state.work.first === undefined ? nextAt(state) : now
  if (at === undefined) return
  // A timer that comes too early does no harm; one that comes too late does.
  if (state.armedAt !== undefined && state.armedAt <= at) return
  state.armedAt = at
  actions.push({ kind: 'arm', at })
}

function nextAt(state: State): number | undefined {
  if (state.members.isCatchingUp) return undefined
  const question = state.questions.nextAt()
  const times = [
    state.schedule.nextAt(),
    state.deadlines.nextAt(),
    question === undefined ? undefined : state.pace.earliest(question),
  ].filter((at) => at !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
}
