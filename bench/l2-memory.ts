/**
 * Memory that a speaker is resident with, without Services and with 10,000, when everything is announced and reported.
 * Judged is the most of three speakers.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Progress, SERVICE_COUNT, SPEAKERS, SpeakerCluster } from './l2-speakers.ts'
import { type Memory, memoryOf } from './process-usage.ts'

const BAR_MB = 150
/** The collector gives memory back when the process has been idle for a while. */
const REST_MS = 30_000

export default {
  name: 'l2-memory',
  about: `resident memory of three speakers with ${SERVICE_COUNT} Services announced (root)`,
  run,
}

async function run(progress: Progress) {
  const none = await measure(progress, 0)
  const many = await measure(progress, SERVICE_COUNT)
  const residentMb = Math.max(...many.map((memory) => memory.residentMb))
  return {
    figures: { services: SERVICE_COUNT, residentMb, withNone: none, withMany: many },
    yardstick: BAR_MB,
    ratio: Math.round((residentMb / BAR_MB) * 100) / 100,
    bar: 1,
    pass: residentMb <= BAR_MB,
  }
}

async function measure(progress: Progress, services: number): Promise<readonly (Memory & { readonly name: string })[]> {
  await using cluster = await SpeakerCluster.start(progress, services)
  cluster.startSpeakers()
  progress('until every Service has its report')
  await cluster.settled(services)
  await delay(REST_MS)
  const memories = SPEAKERS.map((name, index) => ({ name, ...memoryOf(cluster.pids[index]!) }))
  progress(JSON.stringify(memories))
  return memories
}
