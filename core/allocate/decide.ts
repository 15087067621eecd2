import { type Address, type Family, formatAddress, parseAddress } from '../../net/ip/index.ts'
import { rankOf } from './adoption.ts'
import { type Choice, choose, lowestAddress, requestFault } from './choose.ts'
import type { Decision, EventReason, Outcome, Shortcoming } from './decision.ts'
import { isSameList, type Ledger, type Quarantine } from './ledger.ts'
import { book, clear, type Pass, tell, tellOnce } from './pass.ts'
import type { PoolOccupancy } from './pool-occupancy.ts'
import type { AllocationFailure, PoolRefusal, PoolVerdict } from './refusal.ts'
import { familiesOfTexts, type ServiceRequest } from './request.ts'
import { failureSentence, shortcomingSentence } from './sentence.ts'
import { validateHeld } from './validate.ts'
import type { WaitingFor } from './waiting-room.ts'
import { wantedBy } from './wanted.ts'

/**
 * Decides what addresses a Service shall have, and books it in the ledger. Deciding again without a change gives the
 * same answer, changes nothing and raises nothing. To be called when the Service changed, when
 * `ledger.waiting.takeStirred()` names it, and for every Service when the configuration changed.
 *
 * `request` must show at least what we wrote last ourselves: a status read from a cache that has not seen it yet would
 * be taken for somebody's change.
 */
export function decide(ledger: Ledger, request: ServiceRequest, nowMs: number): Decision {
  const pass: Pass = { ledger, request, nowMs, events: [] }
  if (!isOurs(pass)) return notOurs(pass)
  if (!request.isLoadBalancer) return surrender(pass, { kind: 'not-load-balancer' })
  if (request.isBeingDeleted) return part(pass)
  const failure = precondition(pass)
  if (failure !== undefined) return clearAndWait(pass, failure)
  return reviewCurrent(pass)
}

/** A Service that we hold something for is ours, whatever its class is now: its class is wiped with its type. */
function isOurs({ ledger, request }: Pass): boolean {
  if (request.classMatches) return true
  return !request.isLoadBalancer && (holds(ledger, request) || request.allocatedFromPool !== undefined)
}

function holds(ledger: Ledger, request: ServiceRequest): boolean {
  return ledger.assignmentOf(request.key) !== undefined
}

function notOurs(pass: Pass): Decision {
  const { ledger, request } = pass
  const ours = ledger.assignmentOf(request.key)
  // It has moved to another class in one step: what is still ours in its status goes, what is another's stays.
  if (ours !== undefined && isSameList(ours.addresses, request.statusAddresses)) {
    return surrender(pass, { kind: 'not-ours' })
  }
  ledger.forget(request.key, pass.nowMs)
  const untouched = { addresses: request.statusAddresses, pool: request.allocatedFromPool, changed: false }
  const outcome = { kind: 'not-ours' } as const
  return { key: request.key, outcome, ...untouched, events: [], message: '', verdicts: [] }
}

/** Its address stays booked until it is gone: somebody may still answer for it. */
function part({ ledger, request }: Pass): Decision {
  ledger.waiting.leave(request.key)
  ledger.told.delete(request.key)
  const untouched = { addresses: request.statusAddresses, pool: request.allocatedFromPool, changed: false }
  const outcome = { kind: 'being-deleted' } as const
  return { key: request.key, outcome, ...untouched, events: [], message: '', verdicts: [] }
}

/** Steps 2 to 4 of the sequence: what is missing before an address can be thought of. */
function precondition({ ledger, request }: Pass): AllocationFailure | undefined {
  if (ledger.snapshot.pools.size === 0) return { kind: 'no-pools' }
  if (request.clusterFamilies.kind === 'none') return { kind: 'no-cluster-ip' }
  if (request.requiresDualStack && request.clusterIPCount < 2) return { kind: 'not-enough-cluster-ips' }
  return undefined
}

/**
 * Step 5: what the Service has, and whether it has the right families. Where somebody has emptied or spoilt its status,
 * it has what the ledger says.
 */
