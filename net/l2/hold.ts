/** Answering for an address, telling the neighbours, and falling silent. */
import { BURST_MS, type Burst } from './schedule.ts'
import { type Address, enter, heldOn, IDLE, isSameList, type Turn } from './state.ts'

/** Lost and won again within one gap between heartbeats: hardly anybody can have been told otherwise. */
const FLICKER_MS = 100
const FLICKER_ROUNDS = 2

/** Answers on exactly these interfaces; a burst starts only where none runs yet. */
export function hold(turn: Turn, address: Address, interfaces: readonly string[]): void {
  const rounds = isFlicker(turn, address) ? FLICKER_ROUNDS : undefined
  if (address.phase.kind !== 'holding') {
    // Whom we found while we asked has nothing to do with what comes now.
    if (address.phase.kind !== 'handing-over') endConflict(turn, address)
    enter(turn.state, address, { kind: 'holding', interfaces: heldOn(address) })
  }
  answerOn(turn, address, interfaces)
  for (const name of interfaces) if (burstOn(address, name) === undefined) startBurst(turn, address, name, rounds)
}

/** Still answered for, and the neighbours had been told to the end. */
function isFlicker({ now }: Turn, { phase }: Address): boolean {
  return phase.kind === 'handing-over' && phase.isToldToTheEnd && now - phase.since <= FLICKER_MS
}

export function isToldToTheEnd({ now }: Turn, address: Address): boolean {
  return address.bursts.every(({ startedAt }) => startedAt + BURST_MS < now)
}

/** The interfaces of an address that is answered for already, or from now on. */
export function answerOn(turn: Turn, address: Address, interfaces: readonly string[]): void {
  const { phase } = address
  if (phase.kind === 'idle' || isSameList(phase.interfaces, interfaces)) return
  for (const name of phase.interfaces) if (!interfaces.includes(name)) cancelBurst(address, name)
  phase.interfaces = interfaces
  turn.actions.push({ kind: 'own', ip: address.ip, interfaces })
}

/** Falls silent at once, or ceases to listen. */
export function release(turn: Turn, address: Address): void {
  endConflict(turn, address)
  if (address.phase.kind === 'idle') return
  cancelBursts(address)
  enter(turn.state, address, IDLE)
  turn.actions.push({ kind: 'disown', ip: address.ip })
}

/** Begins to tell the neighbours of one interface; a burst that runs there already is replaced. */
export function startBurst(turn: Turn, address: Address, name: string, rounds?: number): void {
  cancelBurst(address, name)
  address.bursts = [...address.bursts, turn.state.schedule.start(address.ip, name, turn.now, rounds)]
}

/** What is told there, or was told last. */
export function burstOn({ bursts }: Address, name: string): Burst | undefined {
  return bursts.find((burst) => burst.interface === name)
}

function cancelBurst(address: Address, name: string): void {
  const burst = burstOn(address, name)
  if (burst === undefined) return
  burst.isCancelled = true
  address.bursts = address.bursts.filter((one) => one !== burst)
}

export function cancelBursts(address: Address): void {
  for (const burst of address.bursts) cancelBurst(address, burst.interface)
}

export function endConflict(turn: Turn, address: Address): void {
  if (address.conflict === undefined) return
  if (address.conflict.over !== undefined) address.conflict.over.isCancelled = true
  address.conflict = undefined
  turn.actions.push({ kind: 'conflict-over', ip: address.ip })
}
