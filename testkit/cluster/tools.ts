/** The programs of a node that are not Kubernetes' own, and the images that a cluster starts from. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, libraryFolders, packagesFolder, SYSTEM_FOLDERS } from '../packages.ts'
import { cacheFolder } from '../programs.ts'

/** Debian packages: container runtime, pod networks, packet filters; and the client's tools for looking at the LAN. */
export const CLUSTER_PACKAGES = [
  'containerd',
  'runc',
  'containernetworking-plugins',
  'conntrack',
  'nftables',
  'iptables',
  'iproute2',
  'iputils-ping',
  'curl',
  'arping',
  'ndisc6',
] as const

const PROGRAMS = ['containerd', 'ctr', 'runc', 'conntrack', 'nft', 'iptables', 'ip', 'ping', 'curl', 'arping', 'ndisc6']
const CNI_PLUGINS = ['bridge', 'host-local', 'portmap', 'loopback']

/** Where the packages are unpacked. */
export function toolsFolder(): string {
  return packagesFolder(CLUSTER_PACKAGES)
}

/** Full path of a program: the unpacked one, else the machine's; undefined where there is neither. */
export function toolPath(name: string): string | undefined {
  return findProgram(toolsFolder(), name)
}

/** The folder of the CNI plugins. */
export function cniFolder(): string | undefined {
  const folders = [join(toolsFolder(), 'usr/lib/cni'), '/usr/lib/cni', '/opt/cni/bin']
  return folders.find((folder) => CNI_PLUGINS.every((name) => existsSync(join(folder, name))))
}

/** Names of programs and plugins that are neither unpacked nor installed. */
export function missingTools(): string[] {
  const missing = PROGRAMS.filter((name) => toolPath(name) === undefined)
  return cniFolder() === undefined ? [...missing, `CNI plugins (${CNI_PLUGINS.join(', ')})`] : missing
}

/** Environment in which the unpacked programs find each other and their libraries. */
export function toolsEnvironment(): NodeJS.ProcessEnv {
  const folder = toolsFolder()
  const libraries = libraryFolders(folder)
  const environment = {
    ...process.env,
    PATH: [join(folder, 'usr/sbin'), join(folder, 'usr/bin'), join(folder, 'bin'), ...SYSTEM_FOLDERS].join(':'),
  }
  if (libraries.length === 0) return environment
  return { ...environment, LD_LIBRARY_PATH: libraries.join(':'), XTABLES_LIBDIR: join(libraries[0]!, 'xtables') }
}

/** OCI archives that `build/fixtures.ts` makes: the pause container, and the web server that demo and tests ask. */
export const IMAGES = {
  pause: { reference: 'invar.test/pause:1', file: 'pause.tar' },
  web: { reference: 'invar.test/web:1', file: 'web.tar' },
} as const

export const FIXTURE_SOURCES = join(import.meta.dirname, '..', '..', 'e2e', 'cluster', 'images')

export function fixturesFolder(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(FIXTURE_SOURCES).sort()) hash.update(readFileSync(join(FIXTURE_SOURCES, name)))
  return join(cacheFolder(), 'images', hash.digest('hex').slice(0, 12))
}

export function imageFile(image: keyof typeof IMAGES): string {
  return join(fixturesFolder(), IMAGES[image].file)
}

/** What a cluster needs and is not there, each with its remedy; empty: all is there. */
export function missingForCluster(): string[] {
  const tools = missingTools().map((name) => `${name}: run \`node build/packages.ts\``)
  const images = (['pause', 'web'] as const).filter((name) => !existsSync(imageFile(name)))
  return [...tools, ...images.map((name) => `image ${name}: run \`node build/fixtures.ts\``)]
}
