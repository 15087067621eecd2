/** All that one speaker knows: what `invarctl bundle --local` prints in its container. */
import { SPEAKER_LIMIT_MS } from '../ask-speakers.ts'
import { askLocalSpeaker } from '../local-speaker.ts'
import type { Report } from '../report.ts'

/** As the speaker's socket answers; docs/cli.md has the shapes under `nodes`, `peers` and `routes`. */
export interface SpeakerRecord {
  readonly node: string
  readonly facts: object
  readonly peers: object
  readonly routes: object
  readonly activity: object
  /** The text that a scraper reads. */
  readonly metrics: string
}

/** @throws CannotRun */
export async function runLocalBundle(socket: string): Promise<Report> {
  const ask = async (path: string) => (await askLocalSpeaker(socket, path, SPEAKER_LIMIT_MS)) as Answer
  const facts = await ask('/node')
  // One after the other: the speaker has addresses to answer for.
  const [peers, routes, activity, metrics] = [
    await ask('/peers'),
    await ask('/routes'),
    await ask('/activity'),
    await ask('/metrics'),
  ]
  const value: SpeakerRecord = { node: facts.node, facts, peers, routes, activity, metrics: metrics.text ?? '' }
  return { value: { speakers: [value] }, text: () => `${JSON.stringify(value, null, 2)}\n`, exitCode: 0 }
}

interface Answer {
  readonly node: string
  readonly text?: string
}
