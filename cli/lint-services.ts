/** What is wrong with the Services of a set of files, as far as files can show it. Pure. */
import {
  ALLOCATED_FROM_POOL,
  type AllocationFailure,
  type Decision,
  failureSentence,
  type PoolVerdict,
  type RequestOptions,
  requestOf,
  type ServiceRequest,
  type ServiceShape,
} from '../core/allocate/index.ts'
import type { ObjectRef, Problem, Snapshot } from '../core/config/index.ts'
import { withClusterIPs } from './cluster-ips.ts'
import type { LintRule } from './lint-rules.ts'
import { adoptedLedger, settle } from './settle.ts'

export interface LintedService {
  readonly ref: ObjectRef
  readonly service: ServiceShape
}

/** The pools that the files have. */
export interface PoolsOfFiles {
  readonly snapshot: Snapshot
  /** Names of those whose namespaces are selected by labels: which these are is not known from files. */
  readonly selectingNamespaces: ReadonlySet<string>
}

/** @param pools undefined = the files have none, so nothing can be said of what pools would grant */
export function lintServices(
  services: readonly LintedService[],
  pools: PoolsOfFiles | undefined,
  options: RequestOptions,
): readonly Problem[] {
  const requests = services.map(({ service }) => requestOf(withClusterIPs(service), options))
  const ours = services
    .map((one, index) => ({ ...one, request: requests[index]! }))
    .filter(({ request }) => request.isLoadBalancer && request.classMatches)
  const settled = pools && settle(adoptedLedger(pools.snapshot, []), requests)
  return ours.flatMap(({ ref, service, request }) => [
    ...lintAnnotations(ref, service),
    ...lintRequest({ ref, service, request, decision: settled?.get(request.key)?.decision }, pools),
  ])
}

const KNOWN = new Set([
  ...['address-pool', 'loadBalancerIPs', 'allow-shared-ip'].flatMap((name) => [
    `metallb.io/${name}`,
    `metallb.universe.tf/${name}`,
  ]),
  ALLOCATED_FROM_POOL,
])
const OURS = /^(metallb\.io|metallb\.universe\.tf|invar\.dev)\//

function lintAnnotations(ref: ObjectRef, service: ServiceShape): readonly Problem[] {
  return Object.keys(service.metadata?.annotations ?? {})
    .filter((name) => OURS.test(name))
    .flatMap((name) => {
      const path = `metadata.annotations[${name}]`
      if (!KNOWN.has(name)) return problem(ref, path, 'annotation-unknown', meantBy(name))
      if (!name.startsWith('metallb.universe.tf/')) return []
      const remedy = `is deprecated; write ${name.replace('metallb.universe.tf/', 'metallb.io/')}`
      return problem(ref, path, 'annotation-deprecated', remedy)
    })
}

function meantBy(name: string): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z/]/g, '')
  const meant = [...KNOWN].find((known) => plain(known) === plain(name))
  return meant === undefined
    ? 'is not an annotation of a Service that Invar knows; remove it'
    : `is unknown; write ${meant}`
}

interface JudgedService extends LintedService {
  readonly request: ServiceRequest
  /** undefined = the files have no pools. */
  readonly decision: Decision | undefined
}

function lintRequest(judged: JudgedService, pools: PoolsOfFiles | undefined): readonly Problem[] {
  const { ref, service, request, decision } = judged
  const path = pathOfRequest(service)
  if (path === '') return []
  if (request.requestedAddresses.kind === 'malformed') {
    const { because } = request.requestedAddresses
    return problem(ref, path, 'request-malformed', failureSentence({ kind: 'request-malformed', because }))
  }
  if (pools === undefined || decision?.outcome.kind !== 'waiting') return []
  const { because } = decision.outcome
  const sentence = failureSentence(because)
  if (because.kind === 'request-malformed') return problem(ref, path, 'request-malformed', sentence)
  if (refusalsIn(because).some((verdict) => isNoNews(verdict, pools))) return []
  return problem(ref, path, 'request-refused', sentence)
}

function refusalsIn(failure: AllocationFailure): readonly PoolVerdict[] {
  if (failure.kind === 'no-pool-has-room') return failure.pools
  if (failure.kind !== 'addresses-refused' || failure.because.kind !== 'pool-refuses') return []
  const { pool, because } = failure.because
  return [{ pool, refusal: because }]
}

function isNoNews({ pool, refusal }: PoolVerdict, pools: PoolsOfFiles): boolean {
  // That the pool is faulty has been said of the pool.
  if (refusal?.kind === 'suspended') return true
  return refusal?.kind === 'namespace-not-allowed' && pools.selectingNamespaces.has(pool)
}

/** Where the Service asks for a pool or for addresses; '' = it does not. */
function pathOfRequest({ metadata, spec }: ServiceShape): string {
  for (const name of ['loadBalancerIPs', 'address-pool']) {
    for (const prefix of ['metallb.io/', 'metallb.universe.tf/']) {
      if (metadata?.annotations?.[prefix + name]) return `metadata.annotations[${prefix}${name}]`
    }
  }
  return spec?.loadBalancerIP ? 'spec.loadBalancerIP' : ''
}

/** The cluster may have other pools than the files: that these refuse is for the user to judge. */
const SEVERITIES = {
  'annotation-unknown': 'error',
  'annotation-deprecated': 'notice',
  'request-malformed': 'error',
  'request-refused': 'waiting',
} as const satisfies Partial<Record<LintRule, Problem['severity']>>

function problem(object: ObjectRef, path: string, rule: keyof typeof SEVERITIES, text: string): readonly Problem[] {
  const message = `${object.kind} ${object.name}, ${path}: ${text}.`
  return [{ object, path, rule, message, severity: SEVERITIES[rule] }]
}
