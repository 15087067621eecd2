/** `invarctl explain`: what was decided for one Service, and why. Pure. */
import {
  type Decision,
  explainPools,
  failureSentence,
  type Ledger,
  type PoolExplanation,
  requestOf,
  type ServiceRequest,
} from '../core/allocate/index.ts'
import { compile } from '../core/config/index.ts'
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import type { ClusterState } from './cluster-state.ts'
import { type BgpAnswer, explainAnnouncement, type Layer2Answer } from './explain-announcement.ts'
import type { ServiceDetails, ShownEvent } from './service-details.ts'
import { adoptedLedger, NOW_MS, type Settlement, settle } from './settle.ts'

export interface Explanation {
  /** `namespace/name`. */
  readonly service: string
  /** One sentence. */
  readonly summary: string
  readonly outcome: Decision['outcome']['kind']
  /** What the Service has, or would be given by a controller that runs. */
  readonly addresses: readonly string[]
  readonly pool?: string
  /** Where the address is from, or why there is none. */
  readonly message: string
  readonly asksFor: AsksFor
  /** In the order in which they are considered. */
  readonly pools: readonly PoolAnswer[]
  /** Other Services on the same addresses. */
  readonly sharedWith: readonly { readonly address: string; readonly services: readonly string[] }[]
  readonly layer2: Layer2Answer
  /** A node each; empty where no BGPAdvertisement reaches the pool. */
  readonly bgp: readonly BgpAnswer[]
  readonly shows: Shows
}

/** What the Service wants, as far as it says. */
export interface AsksFor {
  readonly addresses?: readonly string[]
  readonly pool?: string
  readonly sharingKey?: string
  readonly families: readonly ('IPv4' | 'IPv6')[]
  /** What of it cannot be understood. */
  readonly fault?: string
}

export interface PoolAnswer {
  readonly pool: string
  readonly standing: PoolExplanation['standing']['kind']
  /** Code of the refusal. */
  readonly reason?: string
  /** To stand behind the pool's name. */
  readonly sentence: string
}

/** What the cluster shows at present. */
export interface Shows {
  readonly addresses: readonly string[]
  readonly condition?: string
  readonly lastEvent?: ShownEvent
  readonly announcedBy: ServiceDetails['announcedBy']
}

/** undefined = there is no such Service. `key` is `namespace/name`. */
export function explain(state: ClusterState, key: string, details: ServiceDetails): Explanation | undefined {
  const { snapshot } = compile(state.resources)
  const requests = state.services.map((one) => requestOf(one, state.request))
  const index = requests.findIndex((request) => request.key === key)
  const [request, service] = [requests[index], state.services[index]]
  if (request === undefined || service === undefined) return undefined
  const ledger = adoptedLedger(snapshot, requests, state.conflicts)
  const settlement = settle(ledger, requests).get(key)!
  const { decision } = settlement
  const { addresses, pool, outcome } = decision
  const isOurs = outcome.kind === 'assigned' || outcome.kind === 'waiting'
  const announcement = explainAnnouncement(state, snapshot, service, details)
  const shows: Shows = {
    addresses: request.statusAddresses,
    announcedBy: details.announcedBy,
    ...(request.lastMessage === undefined ? {} : { condition: request.lastMessage }),
    ...(details.lastEvent === undefined ? {} : { lastEvent: details.lastEvent }),
  }
  return {
    service: key,
    summary: summaryOf(settlement, announcement, details),
    outcome: outcome.kind,
    addresses,
    ...(pool === undefined ? {} : { pool }),
    message: decision.message,
    asksFor: asksFor(request),
    pools: isOurs ? poolAnswers(ledger, request) : [],
    sharedWith: sharedWith(ledger, key, addresses),
    ...announcement,
    shows,
  }
}

function asksFor(request: ServiceRequest): AsksFor {
  const { requestedAddresses, requestedPool, sharingKey, clusterFamilies } = request
  const families = clusterFamilies.kind === 'families' ? clusterFamilies.families : []
  return {
    ...(requestedAddresses.kind === 'addresses' ? { addresses: requestedAddresses.addresses.map(formatAddress) } : {}),
    ...(requestedPool === undefined ? {} : { pool: requestedPool }),
    ...(sharingKey === '' ? {} : { sharingKey }),
    families: families.map((family) => (family === 4 ? 'IPv4' : 'IPv6')),
    ...(requestedAddresses.kind === 'malformed'
      ? { fault: failureSentence({ kind: 'request-malformed', because: requestedAddresses.because }) }
      : {}),
  }
}

