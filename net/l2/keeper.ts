/**
 * A speaker that starts while the API server is away knows what was desired once. Another may answer by now, told so by
 * the API server before it went: who is found answering keeps the address until the truth is known, as long as it lives
 * and answers. The two would go on answering side by side, each by a list in which it comes first.
 */
import { type Elected, lostTo } from './elect.ts'
import type { Address, State, Turn } from './state.ts'

/** The keeper may have given it away meanwhile, even to us. */
const ASKED_AGAIN_MS = 10_000

/** The member was found answering. */
export function leaveTo({ state, now }: Turn, address: Address, node: string): void {
  endKeeping(address)
  address.keeper = { node, doubted: state.deadlines.add(now + ASKED_AGAIN_MS, { address, what: 'keeper-doubted' }) }
}

export function heedKeeper(state: State, address: Address, elected: Elected): Elected {
  const { keeper } = address
  if (keeper === undefined || elected.owner !== state.options.node) return elected
  if (state.members.alive?.has(keeper.node) === true) return lostTo(keeper.node)
  endKeeping(address)
  return elected
}

/** From now on the segment is asked once more. */
export function doubtKeeper(address: Address): void {
  endKeeping(address)
  address.doubt = 'outdated'
}

export function endKeeping(address: Address): void {
  if (address.keeper !== undefined) address.keeper.doubted.isCancelled = true
  address.keeper = undefined
}

/** Who is to answer is known again. @returns whether it was not */
export function endUncertainty(address: Address): boolean {
  const isUncertain = address.doubt === 'outdated' || address.keeper !== undefined
  if (address.doubt === 'outdated') address.doubt = undefined
  endKeeping(address)
  return isUncertain
}
