/** Debian packages that tests need: unpacked into the cache by `build/packages.ts`, never installed. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './programs.ts'

export const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Where the packages are unpacked; a change of the list, or another release of the system, unpacks anew. */
export function packagesFolder(packages: readonly string[]): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const hash = createHash('sha256').update(release).update(packages.join())
  return join(cacheFolder(), 'packages', hash.digest('hex').slice(0, 12))
}

/** Full path of a program: the unpacked one, else the machine's; undefined where there is neither. */
export function findProgram(folder: string, name: string, places: readonly string[] = []): string | undefined {
  const unpacked = [...places, 'usr/sbin', 'usr/bin', 'sbin', 'bin'].map((path) => join(folder, path))
  const installed = [...places.map((place) => `/${place}`), ...SYSTEM_FOLDERS]
  return [...unpacked, ...installed].map((path) => join(path, name)).find((path) => existsSync(path))
}

/** `/usr/lib/x86_64-linux-gnu`, `/lib/x86_64-linux-gnu` and the like below the folder. */
export function libraryFolders(folder: string): string[] {
  const roots = ['usr/lib', 'lib'].map((path) => join(folder, path)).filter(existsSync)
  return roots.flatMap((root) =>
    readdirSync(root)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => join(root, name)),
  )
}
