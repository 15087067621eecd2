/** Checks of pools and the configuration around them. Pure. */
import { compile, type Pool } from '../../core/config/index.ts'
import {
  parseAddress,
  parsePrefix,
  prefixOf,
  type Range,
  rangeOfPrefix,
  rangesOverlap,
  widthOf,
} from '../../net/ip/index.ts'
import { isBlocking } from '../lint-report.ts'
import { poolRows } from '../pools.ts'
import type { DoctorFacts } from './facts.ts'
import type { Found, Outcome } from './finding.ts'

export function configurationProblem({ cluster }: DoctorFacts): Outcome {
  return compile(cluster.state.resources)
    .problems.filter(isBlocking)
    .map(({ object, message, severity, rule }): Found => {
      const remedy = `mend the object as the message says [${rule}]; invarctl lint checks a file before it is applied`
      const { kind, namespace, name } = object
      return {
        severity: severity === 'error' ? 'error' : 'warning',
        object: { kind, namespace, name },
        what: message,
        remedy,
      }
    })
}

/** What a pool may not contain, with what it is. */
interface Foreign {
  readonly range: Range
  readonly about: string
}

export function poolOverlaps(facts: DoctorFacts): Outcome {
  const foreign = foreignRanges(facts)
  const { snapshot } = compile(facts.cluster.state.resources)
  return [...snapshot.pools.values()].flatMap((pool) => overlapsOf(pool, foreign, facts.installation.namespace))
}

function overlapsOf({ name, entries }: Pool, foreign: readonly Foreign[], namespace: string): readonly Found[] {
  const clash = foreign.find(({ range: other }) => entries.some(({ range }) => rangesOverlap(range, other)))
  if (clash === undefined) return []
  const what = `contains ${clash.about}: a Service that is given it takes it from its owner`
  const remedy = 'take that out of spec.addresses; invarctl plan shows whom it moves'
  return [{ severity: 'error', object: { kind: 'IPAddressPool', namespace, name }, what, remedy }]
}

function foreignRanges({ rawNodes, cluster }: DoctorFacts): readonly Foreign[] {
  const nodes = rawNodes.flatMap(({ metadata, spec, status }) => [
    ...(status?.addresses ?? []).flatMap(({ type, address }) =>
      single(address, `${address}, the ${type} of node ${metadata.name}`),
    ),
    ...(spec?.podCIDRs ?? []).flatMap((text) => {
      const prefix = parsePrefix(text)
      return prefix === undefined
        ? []
        : [{ range: rangeOfPrefix(prefix), about: `addresses of the Pods of node ${metadata.name} (${text})` }]
    }),
  ])
  const services = cluster.state.services.flatMap(({ metadata, spec }) =>
    (spec?.clusterIPs ?? []).flatMap((ip) =>
      single(ip, `${ip}, the cluster IP of Service ${metadata.namespace}/${metadata.name}`),
    ),
  )
  return [...nodes, ...services]
}

function single(text: string, about: string): readonly Foreign[] {
  const address = parseAddress(text)
  return address === undefined ? [] : [{ range: rangeOfPrefix(prefixOf(address, widthOf(address.family))), about }]
}

export function poolNotAnnounced({ cluster }: DoctorFacts): Outcome {
  const { snapshot } = compile(cluster.state.resources)
  const advertisements = [...snapshot.l2Advertisements.values(), ...snapshot.bgpAdvertisements.values()]
  return poolRows(cluster.state)
    .filter(({ isInForce, name }) => isInForce && !advertisements.some(({ pools }) => pools.has(name)))
    .map(({ name, services }): Found => {
      const { namespace } = cluster.state.resources
      const holders =
        services === 0
          ? ''
          : `, and ${services === 1 ? 'a Service holds an address' : `${services} Services hold addresses`} of it`
      const what = `no L2Advertisement or BGPAdvertisement reaches it${holders}`
      const remedy = 'create one; without ipAddressPools it reaches every pool'
      const severity = services === 0 ? 'notice' : 'error'
      return { severity, object: { kind: 'IPAddressPool', namespace, name }, what, remedy }
    })
}

export function addressConflict({ cluster }: DoctorFacts): Outcome {
  return [...cluster.conflicts].flatMap(([key, conflicts]) =>
    conflicts.map(({ because }): Found => {
      const [namespace = '', name = ''] = key.split('/')
      const remedy = 'find the station of that MAC and give it another address, or take the address out of the pool'
      return { severity: 'error', object: { kind: 'Service', namespace, name }, what: because, remedy }
    }),
  )
}
