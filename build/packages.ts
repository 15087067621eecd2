/** Debian packages for the whole cluster and the network tests, unpacked into the cache: nothing is installed. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { CLUSTER_PACKAGES, missingTools } from '../testkit/cluster/tools.ts'
import { packagesFolder } from '../testkit/packages.ts'
import { PROMTOOL_PACKAGES, promtoolPath } from '../testkit/promtool.ts'
import { missingRouterPrograms, ROUTER_PACKAGES } from '../testkit/routers/programs.ts'
import { missingSegmentPrograms, SEGMENT_PACKAGES } from '../testkit/segment-programs.ts'
import { asProgram, Missing, runWithProgress, which } from './progress.ts'

interface PackageSet {
  readonly title: string
  readonly packages: readonly string[]
  /** Programs that are neither unpacked nor installed. */
  readonly missing: () => readonly string[]
}

const SETS: readonly PackageSet[] = [
  { title: 'packages of the cluster', packages: CLUSTER_PACKAGES, missing: missingTools },
  { title: 'packages of the routers', packages: ROUTER_PACKAGES, missing: missingRouterPrograms },
  { title: 'programs of the segment', packages: SEGMENT_PACKAGES, missing: missingSegmentPrograms },
  { title: 'promtool', packages: PROMTOOL_PACKAGES, missing: () => (promtoolPath() === undefined ? ['promtool'] : []) },
]

/** Nothing happens where the programs are there already: unpacked, or installed on the machine. */
export async function unpackPackages(): Promise<void> {
  const wanted = SETS.filter((set) => set.missing().length > 0)
  if (wanted.length === 0) return
  const byHand = `install these packages: ${wanted.flatMap(({ packages }) => packages).join(' ')}`
  const apt = which('apt-get')
  if (apt === undefined) throw new Missing(`no apt-get on this machine: ${byHand}`)
  if (process.getuid?.() !== 0) throw new Missing(`apt-get needs root for its package lists: run as root, or ${byHand}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await runWithProgress({ title: 'package lists', estimateSeconds: 5 }, apt, ['-qq', 'update'], { env })
  for (const set of wanted) await unpackSet(apt, set)
  const missing = wanted.flatMap((set) => set.missing())
  if (missing.length > 0) throw new Missing(`still missing after unpacking: ${missing.join(', ')}; ${byHand}`)
}

async function unpackSet(apt: string, set: PackageSet): Promise<void> {
  const folder = packagesFolder(set.packages)
  const unfinished = `${folder}.${process.pid}`
  try {
    await download(apt, set, join(unfinished, 'archives'))
    await unpack(join(unfinished, 'archives'), unfinished)
    rmSync(join(unfinished, 'archives'), { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

async function download(apt: string, set: PackageSet, archives: string): Promise<void> {
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options = [`Dir::Cache::archives=${archives}`, 'APT::Sandbox::User=root'].flatMap((option) => ['-o', option])
  // --reinstall also fetches what the machine has installed: the CNI plugins have to lie in one folder.
  const args = ['-y', ...options, '--no-install-recommends', '--reinstall', '--download-only', 'install']
  await runWithProgress({ title: set.title, estimateSeconds: 10 }, apt, [...args, ...set.packages], { env })
}

async function unpack(archives: string, target: string): Promise<void> {
  const packages = readdirSync(archives).filter((name) => name.endsWith('.deb'))
  const script = packages.map((name) => `dpkg -x '${join(archives, name)}' '${target}'`).join(' && ')
  await runWithProgress({ title: 'unpacking', estimateSeconds: 10 }, 'sh', ['-c', script])
  if (!existsSync(join(target, 'usr/sbin/xtables-nft-multi'))) return
  // Debian's alternatives would make these links at installation.
  for (const name of ['iptables', 'iptables-save', 'iptables-restore']) {
    for (const link of [name, name.replace('ip', 'ip6')]) {
      const path = join(target, 'usr/sbin', link)
      if (!existsSync(path)) symlinkSync('xtables-nft-multi', path)
    }
  }
}

if (import.meta.main) await asProgram(unpackPackages)