function reviewCurrent(pass: Pass): Decision {
  const { ledger, request } = pass
  const cluster = request.clusterFamilies
  const shown = currentAddresses(request)
  const isSpoilt = shown === undefined && request.statusAddresses.length > 0
  if (isSpoilt) {
    const texts = request.statusAddresses.join(', ')
    tell(pass, 'Warning', 'nolbIPsIPFamily', `The status of ${request.key} shows ${texts}: not one address a family`)
  }
  if (cluster.kind !== 'families') {
    return request.statusAddresses.length === 0
      ? wait(pass, unclear(request), [])
      : keepDespite(pass, 'noclusterIPsIPFamily', unclear(request))
  }
  const booked = ledger.assignmentOf(request.key)?.addresses.map((text) => parseAddress(text)!)
  const current = shown ?? booked
  if (current === undefined) return allocate(pass, cluster.families, [])
  if (!familiesFit(request, current, cluster.families)) {
    clear(pass, { kind: 'other-families', families: cluster.families })
    return allocate(pass, cluster.families, current.map(formatAddress))
  }
  return revalidate(pass, current, cluster.families)
}

function unclear(request: ServiceRequest): AllocationFailure {
  const { clusterFamilies } = request
  return {
    kind: 'cluster-families-unclear',
    clusterIPs: clusterFamilies.kind === 'unclear' ? clusterFamilies.clusterIPs : [],
  }
}

/** IPv4 first; undefined = none, three or more, a family twice, or no address. */
function currentAddresses(request: ServiceRequest): readonly Address[] | undefined {
  if (familiesOfTexts(request.statusAddresses) === undefined) return undefined
  return request.statusAddresses.map((text) => parseAddress(text)!).sort((a, b) => a.family - b.family)
}

function familiesFit(request: ServiceRequest, current: readonly Address[], families: readonly Family[]): boolean {
  if (families.length === 2 && current.length === 1) return request.prefersDualStack
  return current.map((address) => address.family).join() === families.join()
}

/** Steps 6 to 8: are the current addresses still allowed, and still those that are asked for? */
function revalidate(pass: Pass, current: readonly Address[], families: readonly Family[]): Decision {
  const { ledger, request } = pass
  const texts = current.map(formatAddress)
  const validation = validateHeld(ledger, request, current)
  if (validation.kind === 'refused') {
    clear(pass, { kind: 'not-allowed', because: validation.because })
    return allocate(pass, families, texts)
  }
  const pool = validation.pool
  if (request.requestedPool !== undefined && request.requestedPool !== pool.pool.name) {
    clear(pass, { kind: 'other-pool-requested', pool: request.requestedPool })
    return allocate(pass, families, [])
  }
  const asked = judgeRequest(request, texts, families)
  if (asked.kind === 'others') {
    clear(pass, { kind: 'other-addresses-requested', addresses: asked.addresses })
    return allocate(pass, families, [])
  }
  tellRestored(pass, texts, pool.pool.name)
  book(pass, texts, validation.places)
  // A request that no pool could ever grant takes nothing away.
  if (asked.kind === 'fault') return keepDespite(pass, 'LoadBalancerFailed', asked.because)
  const quarantine = ledger.worstQuarantineOf(texts)
  if (quarantine !== undefined) return contested(pass, texts, pool, families, quarantine)
  if (asked.kind === 'these') return assigned(pass, texts, pool.pool.name)
  return complete(pass, texts, pool, families)
}

type Asked =
  | { readonly kind: 'nothing' | 'these' }
  | { readonly kind: 'others'; readonly addresses: readonly string[] }
  | { readonly kind: 'fault'; readonly because: AllocationFailure }

function judgeRequest(request: ServiceRequest, texts: readonly string[], families: readonly Family[]): Asked {
  const { requestedAddresses } = request
  if (requestedAddresses.kind === 'none') return { kind: 'nothing' }
  const addresses = requestedAddresses.kind === 'addresses' ? requestedAddresses.addresses.map(formatAddress) : []
  if (isSameList(addresses, texts)) return { kind: 'these' }
  const fault = requestFault(request, families)
  return fault === undefined ? { kind: 'others', addresses } : { kind: 'fault', because: fault }
}

/**
 * The status showed these addresses and does not any more, or shows something foreign beside them: it is put right, and
 * that is told once.
 */
function tellRestored(pass: Pass, texts: readonly string[], pool: string): void {
  const { ledger, request } = pass
  const isGone = currentAddresses(request) === undefined
  const isNews = isGone ? ledger.assignmentOf(request.key)?.isShown : request.foreignIngress.length > 0
  if (isNews) tell(pass, 'Normal', 'IPAllocated', allocatedMessage(request, texts, pool))
}

