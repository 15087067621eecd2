/**
 * FRR: zebra, bgpd and bfdd, asked over their sockets with `vtysh`. The programs want a group of their own and write to
 * /var/tmp: each has its own view of both, so nothing is made on the machine.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorkplace, type Workplace } from '../leftovers.ts'
import { type Program, startProgram } from '../program.ts'
import { configurationOf } from './configuration.ts'
import { answering, ask, lifeOf } from './daemon.ts'
import { type RouterProgram, routerEnvironment, routerProgram } from './programs.ts'
import { byPrefix, communityInFigures, type Neighbor, type Route, type Router, type RouterOptions } from './router.ts'

const EXAMPLE = 'frr.conf'
const MOUNTS = 'mount --bind "$0/group" /etc/group && mount --bind "$0/tmp" /var/tmp && exec "$@"'

export async function startFrr(options: RouterOptions): Promise<Router> {
  const workplace = openWorkplace('frr')
  const { directory } = workplace
  mkdirSync(join(directory, 'tmp'))
  writeFileSync(join(directory, 'group'), `${readFileSync('/etc/group', 'utf8')}frrvty:x:0:root\n`)
  writeFileSync(join(directory, 'vtysh.conf'), 'service integrated-vtysh-config\nusername root nopassword\n')
  writeFileSync(join(directory, 'frr.conf'), options.configuration ?? configurationOf(EXAMPLE, options))
  const vtysh = (...args: string[]) =>
    ask(routerProgram('vtysh'), '--vty_socket', directory, '--config_dir', directory, ...args)
  const show = async (command: string) => JSON.parse(await vtysh('-c', command))
  const zebra = startDaemon(workplace, options, 'zebra')
  await answering(zebra, () => vtysh('-d', 'zebra', '-c', 'show version'))
  const isWatched = options.neighbors.some(({ bfd }) => bfd !== undefined)
  const bgpd = startDaemon(workplace, options, 'bgpd')
  const others = isWatched ? [startDaemon(workplace, options, 'bfdd')] : []
  for (const daemon of [bgpd, ...others]) await answering(daemon, () => vtysh('-d', daemon.name, '-c', 'show version'))
  await vtysh('-b')
  return {
    kind: 'frr',
    version: /^FRRouting \S+/m.exec(await vtysh('-d', 'bgpd', '-c', 'show version'))?.[0] ?? 'FRRouting',
    async routes() {
      const tables = await Promise.all(['ipv4', 'ipv6'].map((family) => show(`show bgp ${family} unicast json detail`)))
      return byPrefix(tables.flatMap(({ routes }) => routesOf(routes)))
    },
    neighbor: async (address) => neighborOf(Object.values(await show(`show bgp neighbors ${address} json`))[0]),
    async refresh(address) {
      for (const family of ['ipv4', 'ipv6']) await vtysh('-c', `clear bgp ${family} unicast ${address} in`)
    },
    async reconfigure(changed) {
      writeFileSync(join(directory, 'frr.conf'), configurationOf(EXAMPLE, changed))
      await vtysh('-b')
    },
    ...lifeOf(workplace, [bgpd, zebra, ...others]),
  }
}

function startDaemon(workplace: Workplace, { namespace }: RouterOptions, name: RouterProgram): Program {
  const { directory } = workplace
  const flags = ['-u', 'root', '-g', 'root', '-f', '/dev/null', '-A', '127.0.0.1', '-P', '0', '--log', 'stdout']
  const sockets = ['-z', join(directory, 'zserv.api'), '--vty_socket', directory, '-i', join(directory, `${name}.pid`)]
  const control = name === 'bfdd' ? ['--bfdctl', join(directory, 'bfdd.sock')] : []
  return startProgram(workplace, {
    name,
    command: 'unshare',
    args: ['--mount', 'sh', '-c', MOUNTS, directory, routerProgram(name), ...flags, ...sockets, ...control],
    environment: routerEnvironment(),
    namespace: namespace.path,
  })
}

/** Of `show bgp neighbors json`, what is read here. */
interface ShownNeighbor {
  readonly bgpState: string
  readonly addressFamilyInfo?: Readonly<Record<string, { readonly acceptedPrefixCounter?: number }>>
  readonly peerBfdInfo?: { readonly status: string }
  readonly lastResetDueTo?: string
  readonly lastNotificationReason?: string
}

function neighborOf(shown: unknown): Neighbor {
  const { bgpState, addressFamilyInfo = {}, peerBfdInfo, ...rest } = shown as ShownNeighbor
  const counts = Object.values(addressFamilyInfo).map(({ acceptedPrefixCounter = 0 }) => acceptedPrefixCounter)
  const errors = [rest.lastResetDueTo, rest.lastNotificationReason].filter(Boolean)
  return {
    isEstablished: bgpState === 'Established',
    state: bgpState,
    received: counts.reduce((sum, count) => sum + count, 0),
    bfd: peerBfdInfo && (peerBfdInfo.status === 'Up' ? 'up' : 'down'),
    lastError: errors.length === 0 ? undefined : errors.join(': '),
  }
}

/** Of `show bgp … json detail`, what is read here. */
interface ShownPath {
  readonly aspath: { readonly segments: readonly { readonly list: readonly number[] }[] }
  readonly community?: { readonly list: readonly string[] }
  readonly largeCommunity?: { readonly list: readonly string[] }
  readonly locPrf?: number
  readonly localPref?: number
  readonly metric?: number
  readonly stale?: boolean
  readonly sourced?: boolean
  readonly nexthops: readonly { readonly ip: string }[]
}

/** A prefix's list begins with an entry about the prefix itself. */
function routesOf(table: Readonly<Record<string, readonly (ShownPath | { readonly aspath?: undefined })[]>>): Route[] {
  return Object.entries(table).flatMap(([prefix, entries]) => {
    const paths = entries.filter((entry): entry is ShownPath => entry.aspath !== undefined)
    return paths.filter(({ sourced }) => sourced !== true).map((path) => routeOf(prefix, path))
  })
}

function routeOf(prefix: string, path: ShownPath): Route {
  return {
    prefix,
    nextHops: path.nexthops.map(({ ip }) => ip),
    asPath: path.aspath.segments.flatMap(({ list }) => list),
    communities: (path.community?.list ?? []).map(communityInFigures),
    largeCommunities: path.largeCommunity?.list ?? [],
    localPreference: path.locPrf ?? path.localPref,
    med: path.metric,
    isStale: path.stale ?? false,
  }
}
