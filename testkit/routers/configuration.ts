/** A router's configuration from its example in docs/routers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NeighborOptions, RouterOptions } from './router.ts'
import { fillIn, mentions, type Values } from './template.ts'

const EXAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'routers')

/** Settings that not every router has; what an example does not mention is refused. */
const FEATURES = [
  'isUnnumbered',
  'connects',
  'port',
  'password',
  'multihop',
  'securityHops',
  'bfd',
  'gracefulRestart',
  'maxPrefixes',
  'role',
] as const satisfies readonly (keyof NeighborOptions)[]

/** `frr.conf` and the others, filled in; `extra` has what only one router's example needs. */
export function configurationOf(example: string, options: RouterOptions, extra: Values = {}): string {
  const template = readFileSync(join(EXAMPLES, example), 'utf8')
  for (const feature of FEATURES) {
    const isWanted = options.neighbors.some(
      (neighbor) => neighbor[feature] !== undefined && neighbor[feature] !== false,
    )
    if (isWanted && !mentions(template, feature)) throw new Error(`docs/routers/${example} has nothing for ${feature}`)
  }
  const networks = options.networks ?? []
  return fillIn(template, {
    asn: options.asn,
    routerId: options.routerId,
    isCollector: options.isCollector ?? false,
    neighbors: options.neighbors.map((neighbor) => valuesOf(options, neighbor)),
    bfd: bfdValues(options.neighbors.find(({ bfd }) => bfd !== undefined)),
    networks4: networks.filter((prefix) => !prefix.includes(':')).map((prefix) => ({ prefix })),
    networks6: networks.filter((prefix) => prefix.includes(':')).map((prefix) => ({ prefix })),
    ...extra,
  })
}

/** A name for the neighbor that every router takes. */
export function nameOf(address: string): string {
  return `node_${address.replaceAll(/[^a-z0-9]/gi, '_')}`
}

function valuesOf(router: RouterOptions, neighbor: NeighborOptions): Values {
  const families = neighbor.families ?? [neighbor.address.includes(':') ? 'ipv6' : 'ipv4']
  const holdTimeSeconds = neighbor.holdTimeSeconds ?? 9
  const { multihop = false, securityHops = false } = neighbor
  return {
    address: neighbor.address,
    name: nameOf(neighbor.address),
    localAddress: neighbor.localAddress,
    peerAsn: neighbor.asn,
    ipv4: families.includes('ipv4'),
    ipv6: families.includes('ipv6'),
    holdTimeSeconds,
    keepaliveTimeSeconds: Math.floor(holdTimeSeconds / 3),
    connects: neighbor.connects ?? false,
    port: neighbor.port ?? false,
    password: neighbor.password ?? false,
    multihop,
    isInternal: neighbor.asn === router.asn,
    securityHops,
    leastTtl: securityHops === false ? false : 256 - securityHops,
    bfd: bfdValues(neighbor),
    gracefulRestart: neighbor.gracefulRestart ?? false,
    maxPrefixes: neighbor.maxPrefixes ?? false,
    role: neighbor.role ?? false,
    requiresRole: neighbor.requiresRole ?? false,
    isUnnumbered: neighbor.isUnnumbered ?? false,
  }
}

function bfdValues(neighbor: NeighborOptions | undefined): Values | false {
  return neighbor?.bfd === undefined ? false : { ...neighbor.bfd }
}
