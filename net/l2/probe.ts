/**
 * Before an address is announced for the first time the segment is asked whether somebody has it: RFC 5227 section 2.1
 * and RFC 4862 section 5.4, with the number of questions of the former and a fraction of its times. Those are made for
 * hosts that come up by the hundred on slow links; here a Service waits.
 */
import { endConflict } from './hold.ts'
import { type Address, appoint, enter, type Found, isSameList, type Turn } from './state.ts'

/** RFC 5227 section 1.1, PROBE_NUM. */
const PROBE_COUNT = 3
/** PROBE_MIN and PROBE_MAX there are 1 and 2 s. */
const LEAST_PROBE_GAP_MS = 80
const MOST_PROBE_GAP_MS = 120
/** After the last question; ANNOUNCE_WAIT there is 2 s. */
const LISTEN_MS = 100
/** An address that is taken is asked for again at gaps that double. */
const FIRST_RETRY_MS = 10_000
const LAST_RETRY_MS = 300_000

/** Elected, and not sure that nobody has the address: asks, unless it does so already. */
export function keepProbing(turn: Turn, address: Address, interfaces: readonly string[]): void {
  const { kind } = address.phase
  if (kind === 'probing' || kind === 'in-use') watchOn(turn, address, interfaces)
  else startProbing(turn, address, interfaces, undefined)
}

/** Another is elected, and nobody was heard announcing the address yet: listens for that. */
export function watch(turn: Turn, address: Address, interfaces: readonly string[]): void {
  if (address.phase.kind !== 'watching') {
    endConflict(turn, address)
    enter(turn.state, address, { kind: 'watching', interfaces: watchedOn(address) })
  }
  watchOn(turn, address, interfaces)
}

function watchOn(turn: Turn, address: Address, interfaces: readonly string[]): void {
  const { phase } = address
  if (phase.kind === 'idle' || isSameList(phase.interfaces, interfaces)) return
  phase.interfaces = interfaces
  turn.actions.push({ kind: 'watch', ip: address.ip, interfaces })
}

function watchedOn({ phase }: Address): readonly string[] {
  return phase.kind === 'watching' || phase.kind === 'probing' || phase.kind === 'in-use' ? phase.interfaces : []
}

function startProbing(turn: Turn, address: Address, interfaces: readonly string[], found: Found | undefined): void {
  enter(turn.state, address, { kind: 'probing', interfaces: watchedOn(address), sent: 0, found })
  watchOn(turn, address, interfaces)
  appoint(turn.state, address, 'probe', turn.now)
}

export function sendProbe(turn: Turn, address: Address): void {
  const { state, now } = turn
  const { phase } = address
  if (phase.kind !== 'probing') return
  for (const name of phase.interfaces) turn.actions.push({ kind: 'probe', ip: address.ip, interface: name })
  phase.sent++
  if (phase.sent === PROBE_COUNT) appoint(state, address, 'probed', now + LISTEN_MS)
  else appoint(state, address, 'probe', now + probeGapMs(state.options.node, address.ip, phase.sent))
}

/** Spread, so that nodes asking for many addresses do not keep in step; the same in every run. */
function probeGapMs(node: string, ip: string, sent: number): number {
  let hash = sent
  for (const letter of `${node} ${ip}`) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0
  return LEAST_PROBE_GAP_MS + (hash % (MOST_PROBE_GAP_MS - LEAST_PROBE_GAP_MS + 1))
}

/** A stranger has the address: not announced, reported, asked for again later. */
export function takeAsInUse(turn: Turn, address: Address, mac: string, interfaceName: string): void {
  const { state, now, actions } = turn
  const { phase } = address
  if (phase.kind !== 'probing') return
  const retryMs = phase.found === undefined ? FIRST_RETRY_MS : Math.min(phase.found.retryMs * 2, LAST_RETRY_MS)
  const found = { mac, interface: interfaceName, retryMs }
  enter(state, address, { kind: 'in-use', interfaces: phase.interfaces, found })
  appoint(state, address, 'retry', now + retryMs)
  address.conflict = { reportedAt: now, seenAt: now, over: undefined }
  actions.push({ kind: 'conflict', ip: address.ip, interface: interfaceName, mac, phase: 'probing' })
}

export function retry(turn: Turn, address: Address): void {
  const { phase } = address
  if (phase.kind === 'in-use') startProbing(turn, address, phase.interfaces, phase.found)
}
