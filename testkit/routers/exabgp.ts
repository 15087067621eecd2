/**
 * ExaBGP: one daemon that keeps no routes itself; it hands what happens to a program line by line, as JSON. Here that
 * program writes it to a file, from which the routes are made, and reads commands from a pipe.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorkplace } from '../leftovers.ts'
import { startProgram } from '../program.ts'
import { configurationOf } from './configuration.ts'
import { answering, ask, lifeOf } from './daemon.ts'
import { routerEnvironment, routerProgram } from './programs.ts'
import { byPrefix, communityInFigures, type Neighbor, type Route, type Router, type RouterOptions } from './router.ts'

const EXAMPLE = 'exabgp.conf'

export async function startExabgp(options: RouterOptions): Promise<Router> {
  const workplace = openWorkplace('exabgp')
  const path = (name: string) => join(workplace.directory, name)
  execFileSync('mkfifo', [path('commands')])
  // The pipe is opened both ways, so that it does not end with the first writer.
  writeFileSync(
    path('listener.sh'),
    `exec 3<>${path('commands')}\ncat <&3 &\nexec dd bs=64k of=${path('events')} status=none\n`,
  )
  const write = (settings: RouterOptions) =>
    writeFileSync(path('exabgp.conf'), configurationOf(EXAMPLE, settings, { script: path('listener.sh') }))
  write(options)
  const environment = { ...routerEnvironment(), exabgp_daemon_user: 'root', exabgp_api_cli: 'false' }
  const program = startProgram(workplace, {
    name: 'exabgp',
    command: routerProgram('python3'),
    args: ['-m', 'exabgp', path('exabgp.conf')],
    environment: { ...environment, exabgp_log_level: 'INFO', exabgp_daemon_drop: 'false' },
    namespace: options.namespace.path,
  })
  await answering(program, () => assert.ok(existsSync(path('events'))))
  const events = () => eventsIn(readFileSync(path('events'), 'utf8'))
  return {
    kind: 'exabgp',
    version: `ExaBGP ${(await ask(routerProgram('python3'), '-c', VERSION)).trim()}`,
    routes: async () => byPrefix([...routesAfter(events()).values()]),
    neighbor: async (address) => neighborOf(events().filter((event) => event.neighbor?.address.peer === address)),
    async refresh(address) {
      for (const family of families(options, address)) {
        appendFileSync(path('commands'), `neighbor ${address} announce route-refresh ${family} unicast\n`)
      }
    },
    async reconfigure(changed) {
      write(changed)
      program.signal('SIGUSR1')
    },
    ...lifeOf(workplace, [program]),
  }
}

const VERSION = 'import exabgp.version as v; print(v.version)'

function families(options: RouterOptions, address: string): readonly string[] {
  const neighbor = options.neighbors.find((one) => one.address === address)
  return neighbor?.families ?? [address.includes(':') ? 'ipv6' : 'ipv4']
}

/** A line of ExaBGP's JSON, what is read here. */
interface Event {
  readonly type: string
  readonly neighbor?: {
    readonly address: { readonly peer: string }
    readonly state?: string
    readonly reason?: string
    readonly message?: { readonly update?: Update; readonly notification?: unknown }
  }
}

interface Update {
  readonly attribute?: Attributes
  /** Family → next hop → prefixes. */
  readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly { readonly nlri: string }[]>>>>
  readonly withdraw?: Readonly<Record<string, readonly { readonly nlri: string }[]>>
}

interface Attributes {
  readonly 'as-path'?: readonly number[]
  readonly community?: readonly (readonly [number, number] | string)[]
  readonly 'large-community'?: readonly (readonly [number, number, number])[]
  readonly 'local-preference'?: number
  readonly med?: number
}

function eventsIn(text: string): Event[] {
  // The last line may be half written.
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Event)
}

function neighborOf(events: readonly Event[]): Neighbor {
  const states = events.filter(({ type }) => type === 'state')
  const state = states.at(-1)?.neighbor?.state ?? 'down'
  return {
    isEstablished: state === 'up',
    state,
    received: routesAfter(events).size,
    bfd: undefined,
    lastError: lastErrorIn(events),
  }
}

function lastErrorIn(events: readonly Event[]): string | undefined {
  const notification = events.findLast(({ type }) => type === 'notification')?.neighbor?.message?.notification
  const reason = events.findLast(({ neighbor }) => neighbor?.state === 'down')?.neighbor?.reason
  return notification === undefined ? reason : `${reason ?? ''} ${JSON.stringify(notification)}`
}

/** What the neighbors have announced and neither withdrawn nor lost with their session; key: neighbor and prefix. */
function routesAfter(events: readonly Event[]): Map<string, Route> {
  const routes = new Map<string, Route>()
  for (const { neighbor } of events) {
    if (neighbor === undefined) continue
    const { peer } = neighbor.address
    if (neighbor.state === 'down') {
      for (const key of routes.keys()) if (key.startsWith(`${peer} `)) routes.delete(key)
    }
    const update = neighbor.message?.update ?? {}
    for (const { nlri } of Object.values(update.withdraw ?? {}).flat()) routes.delete(`${peer} ${nlri}`)
    for (const route of announcedIn(update)) routes.set(`${peer} ${route.prefix}`, route)
  }
  return routes
}

/** A prefix with a global and a link-local next hop is named under each of them. */
function announcedIn({ announce = {}, attribute = {} }: Update): Route[] {
  const nextHops = new Map<string, string[]>()
  for (const [nextHop, prefixes] of Object.values(announce).flatMap((hops) => Object.entries(hops))) {
    if (nextHop === 'null') continue
    for (const { nlri } of prefixes) nextHops.set(nlri, [...(nextHops.get(nlri) ?? []), nextHop])
  }
  return [...nextHops].map(([prefix, hops]) => routeOf(prefix, hops, attribute))
}

function routeOf(prefix: string, nextHops: readonly string[], attributes: Attributes): Route {
  const communities = (attributes.community ?? []).map((one) => (typeof one === 'string' ? one : one.join(':')))
  return {
    prefix,
    nextHops,
    asPath: attributes['as-path'] ?? [],
    communities: communities.map(communityInFigures),
    largeCommunities: (attributes['large-community'] ?? []).map((one) => one.join(':')),
    localPreference: attributes['local-preference'],
    med: attributes.med,
    isStale: undefined,
  }
}
