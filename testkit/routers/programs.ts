/** The routers of Debian: where `build/packages.ts` unpacks them, and what they need to run from there. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findProgram, libraryFolders, packagesFolder } from '../packages.ts'

/** `python3` runs ExaBGP. */
export const ROUTER_PACKAGES = ['frr', 'bird2', 'gobgpd', 'exabgp', 'python3'] as const

const PROGRAMS = ['zebra', 'bgpd', 'bfdd', 'vtysh', 'bird', 'gobgpd', 'gobgp', 'python3'] as const

export type RouterProgram = (typeof PROGRAMS)[number]

const PYTHON_PACKAGES = 'usr/lib/python3/dist-packages'

/** Full path of a program; throws, with the remedy, where it is not there. */
export function routerProgram(name: RouterProgram): string {
  const path = findProgram(routersFolder(), name, ['usr/lib/frr'])
  if (path === undefined) throw new Error(`${name} is not there: run \`node build/packages.ts\``)
  return path
}

/** Names of programs that are neither unpacked nor installed. */
export function missingRouterPrograms(): string[] {
  const missing: string[] = PROGRAMS.filter((name) => findProgram(routersFolder(), name, ['usr/lib/frr']) === undefined)
  return exabgpFolder() === undefined ? [...missing, 'exabgp'] : missing
}

/** Environment in which the unpacked routers find their libraries and modules. */
export function routerEnvironment(): NodeJS.ProcessEnv {
  const libraries = libraryFolders(routersFolder()).flatMap((folder) => [folder, join(folder, 'frr')])
  return {
    PATH: process.env.PATH,
    ...(libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(delimiter) }),
    PYTHONPATH: exabgpFolder(),
    // The unpacked modules are shared by all runs: no two of them are to write there at once.
    PYTHONDONTWRITEBYTECODE: '1',
  }
}

function routersFolder(): string {
  return packagesFolder(ROUTER_PACKAGES)
}

function exabgpFolder(): string | undefined {
  const folders = [join(routersFolder(), PYTHON_PACKAGES), `/${PYTHON_PACKAGES}`]
  return folders.find((folder) => existsSync(join(folder, 'exabgp')))
}
