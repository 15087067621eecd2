/** Debian packages for the whole cluster and the network tests, unpacked into the cache: nothing is installed. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { CLUSTER_PACKAGES, missingTools, toolsFolder } from '../testkit/cluster/tools.ts'
import { asProgram, Missing, runWithProgress, which } from './progress.ts'

const BY_HAND = `install these programs: ${CLUSTER_PACKAGES.join(' ')}`

/** Nothing happens where the programs are there already: unpacked, or installed on the machine. */
export async function unpackPackages(): Promise<void> {
  if (missingTools().length === 0) return
  const apt = which('apt-get')
  if (apt === undefined) throw new Missing(`no apt-get on this machine: ${BY_HAND}`)
  if (process.getuid?.() !== 0)
    throw new Missing(`apt-get needs root for its package lists: run as root, or ${BY_HAND}`)
  const folder = toolsFolder()
  const unfinished = `${folder}.${process.pid}`
  try {
    await download(apt, join(unfinished, 'archives'))
    await unpack(join(unfinished, 'archives'), unfinished)
    rmSync(join(unfinished, 'archives'), { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  const missing = missingTools()
  if (missing.length > 0) throw new Missing(`still missing after unpacking: ${missing.join(', ')}; ${BY_HAND}`)
}

async function download(apt: string, archives: string): Promise<void> {
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await runWithProgress({ title: 'package lists', estimateSeconds: 5 }, apt, ['-qq', 'update'], { env })
  const options = [`Dir::Cache::archives=${archives}`, 'APT::Sandbox::User=root'].flatMap((option) => ['-o', option])
  // --reinstall also fetches what the machine has installed: the CNI plugins have to lie in one folder.
  const args = ['-y', ...options, '--no-install-recommends', '--reinstall', '--download-only', 'install']
  await runWithProgress({ title: 'Debian packages', estimateSeconds: 10 }, apt, [...args, ...CLUSTER_PACKAGES], { env })
}

async function unpack(archives: string, target: string): Promise<void> {
  const packages = readdirSync(archives).filter((name) => name.endsWith('.deb'))
  const script = packages.map((name) => `dpkg -x '${join(archives, name)}' '${target}'`).join(' && ')
  await runWithProgress({ title: 'unpacking', estimateSeconds: 10 }, 'sh', ['-c', script])
  // Debian's alternatives would make these links at installation.
  for (const name of ['iptables', 'iptables-save', 'iptables-restore']) {
    for (const link of [name, name.replace('ip', 'ip6')]) {
      const path = join(target, 'usr/sbin', link)
      if (!existsSync(path)) symlinkSync('xtables-nft-multi', path)
    }
  }
}

if (import.meta.main) await asProgram(unpackPackages)
