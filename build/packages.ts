/** Debian packages for the whole cluster and the network tests, unpacked into the cache: nothing is installed. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BROWSER_PACKAGES, missingBrowser } from '../testkit/browser/programs.ts'
import { CLUSTER_PACKAGES, missingTools } from '../testkit/cluster/tools.ts'
import { packagesFolder } from '../testkit/packages.ts'
import { PROMTOOL_PACKAGES, promtoolPath } from '../testkit/promtool.ts'
import { missingRouterPrograms, ROUTER_PACKAGES } from '../testkit/routers/programs.ts'
import { missingSegmentPrograms, SEGMENT_PACKAGES } from '../testkit/segment-programs.ts'
import { PACKAGE_LIST, packageOfFields, type UnpackedPackage } from './libraries.ts'
import { asProgram, Missing, runWithProgress, which } from './progress.ts'

export interface PackageSet {
  readonly title: string
  readonly packages: readonly string[]
  /** Debian's name of another processor, with lists of packages of its own. */
  readonly architecture?: string
  /** Programs that are neither unpacked nor installed. */
  readonly missing: () => readonly string[]
}

export const PACKAGE_SETS: readonly PackageSet[] = [
  { title: 'packages of the cluster', packages: CLUSTER_PACKAGES, missing: missingTools },
  { title: 'packages of the routers', packages: ROUTER_PACKAGES, missing: missingRouterPrograms },
  { title: 'programs of the segment', packages: SEGMENT_PACKAGES, missing: missingSegmentPrograms },
  { title: 'a browser without windows', packages: BROWSER_PACKAGES, missing: missingBrowser },
  { title: 'promtool', packages: PROMTOOL_PACKAGES, missing: () => (promtoolPath() === undefined ? ['promtool'] : []) },
]

/** Nothing happens where the programs are there already: unpacked, or installed on the machine. */
export async function unpackPackages(sets: readonly PackageSet[] = PACKAGE_SETS): Promise<void> {
  const wanted = sets.filter((set) => set.missing().length > 0)
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
  const archives = join(unfinished, 'archives')
  try {
    await download(apt, set, archives)
    await unpack(archives, unfinished)
    writeFileSync(join(unfinished, PACKAGE_LIST), JSON.stringify(listOf(archives)))
    rmSync(archives, { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

async function download(apt: string, set: PackageSet, archives: string): Promise<void> {
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const lists = set.architecture === undefined ? [] : ownLists(set.architecture, archives)
  const settings = [...lists, `Dir::Cache::archives=${archives}`, 'APT::Sandbox::User=root']
  const options = settings.flatMap((setting) => ['-o', setting])
  if (set.architecture !== undefined) {
    const step = { title: `package lists for ${set.architecture}`, estimateSeconds: 5 }
    await runWithProgress(step, apt, ['-qq', ...options, 'update'], { env })
  }
  // --reinstall also fetches what the machine has installed: the CNI plugins have to lie in one folder.
  const args = ['-y', ...options, '--no-install-recommends', '--reinstall', '--download-only', 'install']
  await runWithProgress({ title: set.title, estimateSeconds: 10 }, apt, [...args, ...set.packages], { env })
}

/** apt's settings as if this were a machine of another processor, with nothing installed. */
function ownLists(architecture: string, folder: string): string[] {
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  return [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::State::status=${join(folder, 'status')}`,
    // These two are kept beside the machine's own lists otherwise, and would be taken for them.
    `Dir::Cache::pkgcache=`,
    `Dir::Cache::srcpkgcache=`,
  ]
}

function listOf(archives: string): UnpackedPackage[] {
  const ask = (...args: string[]) => execFileSync('dpkg-deb', args, { encoding: 'utf8', maxBuffer: 64 << 20 })
  return archivesIn(archives).map((archive) => ({
    ...packageOfFields(ask('--field', archive)),
    files: ask('--contents', archive)
      .trim()
      .split('\n')
      .map((line) => / \.(\/\S*)/.exec(line)![1]!),
  }))
}

function archivesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.deb'))
  return names.sort().map((name) => join(folder, name))
}

async function unpack(archives: string, target: string): Promise<void> {
  const script = archivesIn(archives)
    .map((archive) => `dpkg -x '${archive}' '${target}'`)
    .join(' && ')
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
