/** The image of an earlier commit, made by that commit's own builder, in a root where only its sources are. Needs root. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createOtherRoot } from '../../testkit/other-root.ts'

const ROOT = join(import.meta.dirname, '..', '..')

export interface Previous {
  /** `1a2b3c4 what its message says`. */
  readonly title: string
  /** An OCI archive. */
  readonly image: string
  /** The name of the image in it. */
  readonly reference: string
  /** The folder of its plain manifests. */
  readonly manifests: string
}

/** The last release's tag where there is one, else the commit before; this one where nothing came before. */
export function previousRevision(): string {
  return git('describe', '--tags', '--abbrev=0', '--match=v*', 'HEAD^') ?? git('rev-parse', 'HEAD^') ?? 'HEAD'
}

/** Its sources and image lie in `out/previous`, and stay until another commit's take their place. */
export async function buildPrevious(revision: string): Promise<Previous> {
  const commit = git('rev-parse', `${revision}^{commit}`)
  if (commit === undefined) throw new Error(`git knows no ${revision}`)
  const folder = join(ROOT, 'out', 'previous', commit)
  if (!existsSync(folder)) await build(commit, folder)
  const { version } = JSON.parse(readFileSync(join(folder, 'source/package.json'), 'utf8')) as { version: string }
  return {
    title: git('show', '--no-patch', '--format=%h %s', commit)!,
    image: join(folder, 'image.tar'),
    reference: `invar.dev/invar:${version}`,
    manifests: join(folder, 'source/deploy'),
  }
}

async function build(commit: string, folder: string): Promise<void> {
  rmSync(join(ROOT, 'out/previous'), { recursive: true, force: true })
  const unfinished = `${folder}.unfinished`
  const source = join(unfinished, 'source')
  mkdirSync(source, { recursive: true })
  const archive = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 1 << 30 })
  execFileSync('tar', ['-x', '-C', source], { input: archive })
  using root = createOtherRoot()
  root.overlay(source, '/src')
  // What is installed now: its own packages would have to come from the network.
  root.overlay(join(ROOT, 'node_modules'), '/src/node_modules')
  const environment = { PATH: '/src/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp' }
  await root.run('cd /src; node native/build.ts; node build/image.ts', environment)
  copyFileSync(join(root.path, 'src/out/image.tar'), join(unfinished, 'image.tar'))
  renameSync(unfinished, folder)
}

function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    // There is no such commit or tag.
    return undefined
  }
}
