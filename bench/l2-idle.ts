/**
 * Three speakers with 10,000 addresses and nothing to do, for ten minutes (one with INVAR_SHORT=1): what they write to
 * the API server, which is judged by its audit log, and what processor time they take.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Progress, SERVICE_COUNT, SPEAKERS, SpeakerCluster } from './l2-speakers.ts'
import { cpuSecondsByThread, memoryOf } from './process-usage.ts'

const MINUTES = process.env.INVAR_SHORT === '1' ? 1 : 10
const CPU_PERCENT_BAR = 1

export default {
  name: 'l2-idle',
  about: `${MINUTES} minutes with ${SERVICE_COUNT} addresses announced: API writes and processor time of 3 speakers (root)`,
  run,
}

async function run(progress: Progress) {
  await using cluster = await SpeakerCluster.start(progress)
  cluster.startSpeakers()
  progress('until every Service has its report')
  await cluster.settled()
  const writesBefore = cluster.writes().length
  const cpuBefore = cluster.pids.map(cpuSecondsByThread)
  progress(`${writesBefore} writes so far; idle for ${MINUTES} minutes`)
  await delay(MINUTES * 60_000)
  const cpuAfter = cluster.pids.map(cpuSecondsByThread)
  const writes = cluster.writes().slice(writesBefore)
  const speakers = SPEAKERS.map((name, index) => ({
    name,
    cpuPercent: percentOf(cpuBefore[index]!, cpuAfter[index]!),
    ...memoryOf(cluster.pids[index]!),
  }))
  const worst = Math.max(...speakers.map(({ cpuPercent }) => cpuPercent.all!))
  const figures = { services: SERVICE_COUNT, minutes: MINUTES, writes: writes.length, firstWrites: writes.slice(0, 3) }
  return {
    figures: { ...figures, worstCpuPercent: worst, speakers },
    yardstick: CPU_PERCENT_BAR,
    ratio: Math.round(worst * 100) / 100,
    bar: { writes: 0, cpuPercent: CPU_PERCENT_BAR },
    pass: writes.length === 0 && worst < CPU_PERCENT_BAR,
  }
}

/** Of one processor, in the whole time; all threads, and those that took something. */
function percentOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const percent = (seconds: number) => Math.round((seconds / (MINUTES * 60)) * 10_000) / 100
  const taken = [...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const)
  const all = taken.reduce((sum, [, seconds]) => sum + seconds, 0)
  const shown = taken.filter(([, seconds]) => seconds > 0).map(([name, seconds]) => [name, percent(seconds)])
  return { all: percent(all), ...Object.fromEntries(shown) }
}
