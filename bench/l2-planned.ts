/**
 * Moves of an address that nobody should notice: the owner is told to end (SIGTERM), its node is cordoned, the preferred
 * node comes back. A client meanwhile sends 1,000 requests a second and has one TCP stream open; another asks by ARP.
 * No request may be lost, and at most one TCP segment sent again at a move. (How many are sent again without any move,
 * because this machine was slow, stands beside it.)
 */
import { setTimeout as delay } from 'node:timers/promises'
import { systemRandom } from '../runtime/random.ts'
import { Asker, type HeardArp, percentile, Segment, Traffic, tenths, wallMs } from './l2-segment.ts'

const RUNS = Number(process.env.INVAR_BENCH_RUNS ?? (process.env.INVAR_SHORT === '1' ? 3 : 30))
const NODES = 3
const TRAFFIC_INTERVAL_US = 1_000
const RETRANSMISSIONS_BAR = 1
/** The nodes learn from the API server at different moments. */
const MAX_NEWS_DELAY_MS = 50
/** Longer than the two of a handover answer both. */
const AFTERMATH_MS = 1_500
const QUIET_MS = process.env.INVAR_SHORT === '1' ? 5_000 : 60_000

const MOVES = ['terminated', 'returned', 'cordoned', 'uncordoned'] as const
type Move = (typeof MOVES)[number]

interface Round {
  readonly move: Move
  /** From the command to the first answer of the new owner. */
  readonly movedAfterMs: number
  /** For how long answers came from both. */
  readonly bothMs: number
  /** The longest gap between two answers by ARP around the move. */
  readonly arpGapMs: number
  /** TCP segments sent again. */
  readonly retransmitted: number
}

export default {
  name: 'l2-planned',
  about: `requests lost and segments sent again over ${RUNS} rounds of planned moves (root)`,
  run,
}

async function run(progress: (text: string) => void) {
  using segment = await Segment.start(NODES)
  await segment.agreed()
  const asker = new Asker(segment)
  const traffic = await Traffic.start(segment, TRAFFIC_INTERVAL_US)
  progress('traffic without moves')
  await delay(QUIET_MS)
  const quiet = {
    seconds: QUIET_MS / 1_000,
    retransmitted: traffic.retransmittedAtMs.length,
    gaps: traffic.gaps.length,
  }
  const rounds: Round[] = []
  for (let run = 0; run < RUNS; run++) {
    for (const move of MOVES) rounds.push(await play(segment, asker, traffic, move))
    if ((run + 1) % 5 === 0) progress(`${run + 1} of ${RUNS} rounds; ${traffic.gaps.length} gaps above 30 ms`)
  }
  const sum = await traffic.sum()
  const lost = sum.asked - sum.answered
  const figures = {
    moves: rounds.length,
    lost,
    ...sum,
    runs: MOVES.map((move) =>
      figureOf(
        move,
        rounds.filter((round) => round.move === move),
      ),
    ),
  }
  const pass =
    lost === 0 && sum.streamBytesLost === 0 && rounds.every(({ retransmitted }) => retransmitted <= RETRANSMISSIONS_BAR)
  return {
    figures,
    yardstick: quiet,
    ratio: lost,
    bar: { lost: 0, retransmittedAtAMove: RETRANSMISSIONS_BAR },
    pass,
  }
}

async function play(segment: Segment, asker: Asker, traffic: Traffic, move: Move): Promise<Round> {
  const [preferred, second, third] = segment.names as [string, string, string]
  const old = move === 'terminated' || move === 'cordoned' ? preferred : second
  const heir = old === preferred ? second : preferred
  await delay(AFTERMATH_MS + 100 * systemRandom())
  const commandedAtMs = wallMs()
  const isOf =
    (name: string) =>
    ({ kind, mac, atMs }: HeardArp) =>
      kind === 'reply' && atMs > commandedAtMs && segment.nameOf(mac) === name
  const taken = asker.next(isOf(heir), 10_000)
  if (move === 'terminated') await segment.leave(preferred)
  else if (move === 'returned') await segment.startNode(preferred)
  else {
    const order = move === 'cordoned' ? [second, third, preferred] : segment.names
    await segment.desireInTurn(order, MAX_NEWS_DELAY_MS)
  }
  const first = await taken
  await delay(AFTERMATH_MS)
  const last = asker.heard.findLast(isOf(old))
  return {
    move,
    movedAfterMs: first.atMs - commandedAtMs,
    bothMs: Math.max(0, (last?.atMs ?? 0) - first.atMs),
    arpGapMs: longestGap(asker.heard.filter(({ kind, atMs }) => kind === 'reply' && atMs > commandedAtMs)),
    retransmitted: traffic.retransmittedAtMs.filter((atMs) => atMs > commandedAtMs).length,
  }
}

function longestGap(heard: readonly HeardArp[]): number {
  const gaps = heard.slice(1).map(({ atMs }, index) => atMs - heard[index]!.atMs)
  return Math.max(0, ...gaps)
}

function figureOf(move: Move, rounds: readonly Round[]) {
  const of = (read: (round: Round) => number) => ({
    median: tenths(percentile(rounds.map(read), 50)),
    max: tenths(percentile(rounds.map(read), 100)),
  })
  return {
    move,
    movedAfterMs: of(({ movedAfterMs }) => movedAfterMs),
    bothMs: of(({ bothMs }) => bothMs),
    arpGapMs: of(({ arpGapMs }) => arpGapMs),
    retransmitted: of(({ retransmitted }) => retransmitted),
  }
}
