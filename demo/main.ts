/**
 * The main job as a story: `node demo/main.ts [--keep] [--cluster=own|current]`.
 *
 * With --keep the story is played by a process of its own that stays behind as the owner of the cluster: what belongs
 * to a process goes when it goes, so ending that one ends the cluster, and nothing else needs to be remembered.
 */
import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { asProgram, Missing } from '../build/progress.ts'
import { playOnCurrentCluster } from './current-cluster.ts'
import { howToUse, playOnOwnCluster, prepareOwnCluster } from './own-cluster.ts'
import { Story } from './story.ts'

const KEEPER = 'INVAR_DEMO_KEEPER'

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean' }, cluster: { type: 'string', default: 'own' } } })
  const keep = values.keep ?? false
  if (values.cluster === 'current') return play((story) => playOnCurrentCluster(story, keep))
  if (values.cluster !== 'own') throw new Missing(`no cluster called ${values.cluster}: there are own and current`)
  if (process.platform !== 'linux')
    throw new Missing('the cluster is made of Linux namespaces: run on Linux, or CLUSTER=current')
  if (process.getuid?.() !== 0)
    throw new Missing('making network namespaces needs root: run as root, or CLUSTER=current')
  if (keep && process.env[KEEPER] === undefined) return leaveToKeeper()
  await prepareOwnCluster()
  await play(async (story) => {
    const cluster = await playOnOwnCluster(story)
    if (keep) {
      console.log(`\n${story.table()}\n\n${howToUse(cluster, `kill ${process.pid}`)}`)
      process.send?.('kept')
      return
    }
    await story.chapter('Everything is taken down', async () => {
      await cluster.stop()
      return 'nothing is left behind'
    })
  }, !keep)
}

async function play(tell: (story: Story) => Promise<void>, withTable = true): Promise<void> {
  const startedAt = performance.now()
  const story = new Story()
  await tell(story)
  if (withTable) console.log(`\n${story.table()}\n\n  ${((performance.now() - startedAt) / 1000).toFixed(1)} s in all`)
}

/** Plays in a process that outlives this one; this one ends when the story has been told. */
function leaveToKeeper(): Promise<void> {
  const keeper = fork(import.meta.filename, process.argv.slice(2), {
    detached: true,
    silent: true,
    env: { ...process.env, [KEEPER]: '1' },
  })
  keeper.stdout?.pipe(process.stdout)
  keeper.stderr?.pipe(process.stderr)
  const interrupted = () => void keeper.kill('SIGINT')
  process.once('SIGINT', interrupted)
  return new Promise((resolve) => {
    keeper.once('exit', (code) => {
      process.exitCode = code ?? 1
      resolve()
    })
    keeper.once('message', () => {
      process.off('SIGINT', interrupted)
      // Without these the pipes would keep this process from ending.
      keeper.disconnect()
      keeper.stdout?.destroy()
      keeper.stderr?.destroy()
      keeper.unref()
      resolve()
    })
  })
}

await asProgram(main)