/** The end of step 8: a Service that prefers two families and has one may get the other from the same pool. */
function complete(pass: Pass, texts: readonly string[], pool: PoolOccupancy, families: readonly Family[]): Decision {
  const { ledger, request, nowMs } = pass
  const missing = families.find((family) => !hasFamily(texts, family))
  if (missing === undefined) return assigned(pass, texts, pool.pool.name)
  const found = lowestAddress(ledger, request, pool.pool, missing, nowMs)
  if ('kind' in found) {
    return assigned(pass, texts, pool.pool.name, lacking(pool.pool.name, missing, found))
  }
  const both = missing === 4 ? [found.text, ...texts] : [...texts, found.text]
  book(pass, both)
  tell(pass, 'Normal', 'IPAllocated', `Assigned ${found.text} from pool "${pool.pool.name}" in addition to ${texts[0]}`)
  return assigned(pass, both, pool.pool.name)
}

function hasFamily(texts: readonly string[], family: Family): boolean {
  return texts.some((text) => text.includes(':') === (family === 6))
}

/** A Service is given another address so often; a station that answers for all (proxy ARP) must not empty a pool. */
const MOST_ESCAPES = 3

/**
 * Somebody outside uses an address of the Service (ADR 0015). It keeps it, and says so; only where nobody can have
 * reached it there, and it did not ask for that very address, it is given another one if there is one.
 */
function contested(
  pass: Pass,
  texts: readonly string[],
  pool: PoolOccupancy,
  families: readonly Family[],
  quarantine: Quarantine,
): Decision {
  const { ledger, request, nowMs } = pass
  const { address, because } = quarantine
  const mayMove = quarantine.isUnusable && request.requestedAddresses.kind === 'none' && !ledger.wasServed(request.key)
  const escapes = ledger.escapesOf(request.key)
  if (mayMove && escapes < MOST_ESCAPES) {
    const others = texts.filter((text) => text !== address).map((text) => parseAddress(text)!)
    const choice = choose(ledger, request, families, others, nowMs)
    if (choice.kind === 'chosen') {
      clear(pass, { kind: 'used-by-others', address, because })
      ledger.countEscape(request.key)
      return take(pass, choice, families)
    }
  }
  const pools = mayMove && escapes < MOST_ESCAPES ? [{ pool: pool.pool.name, families }] : []
  return assigned(pass, texts, pool.pool.name, { shortcoming: { kind: 'contested', address, because }, wanted: pools })
}

/** Step 9. `had` is what the Service had: what of it is still allowed stays. */
function allocate(pass: Pass, families: readonly Family[], had: readonly string[]): Decision {
  const { ledger, request, nowMs } = pass
  ledger.release(request.key, nowMs)
  const former = had.flatMap((text) => parseAddress(text) ?? [])
  const choice = choose(ledger, request, families, former, nowMs)
  if (choice.kind === 'failed') return wait(pass, choice.failure, verdictsOf(choice.failure))
  return take(pass, choice, families)
}

function take(pass: Pass, choice: Choice & { kind: 'chosen' }, families: readonly Family[]): Decision {
  const { ledger, request, nowMs } = pass
  const { addresses, pool, verdicts } = choice
  book(pass, addresses, choice.places)
  tell(pass, 'Normal', 'IPAllocated', allocatedMessage(request, addresses, pool))
  const missing = families.find((family) => !hasFamily(addresses, family))
  if (missing === undefined) return assigned(pass, addresses, pool, { verdicts })
  const because = lowestAddress(ledger, request, ledger.snapshot.pools.get(pool)!, missing, nowMs)
  const refusal = 'kind' in because ? because : ({ kind: 'full', families: [missing], rests: false } as const)
  return assigned(pass, addresses, pool, { verdicts, ...lacking(pool, missing, refusal) })
}

function allocatedMessage(request: ServiceRequest, addresses: readonly string[], pool: string): string {
  const assignment = `Assigned ${addresses.join(' and ')} from pool "${pool}"`
  if (request.foreignIngress.length === 0) return assignment
  return `${assignment} in place of an entry of somebody else (${request.foreignIngress.join(', ')})`
}

function verdictsOf(failure: AllocationFailure): readonly PoolVerdict[] {
  return failure.kind === 'no-pool-has-room' ? failure.pools : []
}

/** Steps 2 to 4 failed: nothing can stay. */
function clearAndWait(pass: Pass, failure: AllocationFailure): Decision {
  clear(pass, failure)
  return wait(pass, failure, [])
}

