/** `invarctl top --local`: what the speaker of this machine does, a line each refresh. */
import { systemClock } from '../../runtime/clock.ts'
import { askLocalSpeaker } from '../local-speaker.ts'
import { activityOf, type Counted, type NodeActivity, type ToldActivity } from './activity.ts'
import type { Refreshes } from './refreshes.ts'

/** For one question on the same machine. */
const LIMIT_MS = 5_000

/** @throws CannotRun where the speaker does not answer */
export async function streamLocal(
  socket: string,
  refreshes: Refreshes,
  tell: (activity: NodeActivity) => void,
): Promise<void> {
  let before: Counted | undefined
  await refreshes.each(async () => {
    const told = (await askLocalSpeaker(socket, '/activity', LIMIT_MS)) as ToldActivity
    const now: Counted = { told, readAtMs: systemClock.now() }
    tell(activityOf(now, before, new Date(systemClock.wall()).toISOString()))
    before = now
  })
}