function poolAnswers(ledger: Ledger, request: ServiceRequest): readonly PoolAnswer[] {
  return explainPools(ledger, request, NOW_MS).map(({ pool, standing, sentence }) => {
    const isOther = standing.kind === 'available' || standing.kind === 'refuses'
    const lacking = isOther ? requestedElsewhere(ledger, request, pool) : undefined
    if (lacking !== undefined) return { pool, standing: 'not-asked', sentence: lacking }
    const reason = standing.kind === 'refuses' ? { reason: standing.because.kind } : {}
    if (standing.kind === 'available' && request.requestedAddresses.kind === 'addresses') {
      return { pool, standing: standing.kind, sentence: 'contains what the Service asks for' }
    }
    return { pool, standing: standing.kind, ...reason, sentence }
  })
}

/** Where particular addresses are asked for, the others of a pool are of no use. */
function requestedElsewhere(ledger: Ledger, request: ServiceRequest, pool: string): string | undefined {
  if (request.requestedAddresses.kind !== 'addresses') return undefined
  const { addresses } = request.requestedAddresses
  const contained = addresses.some((address) => ledger.locate(address)?.pool.pool.name === pool)
  return contained ? undefined : `does not contain ${addresses.map(formatAddress).join(' or ')}`
}

function sharedWith(ledger: Ledger, key: string, addresses: readonly string[]): Explanation['sharedWith'] {
  return addresses
    .map((address) => ({
      address,
      services: ledger
        .holdersOf(address)
        .filter((other) => other !== key)
        .sort(),
    }))
    .filter(({ services }) => services.length > 0)
}

type Announcement = Pick<Explanation, 'layer2' | 'bgp'>

function summaryOf(
  { request, decision, events }: Settlement,
  announcement: Announcement,
  details: ServiceDetails,
): string {
  const { outcome, addresses, pool, message } = decision
  const { key, statusAddresses } = request
  if (outcome.kind === 'not-load-balancer') return `${key} is not of type LoadBalancer, so it gets no address.`
  if (outcome.kind === 'being-deleted') return `${key} is deleted; its address is free when it is gone.`
  if (outcome.kind === 'not-ours')
    return `${key} is of another loadBalancerClass (see --lb-class), so it is left alone.`
  if (outcome.kind === 'waiting') return `${message}.`
  const all = addresses.join(' and ')
  if (isShown(statusAddresses, addresses)) {
    return `${key} has ${all} from pool "${pool}"; ${announcementClause(announcement, details)}.`
  }
  const now = statusAddresses.length === 0 ? 'no address' : statusAddresses.join(' and ')
  const cleared = events.find(({ reason }) => reason === 'ClearAssignment')
  const why = cleared === undefined ? '' : ` (${cleared.message})`
  return `${key} shows ${now} and is due ${all} from pool "${pool}"${why}; the controller has not written that yet.`
}

function announcementClause({ layer2, bgp }: Announcement, { announcedBy }: ServiceDetails): string {
  const speakers = bgp.filter(({ announces }) => announces).length
  const routes = speakers === 0 ? '' : `${speakers} of ${bgp.length} nodes announce it over BGP`
  if (!layer2.announces) return routes === '' ? `nobody announces it: ${layer2.detail}` : routes
  const answers = answeringClause(
    layer2.candidates,
    announcedBy.map(({ node }) => node),
  )
  return routes === '' ? answers : `${answers}, and ${routes}`
}

/** Who is to answer is known from the cluster; who does, from the reports of the speakers. */
function answeringClause(candidates: readonly string[], reporting: readonly string[]): string {
  const [owner, ...others] = reporting
  if (owner === undefined) return `node ${candidates[0]} is to answer for it, but no node reports that it does`
  if (others.length > 0) return `nodes ${reporting.join(' and ')} report that they answer for it`
  const place = candidates.indexOf(owner) + 1
  return place === 0
    ? `node ${owner} reports that it answers for it, but ${candidates[0]} is to`
    : `node ${owner} answers for it (candidate ${place} of ${candidates.length})`
}

function isShown(shown: readonly string[], wanted: readonly string[]): boolean {
  const canonical = shown.map((text) => {
    const address = parseAddress(text)
    return address === undefined ? text : formatAddress(address)
  })
  return canonical.join() === wanted.join()
}
