import type { Family } from '../../net/ip/index.ts'
import type { Shortcoming } from './decision.ts'
import type { JoinRefusal } from './holding.ts'
import type { AddressRefusal, AllocationFailure, ClearCause, PoolRefusal, PoolVerdict } from './refusal.ts'
import type { RequestFault } from './request.ts'

/**
 * The sentences that users read, in events, in the condition and from `explain`. They hold no counts or times, and
 * nothing that others change without waking the Service up: the same cause gives the same text, and is told once.
 */

/** Pools named in one sentence; an Event's note is limited to 1 kB. */
const POOLS_NAMED = 8

/** Why a Service has no address. */
export function failureSentence(failure: AllocationFailure): string {
  switch (failure.kind) {
    case 'no-pools':
      return 'there is no IPAddressPool'
    case 'no-cluster-ip':
      return 'the Service has no cluster IP'
    case 'not-enough-cluster-ips':
      return 'spec.ipFamilyPolicy is RequireDualStack, which needs two cluster IPs, and the Service has fewer'
    case 'cluster-families-unclear':
      return `spec.clusterIPs ${quoted(failure.clusterIPs)} are not one address, or one of each family`
    case 'request-malformed':
      return faultSentence(failure.because)
    case 'addresses-refused':
      return `the requested ${failure.addresses.join(' and ')} cannot be given: ${addressSentence(failure.because)}`
    case 'no-pool-has-room':
      return poolsSentence(failure.pools)
  }
}

/** Why an address is taken away. */
export function clearSentence(cause: ClearCause): string {
  switch (cause.kind) {
    case 'not-allowed':
      return addressSentence(cause.because)
    case 'other-pool-requested':
      return `the Service asks for pool "${cause.pool}" now`
    case 'other-addresses-requested':
      return `the Service asks for ${cause.addresses.join(' and ')} now`
    case 'used-by-others':
      return `somebody outside uses ${cause.address} (${cause.because})`
    case 'other-families':
      return `the cluster IPs are ${cause.families.map(familyName).join(' and ')} now`
    default:
      return failureSentence(cause)
  }
}

/** What a Service with an address lacks, to stand behind the address. */
export function shortcomingSentence(shortcoming: Exclude<Shortcoming, { kind: 'request-ignored' }>): string {
  if (shortcoming.kind === 'contested') {
    const { address, because } = shortcoming
    return `and somebody outside uses ${address} too (${because}): it is kept, and given to nobody else`
  }
  return `and no ${familyName(shortcoming.family)} address: the pool ${poolSentence(shortcoming.because)}`
}

/** Why one pool gives nothing, to stand behind its name. */
export function poolSentence(refusal: PoolRefusal): string {
  switch (refusal.kind) {
    case 'unknown-pool':
      return 'does not exist'
    case 'suspended':
      return `gives out nothing new until it is repaired (${refusal.because})`
    case 'auto-assign-off':
      return 'is used on request only (autoAssign: false)'
    case 'namespace-not-allowed':
      return `does not serve namespace "${refusal.namespace}"`
    case 'labels-not-selected':
      return 'does not select the labels of the Service'
    case 'lacks-family':
      return `has no ${familyName(refusal.family)} addresses`
    case 'full': {
      const rest = refusal.rests ? ', or those freed still rest' : ''
      if (refusal.families.length === 1) return `has no ${familyName(refusal.families[0]!)} address left${rest}`
      return `has not both an IPv4 and an IPv6 address left${rest}`
    }
  }
}

export function addressSentence(refusal: AddressRefusal): string {
  switch (refusal.kind) {
    case 'outside-pools':
      return `no pool contains ${refusal.address}`
    case 'several-pools':
      return `the addresses lie in different pools, ${quoted(refusal.pools)}`
    case 'not-in-requested-pool':
      return `pool "${refusal.requestedPool}" is asked for, and the addresses are of pool "${refusal.pool}"`
    case 'pool-refuses':
      return `pool "${refusal.pool}" ${poolSentence(refusal.because)}`
    case 'held':
      return joinSentence(refusal.address, refusal.because)
    case 'resting':
      return `${refusal.address} was freed by another Service and still rests`
    case 'quarantined':
      return `${refusal.address} is used by somebody else: ${refusal.because}`
  }
}

function joinSentence(address: string, refusal: JoinRefusal): string {
  const held = `${address} is held by Service ${refusal.holder}`
  switch (refusal.kind) {
    case 'not-shared':
      return `${held}, and one of the two has no metallb.io/allow-shared-ip`
    case 'other-sharing-key':
      return `${held}, which has another metallb.io/allow-shared-ip`
    case 'other-backend':
      return `${held}, and with externalTrafficPolicy Local only Services with the same pods share`
    case 'port-taken':
      return `${held}, which has ${refusal.port} there`
  }
}

function faultSentence(fault: RequestFault): string {
  switch (fault.kind) {
    case 'requested-twice':
      return (
        `the annotation metallb.io/loadBalancerIPs (${fault.annotation}) and spec.loadBalancerIP (${fault.field}) ` +
        'are both set: remove one'
      )
    case 'unparsable':
      return `the requested address "${fault.text}" is not an IP address`
    case 'too-many':
      return `${fault.count} addresses are requested: one, or one of each family, can be`
    case 'same-family-twice':
      return `the requested ${fault.addresses.join(' and ')} are of one family: one of each can be requested`
    case 'families-differ':
      return (
        `the requested ${fault.addresses.join(' and ')} must be ` +
        `${fault.families.map((family) => `one ${familyName(family)} address`).join(' and ')}, like the cluster IPs`
      )
  }
}

function poolsSentence(verdicts: readonly PoolVerdict[]): string {
  const refused = verdicts.flatMap(({ pool, refusal }) => (refusal ? [`pool "${pool}" ${poolSentence(refusal)}`] : []))
  const named = refused.slice(0, POOLS_NAMED).join('; ')
  return refused.length > POOLS_NAMED ? `${named}; and ${refused.length - POOLS_NAMED} more` : named
}

function quoted(texts: readonly string[]): string {
  return texts.map((text) => `"${text}"`).join(', ')
}

export function familyName(family: Family): 'IPv4' | 'IPv6' {
  return family === 4 ? 'IPv4' : 'IPv6'
}
