import {
  heldByUs,
  isFull,
  isWorkedOff,
  lookAgain,
  lookAtAll,
  REMINDER_ROUNDS,
  remind,
  TELL_ALL,
  workOff,
} from './backlog.ts'
import { checkConflict, endPatience, takeClaim } from './claim.ts'
import { takeDesired, takeIn } from './desired.ts'
import { askSuccessor } from './handover.ts'
import { endConflict, release } from './hold.ts'
import { doubtKeeper } from './keeper.ts'
import type { Action, AliveMember, Event, Members } from './node.ts'
import { retry, sendProbe } from './probe.ts'
import { contestOf, endRivalry, resettle } from './settle.ts'
import { type Address, type Appointment, heldOn, isSameList, type State, type Turn } from './state.ts'

/**
 * Takes one event at time `now` (milliseconds, never running backwards) and says what to do, in order. `state` is
 * changed in place (see State). Never throws.
 */
export function step(state: State, event: Event, now: number): readonly Action[] {
  const turn: Turn = { state, now, actions: [] }
  handle(turn, event)
  // Claims come in hundreds, each with a step of its own: they are not to bring forward a piece each.
  if (event.kind !== 'claim') workOneOff(turn)
  if (!state.members.isCatchingUp) keepAppointments(turn)
  reportReleased(turn)
  arm(turn)
  return turn.actions
}

/** One piece of all that waits; the timer rings at once for the next. */
function workOneOff(turn: Turn): void {
  const { state } = turn
  workOff(turn, 'urgent')
  if (!isFull(turn)) takeIn(turn)
  if (!isFull(turn)) workOff(turn, 'routine')
  if (state.members.isCatchingUp !== true && !hasWork(state)) state.isBehind = false
}

function hasWork(state: State): boolean {
  return state.work.first !== undefined || state.unwanted.size > 0 || !isWorkedOff(state)
}

/** Deadlines first, as they may lead to announcements; those before questions, which may wait. */
function keepAppointments(turn: Turn): void {
  const { state, now, actions } = turn
  while (!isFull(turn)) {
    const next = state.deadlines.takeDue(now)
    if (next === undefined) break
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
    case 'keeper-doubted':
      doubtKeeper(address)
      resettle(turn, [address])
      return
    case 'conflict-over':
      checkConflict(turn, address)
  }
}

function handle(turn: Turn, event: Event): void {
  const { state } = turn
  switch (event.kind) {
    case 'desired':
      takeDesired(turn, event)
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
      lookAgain(state, answeredFor(state), 'urgent')
      break
    case 'timer':
      state.armedAt = undefined
      break
  }
}

/**
 * A death concerns what the dead node owned. A newcomer or a node with other interfaces may rank first for anything,
 * so then every address is looked at.
 */
function takeMembers(turn: Turn, members: Members): void {
  const { state, now } = turn
  const before = state.members
  const lost = onlyLost(before, members)
  state.members = members
  if (lost === undefined) lookAtAll(state)
  else for (const node of lost) lookAgain(state, state.ownedBy.get(node) ?? [], 'urgent')
  if (members.isCatchingUp && members.mayBeBuried) {
    state.isBehind = true
    if (state.handingOver > 0) lookAgain(state, answeredFor(state), 'urgent')
  }
  if (members.healed.length === 0) return
  // All that were apart have something to say now. Who alone stood still has more to say than the others, who divide the
  // other half of what a port can take.
  if (!before.isCatchingUp) for (const node of members.alive?.keys() ?? []) state.pace.share(node, now)
  const reminder = before.isCatchingUp ? TELL_ALL : { rounds: REMINDER_ROUNDS, interfaces: undefined }
  remind(state, rivalled(state, new Set(members.healed)), reminder)
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
 * Addresses of ours that one of the nodes may have answered for, too. After a partition both sides answered: the loser
 * falls silent, but its neighbours still send to it, and it is for the owner, who never stopped, to say so once more.
 */
function* rivalled(state: State, nodes: ReadonlySet<string>): Iterable<Address> {
  for (const address of heldByUs(state)) {
    if (address.wants.length > 0 && contestOf(address).candidates.some((node) => nodes.has(node))) yield address
  }
}

function* answeredFor(state: State): Iterable<Address> {
  for (const address of state.addresses.values()) if (address.phase.kind !== 'idle') yield address
}

function takeInterfaces({ state }: Turn, usable: ReadonlyMap<string, string>): void {
  const before = state.self.usable
  state.self = { ...state.self, usable }
  if (!isSameList([...before.keys()].sort(), [...usable.keys()].sort())) lookAtAll(state)
  const changed = [...usable.keys()].filter((name) => before.has(name) && before.get(name) !== usable.get(name))
  if (changed.length > 0) remind(state, heldOnSome(state, changed), { ...TELL_ALL, interfaces: changed })
}

function* heldOnSome(state: State, names: readonly string[]): Iterable<Address> {
  for (const address of heldByUs(state)) if (heldOn(address).some((name) => names.includes(name))) yield address
}

/** Nothing is handed over any more. */
function reportReleased({ state, actions }: Turn): void {
  if (!state.self.isLeaving || state.isReleased || state.handingOver > 0 || !isWorkedOff(state)) return
  state.isReleased = true
  actions.push({ kind: 'released' })
}

function arm({ state, now, actions }: Turn): void {
  const at = hasWork(state) ? now : nextAt(state)
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
