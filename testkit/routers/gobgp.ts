/** GoBGP: one daemon, asked over its gRPC port, which is the namespace's own, with `gobgp`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorkplace } from '../leftovers.ts'
import { startProgram } from '../program.ts'
import { configurationOf } from './configuration.ts'
import { answering, ask, askInside, lifeOf } from './daemon.ts'
import { routerEnvironment, routerProgram } from './programs.ts'
import { byPrefix, type Neighbor, type Route, type Router, type RouterOptions } from './router.ts'

const EXAMPLE = 'gobgpd.conf'

export async function startGobgp(options: RouterOptions): Promise<Router> {
  const workplace = openWorkplace('gobgp')
  const file = join(workplace.directory, 'gobgpd.conf')
  writeFileSync(file, configurationOf(EXAMPLE, options))
  const program = startProgram(workplace, {
    name: 'gobgpd',
    command: routerProgram('gobgpd'),
    args: ['-f', file, '-t', 'toml', '--api-hosts', '127.0.0.1:50051', '--pprof-disable', '--log-plain'],
    environment: routerEnvironment(),
    namespace: options.namespace.path,
  })
  const gobgp = (...words: string[]) => askInside(options.namespace.path, routerProgram('gobgp'), ...words)
  const show = async (...words: string[]) => JSON.parse(await gobgp('-j', ...words))
  await answering(program, () => show('global'))
  for (const prefix of options.networks ?? []) {
    const { localAddress } = options.neighbors[0]!
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4'
    await gobgp('global', 'rib', 'add', prefix, 'nexthop', localAddress, '-a', family)
  }
  return {
    kind: 'gobgp',
    version: (await ask(routerProgram('gobgpd'), '--version')).trim(),
    async routes() {
      const tables = await Promise.all(['ipv4', 'ipv6'].map((family) => show('global', 'rib', '-a', family)))
      return byPrefix(tables.flatMap(routesOf))
    },
    neighbor: async (address) => neighborOf(await show('neighbor', address)),
    refresh: async (address) => void (await gobgp('neighbor', address, 'softresetin')),
    async reconfigure(changed) {
      writeFileSync(file, configurationOf(EXAMPLE, changed))
      program.signal('SIGHUP')
    },
    ...lifeOf(workplace, [program]),
  }
}

/** Of `gobgp neighbor -j`, what is read here: its protobuf in JSON. */
interface ShownNeighbor {
  readonly state: { readonly session_state?: number; readonly disconnect_message?: string }
  readonly afi_safis?: readonly { readonly state?: { readonly accepted?: number } }[]
}

const STATES = ['unknown', 'idle', 'connect', 'active', 'opensent', 'openconfirm', 'established']

function neighborOf({ state, afi_safis = [] }: ShownNeighbor): Neighbor {
  const name = STATES[state.session_state ?? 0] ?? 'unknown'
  return {
    isEstablished: name === 'established',
    state: name,
    received: afi_safis.reduce((sum, family) => sum + (family.state?.accepted ?? 0), 0),
    bfd: undefined,
    lastError: state.disconnect_message,
  }
}

/** Of `gobgp global rib -j`: attributes by their type code (RFC 4271 section 5, and the RFCs beside). */
interface ShownPath {
  readonly nlri: { readonly prefix: string }
  readonly stale?: boolean
  readonly attrs: readonly ShownAttribute[]
  readonly 'source-id'?: string
}

interface ShownAttribute {
  readonly type: number
  readonly as_paths?: readonly { readonly asns: readonly number[] }[]
  readonly nexthop?: string
  readonly metric?: number
  readonly value?: unknown
  readonly communities?: readonly number[]
}

interface ShownLargeCommunity {
  readonly ASN: number
  readonly LocalData1: number
  readonly LocalData2: number
}

function routesOf(table: Readonly<Record<string, readonly ShownPath[]>>): Route[] {
  const paths = Object.values(table).flat()
  return paths.filter((path) => path['source-id'] !== undefined && path['source-id'] !== '<nil>').map(routeOf)
}

function routeOf({ nlri, stale, attrs }: ShownPath): Route {
  const attribute = (type: number) => attrs.find((one) => one.type === type)
  const nextHop = attribute(14)?.nexthop ?? attribute(3)?.nexthop
  const large = (attribute(32)?.value ?? []) as readonly ShownLargeCommunity[]
  return {
    prefix: nlri.prefix,
    nextHops: nextHop === undefined ? [] : [nextHop],
    asPath: (attribute(2)?.as_paths ?? []).flatMap(({ asns }) => asns),
    communities: (attribute(8)?.communities ?? []).map((community) => `${community >>> 16}:${community & 0xffff}`),
    largeCommunities: large.map(({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`),
    localPreference: attribute(5)?.value as number | undefined,
    med: attribute(4)?.metric,
    isStale: stale ?? false,
  }
}