/** The Service has nothing, and says why. */
function wait(pass: Pass, because: AllocationFailure, verdicts: readonly PoolVerdict[]): Decision {
  const { ledger, request, nowMs } = pass
  ledger.release(request.key, nowMs)
  ledger.waiting.enter(request.key, rankOf(request), wantedBy(because))
  const message = `No address for Service ${request.key}: ${failureSentence(because)}`
  const reason = because.kind === 'not-enough-cluster-ips' ? 'not enough clusterips' : 'AllocationFailed'
  tellOnce(pass, 'Warning', reason, message)
  return finish(pass, { kind: 'waiting', because }, { addresses: [], pool: undefined, message, verdicts })
}

/** The Service keeps what its status shows although something about it is wrong. */
function keepDespite(pass: Pass, reason: EventReason, because: AllocationFailure): Decision {
  const { ledger, request } = pass
  const held = ledger.assignmentOf(request.key)?.addresses
  const addresses = held ?? request.statusAddresses
  const pool = (held && poolOf(ledger, held[0]!)) ?? request.allocatedFromPool
  const shortcoming = { kind: 'request-ignored', because } as const
  ledger.waiting.leave(request.key)
  const message = `${request.key} keeps ${addresses.join(' and ')}: ${failureSentence(because)}`
  tellOnce(pass, 'Warning', reason, message)
  const kept = { addresses, pool, message, verdicts: [] }
  return finish(pass, { kind: 'assigned', shortcoming }, kept)
}

function poolOf(ledger: Ledger, text: string): string | undefined {
  return ledger.holding(text)?.place?.pool.pool.name
}

interface AssignedDetails {
  readonly verdicts?: readonly PoolVerdict[]
  readonly shortcoming?: Exclude<Shortcoming, { kind: 'request-ignored' }>
  /** What would help against the shortcoming. */
  readonly wanted?: WaitingFor['pools']
}

function lacking(pool: string, family: Family, because: PoolRefusal): AssignedDetails {
  const wanted = because.kind === 'full' ? [{ pool, families: [family] }] : []
  return { shortcoming: { kind: 'missing-family', family, pool, because }, wanted }
}

function assigned(pass: Pass, addresses: readonly string[], pool: string, details: AssignedDetails = {}): Decision {
  const { ledger, request } = pass
  const { shortcoming, verdicts = [], wanted = [] } = details
  const given = `Assigned ${addresses.join(' and ')} from pool "${pool}"`
  if (shortcoming === undefined) {
    ledger.waiting.leave(request.key)
    ledger.told.delete(request.key)
    const result = { addresses, pool, message: given, verdicts }
    return finish(pass, { kind: 'assigned', shortcoming }, result)
  }
  ledger.waiting.enter(request.key, rankOf(request), { pools: wanted, addresses: [] })
  const message = `${given}, ${shortcomingSentence(shortcoming)}`
  if (shortcoming.kind === 'missing-family') tellOnce(pass, 'Normal', 'AdditionalAssignFailed', message)
  else tellOnce(pass, 'Warning', 'AddressConflict', message)
  return finish(pass, { kind: 'assigned', shortcoming }, { addresses, pool, message, verdicts })
}

/** The Service needs no address of ours any more. */
function surrender(pass: Pass, outcome: Outcome): Decision {
  pass.ledger.forget(pass.request.key, pass.nowMs)
  return finish(pass, outcome, { addresses: [], pool: undefined, message: '', verdicts: [] })
}

type Result = Pick<Decision, 'addresses' | 'pool' | 'message' | 'verdicts'>

/** Step 10: what differs from what the Service shows? */
function finish(pass: Pass, outcome: Outcome, result: Result): Decision {
  const { request } = pass
  const changed =
    request.foreignIngress.length > 0 ||
    request.allocatedFromPool !== result.pool ||
    !isSameList(request.statusAddresses, result.addresses)
  if (changed && outcome.kind !== 'not-ours') {
    for (const annotation of request.deprecatedAnnotations) {
      const replacement = annotation.replace('metallb.universe.tf/', 'metallb.io/')
      tell(pass, 'Warning', 'deprecatedAnnotation', `Annotation ${annotation} is deprecated: use ${replacement}`)
    }
  }
  return { key: request.key, outcome, ...result, changed, events: pass.events }
}
