import { formatAddress, parseAddress } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'
import type { PoolIndex } from './pool-index.ts'
import { type Silent, silent } from './reasons.ts'

/** What this folder reads of a Service (core/v1). */
export interface AnnouncedServiceShape {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly deletionTimestamp?: Date | string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly type?: string
    readonly loadBalancerClass?: string
    readonly externalTrafficPolicy?: string
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] }
  }
}

/** A Service as the speakers see it. They work from its status, whoever wrote that. */
export interface AnnouncedService {
  /** `namespace/name`. */
  readonly key: string
  readonly labels: Readonly<Record<string, string>>
  readonly isLoadBalancer: boolean
  /** Deleted, and kept in existence by somebody's finalizer. */
  readonly isBeingDeleted: boolean
  readonly classMatches: boolean
  /** `externalTrafficPolicy: Local`. */
  readonly isLocal: boolean
  /** The annotation `allow-shared-ip` is there, under either prefix and even if empty. */
  readonly hasSharingAnnotation: boolean
  /** Ingress entries in their order: the IP as written, or a host name. */
  readonly ingress: readonly string[]
}

const SHARING_ANNOTATIONS = ['metallb.io/allow-shared-ip', 'metallb.universe.tf/allow-shared-ip']
const NO_LABELS: Readonly<Record<string, string>> = {}

/** `loadBalancerClass` is that of `--lb-class`; '' = only Services without a class. */
export function announcedServiceOf(service: AnnouncedServiceShape, loadBalancerClass: string): AnnouncedService {
  const { metadata = {}, spec = {}, status = {} } = service
  const annotations = metadata.annotations ?? NO_LABELS
  return {
    key: `${metadata.namespace ?? 'default'}/${metadata.name ?? ''}`,
    labels: metadata.labels ?? NO_LABELS,
    isLoadBalancer: spec.type === 'LoadBalancer',
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
    classMatches: (spec.loadBalancerClass ?? '') === loadBalancerClass,
    isLocal: spec.externalTrafficPolicy === 'Local',
    hasSharingAnnotation: SHARING_ANNOTATIONS.some((name) => annotations[name] !== undefined),
    ingress: (status.loadBalancer?.ingress ?? []).map((entry) => entry.ip || (entry.hostname ?? '')),
  }
}

export type Announceable =
  | {
      readonly kind: 'announceable'
      /** Canonical text, in the order of the status: the first one decides the election. */
      readonly ips: readonly string[]
      readonly pool: Pool
    }
  | Silent

/** The checks that BGP and layer 2 have in common: is there something to announce, and is it from one of our pools? */
export function announceable(service: AnnouncedService, pools: PoolIndex): Announceable {
  if (!service.isLoadBalancer) return silent('notLoadBalancer', `${service.key} is not of type LoadBalancer`)
  if (!service.classMatches) return silent('otherLoadBalancerClass', `${service.key} is of another loadBalancerClass`)
  if (service.isBeingDeleted) return silent('beingDeleted', `${service.key} is deleted`)
  if (service.ingress.length === 0) return silent('noIPAllocated', `${service.key} has no address in its status`)
  const addresses = service.ingress.map(parseAddress)
  const invalid = addresses.indexOf(undefined)
  if (invalid >= 0) {
    return silent('invalidIP', `the status of ${service.key} shows "${service.ingress[invalid]}": not an address`)
  }
  const found = addresses.map((address) => pools.poolOf(address!))
  const pool = found[0]
  if (pool === undefined || found.some((other) => other !== pool)) {
    return silent('ipNotAllowed', `no IPAddressPool contains ${service.ingress.join(' and ')} of ${service.key}`)
  }
  return { kind: 'announceable', ips: addresses.map((address) => formatAddress(address!)), pool }
}
