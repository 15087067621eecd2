/**
 * Make before break: who has lost an address goes on answering until the successor has announced, so that a planned
 * move loses nothing. It also asks the segment now and then, since the announcement may be lost, or the successor may
 * have announced long ago without knowing of us.
 */
import { answerOn, cancelBursts, isToldToTheEnd, release } from './hold.ts'
import { type Address, appoint, enter, heldOn, type Turn } from './state.ts'

/** Gaps between questions to the successor. */
const ASK_GAPS_MS: readonly number[] = [150, 350, 500, 1000, 2000, 3000]

/** Another was elected, or nobody; without a successor there is silence at once. */
export function lose(turn: Turn, address: Address, successor: string | undefined): void {
  const { state, now } = turn
  const still = heldOn(address).filter((name) => state.self.usable.has(name))
  // Whoever stood still while others were elected has been succeeded long ago.
  if (successor === undefined || still.length === 0 || state.isBehind) {
    release(turn, address)
    return
  }
  answerOn(turn, address, still)
  const { phase } = address
  const { isLeaving } = state.self
  if (phase.kind === 'handing-over' && phase.to === successor && phase.isLeaving === isLeaving) return
  const told = isToldToTheEnd(turn, address)
  cancelBursts(address)
  enter(state, address, {
    ...{ kind: 'handing-over', interfaces: still, to: successor, isLeaving, asked: 0 },
    ...{ since: now, isToldToTheEnd: told },
  })
  const { handoverMs, leaveMs } = state.options
  appoint(state, address, 'handed-over', now + (isLeaving ? leaveMs : handoverMs))
  appoint(state, address, 'ask-successor', now + ASK_GAPS_MS[0]!)
}

/** Whoever has the address answers; the answer comes back as a claim. */
export function askSuccessor(turn: Turn, address: Address): void {
  const { phase } = address
  if (phase.kind !== 'handing-over') return
  for (const name of phase.interfaces) turn.actions.push({ kind: 'probe', ip: address.ip, interface: name })
  phase.asked++
  const gapMs = ASK_GAPS_MS[phase.asked]
  if (gapMs !== undefined) appoint(turn.state, address, 'ask-successor', turn.now + gapMs)
}
