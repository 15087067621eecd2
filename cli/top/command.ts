/** `invarctl top`: what happens, while it happens. A screen on a terminal; elsewhere one frame after the other. */
import { stringify } from 'yaml'
import { systemClock } from '../../runtime/clock.ts'
import { installNamespace } from '../cluster-state.ts'
import type { SpeakerFlags } from '../command.ts'
import { asking, connect } from '../connection.ts'
import { paintFor } from '../paint.ts'
import type { Format } from '../report.ts'
import { Feed } from './feed.ts'
import { type Frame, frameOf } from './frame.ts'
import { streamLocal } from './local.ts'
import { Refreshes } from './refreshes.ts'
import { screenOf, sizeOf, streamOf } from './screen.ts'
import { onScreen } from './terminal.ts'

export interface TopFlags extends SpeakerFlags {
  readonly interval: string
  readonly count: string
}

/** @throws CannotRun */
export async function runTop(flags: TopFlags): Promise<void> {
  const refreshes = new Refreshes(flags.interval, flags.count)
  const end = () => refreshes.end()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  // Who read it has gone: in a container nobody else would end it.
  process.stdout.once('error', end)
  if (flags.local === true) {
    await streamLocal(flags.socket, refreshes, (activity) => write(activity, flags.output, JSON.stringify(activity)))
    return
  }
  await showCluster(flags, refreshes)
}

async function showCluster(flags: TopFlags, refreshes: Refreshes): Promise<void> {
  const connection = connect(flags)
  try {
    const namespace = await asking(connection, () => installNamespace(connection))
    const feed = new Feed(connection, namespace, refreshes.intervalMs, refreshes.signal)
    const following = feed.run()
    const frame = () => frameOf(feed.known(new Date(systemClock.wall()).toISOString()))
    await show(flags.output, refreshes, frame)
    refreshes.end()
    await following
  } finally {
    refreshes.end()
    connection.client.close()
  }
}

function show(output: Format, refreshes: Refreshes, frame: () => Frame): Promise<void> {
  const { stdout } = process
  const isScreen = stdout.isTTY && (output === 'text' || output === 'wide')
  if (!isScreen) {
    return refreshes.each(() => {
      const now = frame()
      write(now, output, streamOf(now))
    })
  }
  const paint = paintFor(stdout)
  return onScreen(
    () => refreshes.end(),
    (draw) => refreshes.each(() => draw(screenOf(frame(), sizeOf(stdout), paint))),
  )
}

function write(value: object, output: Format, text: string): void {
  if (output === 'json') process.stdout.write(`${JSON.stringify(value)}\n`)
  else if (output === 'yaml') process.stdout.write(`---\n${stringify(value, { lineWidth: 0 })}`)
  else process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}
