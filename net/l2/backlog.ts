/**
 * Addresses that are to be elected anew, worked off piece by piece: a death, a return or a lost cable may concern ten
 * thousand at once, and heartbeats must come and go in between, or the work of one flap makes the next. Each address is
 * judged by what is known when its turn comes, so that whatever happens meanwhile adds nothing but its name.
 */
import { burstOn, startBurst } from './hold.ts'
import { BURST_GAPS_MS, BURST_MS } from './schedule.ts'
import { resettle } from './settle.ts'
import { type Address, heldOn, type Reminder, type State, type Turn } from './state.ts'

/** Elections in one step, with nothing to do about most of them: about a millisecond. */
const MOST_ELECTIONS = 1000
/** A step that has led to so many actions is over: those cost more than their decision. */
const MOST_ACTIONS = 300
/** A burst is for neighbours that have been misled; who never ceased to answer says so twice. */
export const REMINDER_ROUNDS = 2
export const TELL_ALL: Reminder = { rounds: BURST_GAPS_MS.length, interfaces: undefined }

/** `urgent`: nobody answers, or this node answers although it should not. The others only learn a name. */
export function lookAgain({ backlog }: State, addresses: Iterable<Address>, when: 'urgent' | 'routine'): void {
  for (const address of addresses) {
    if (when === 'urgent') {
      backlog.routine.delete(address)
      backlog.urgent.add(address)
    } else if (!backlog.urgent.has(address)) backlog.routine.add(address)
  }
}

export function lookAtAll(state: State): void {
  lookAgain(state, heldByUs(state), 'urgent')
  lookAgain(state, state.addresses.values(), 'routine')
}

/** Those for which this node is elected, as far as it has looked. */
export function heldByUs({ ownedBy, options }: State): Iterable<Address> {
  return ownedBy.get(options.node) ?? []
}

/** The neighbours are to be told again of those that are still ours when their turn has come. */
export function remind(state: State, addresses: Iterable<Address>, reminder: Reminder): void {
  for (const address of addresses) {
    // Two at once are rare: then all is told everywhere.
    address.reminder = address.reminder === undefined ? reminder : TELL_ALL
    lookAgain(state, [address], 'routine')
  }
}

/** Whoever is to decide something about an address that waits decides by what is known now. */
export function lookNow(turn: Turn, address: Address): void {
  const { urgent, routine } = turn.state.backlog
  if (urgent.delete(address) || routine.delete(address)) look(turn, address)
}

/** Whether a step has done enough. */
export function isFull({ actions }: Turn): boolean {
  return actions.length >= MOST_ACTIONS
}

export function workOff(turn: Turn, when: 'urgent' | 'routine'): void {
  const waiting = turn.state.backlog[when]
  let left = MOST_ELECTIONS
  for (const address of waiting) {
    if (left-- === 0 || isFull(turn)) return
    waiting.delete(address)
    look(turn, address)
  }
}

export function isWorkedOff({ backlog }: State): boolean {
  return backlog.urgent.size + backlog.routine.size === 0
}

function look(turn: Turn, address: Address): void {
  resettle(turn, [address])
  const { reminder } = address
  if (reminder === undefined) return
  address.reminder = undefined
  if (address.phase.kind !== 'holding') return
  for (const name of heldOn(address)) {
    if (reminder.interfaces?.includes(name) !== false) tellAgain(turn, address, name, reminder.rounds)
  }
}

function tellAgain(turn: Turn, address: Address, name: string, rounds: number): void {
  const startedAt = burstOn(address, name)?.startedAt ?? Number.NEGATIVE_INFINITY
  // What is being told anyway need not be told again, unless it has changed since.
  const isTold = rounds < BURST_GAPS_MS.length ? startedAt + BURST_MS > turn.now : startedAt === turn.now
  if (!isTold) startBurst(turn, address, name, rounds)
}
