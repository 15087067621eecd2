import { type Address, type Family, parseAddress } from '../../net/ip/index.ts'

/** What this folder reads of a Kubernetes Service (core/v1); any client's Service type fits. */
export interface ServiceShape {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly creationTimestamp?: Date | string
    readonly deletionTimestamp?: Date | string
  }
  readonly spec?: {
    readonly type?: string
    readonly loadBalancerIP?: string
    readonly loadBalancerClass?: string
    readonly ipFamilyPolicy?: string
    readonly ipFamilies?: readonly string[]
    readonly clusterIPs?: readonly string[]
    readonly clusterIP?: string
    readonly externalTrafficPolicy?: string
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly { readonly protocol?: string; readonly port: number }[]
  }
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[]
    }
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[]
  }
}

/** Which Services are ours, and how far sharing reaches. */
export interface RequestOptions {
  /** `--lb-class`; '' = only Services without a class. */
  readonly loadBalancerClass: string
  /** `--sharing-stays-in-namespace`: a sharing key means nothing outside its own namespace. MetalLB shares across them. */
  readonly sharingStaysInNamespace: boolean
}

export const DEFAULT_REQUEST_OPTIONS: RequestOptions = { loadBalancerClass: '', sharingStaysInNamespace: false }

/** Why a request for particular addresses can never be granted, whatever the pools. */
export type RequestFault =
  | { readonly kind: 'requested-twice'; readonly annotation: string; readonly field: string }
  | { readonly kind: 'unparsable'; readonly text: string }
  | { readonly kind: 'too-many'; readonly count: number }
  | { readonly kind: 'same-family-twice'; readonly addresses: readonly string[] }
  | { readonly kind: 'families-differ'; readonly addresses: readonly string[]; readonly families: readonly Family[] }

export type AddressRequest =
  | { readonly kind: 'none' }
  | { readonly kind: 'addresses'; readonly addresses: readonly Address[] }
  | { readonly kind: 'malformed'; readonly because: RequestFault }

export type ClusterFamilies =
  | { readonly kind: 'none' }
  | { readonly kind: 'families'; readonly families: readonly Family[] }
  | { readonly kind: 'unclear'; readonly clusterIPs: readonly string[] }

/** A Service as the allocator sees it: annotations read, families worked out, nothing of the API left. */
export interface ServiceRequest {
  /** `namespace/name`. */
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339 in UTC, '' when unknown: sorts as text. */
  readonly creationTimestamp: string
  readonly isLoadBalancer: boolean
  /** Deleted, and kept in existence by somebody's finalizer. */
  readonly isBeingDeleted: boolean
  /** Whether `spec.loadBalancerClass` is the one that we serve. */
  readonly classMatches: boolean
  readonly requestedAddresses: AddressRequest
  readonly requestedPool: string | undefined
  /** '' = not shared. */
  readonly sharingKey: string
  /** Services that share an address must send to the same pods, so far as this text can tell. */
  readonly backendKey: string
  /** `TCP/80`, ascending, unique. */
  readonly ports: readonly string[]
  /** Annotations in use that carry the deprecated prefix. */
  readonly deprecatedAnnotations: readonly string[]
  readonly clusterFamilies: ClusterFamilies
  readonly clusterIPCount: number
  readonly requiresDualStack: boolean
  readonly prefersDualStack: boolean
  /** The family to fall back to when only one can be had. */
  readonly primaryFamily: Family
  /** `status.loadBalancer.ingress[].ip` as written there. */
  readonly statusAddresses: readonly string[]
  /** Ingress entries that are no addresses: somebody else's. */
  readonly foreignIngress: readonly string[]
  /** The annotation that we wrote with the last address. */
  readonly allocatedFromPool: string | undefined
  /** Message of our own condition on the Service: what the user was told last. */
  readonly lastMessage: string | undefined
}

/** Most Services have none of most things: they share one empty list, which keeps 50,000 requests small. */
const NONE: readonly never[] = []
const NO_LABELS: Readonly<Record<string, string>> = {}
const NO_ADDRESS_REQUEST: AddressRequest = { kind: 'none' }

const PREFIX = 'metallb.io/'
const DEPRECATED_PREFIX = 'metallb.universe.tf/'

/** Written by the controller: the name of the pool in use. */
export const ALLOCATED_FROM_POOL = 'metallb.io/ip-allocated-from-pool'

/** Type of the Service condition that says why there is no address. */
export const ADDRESS_CONDITION = 'invar.dev/AddressAllocated'

/** Reads a Service; never fails: what is wrong with it is said in the request, and the decision answers it. */
export function requestOf(service: ServiceShape, options: RequestOptions = DEFAULT_REQUEST_OPTIONS): ServiceRequest {
  const { metadata = {}, spec = {}, status = {} } = service
  const namespace = metadata.namespace ?? 'default'
  const name = metadata.name ?? ''
  const annotations = readAnnotations(metadata.annotations ?? {})
  const clusterIPs = clusterIPsOf(spec)
  const ingress = status.loadBalancer?.ingress ?? NONE
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels: metadata.labels ?? NO_LABELS,
    creationTimestamp: timestampText(metadata.creationTimestamp),
    isLoadBalancer: spec.type === 'LoadBalancer',
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
    classMatches: (spec.loadBalancerClass ?? '') === options.loadBalancerClass,
    requestedAddresses: addressRequest(annotations.loadBalancerIPs ?? '', spec.loadBalancerIP ?? ''),
    requestedPool: annotations['address-pool'] || undefined,
    sharingKey: sharingKey(annotations['allow-shared-ip'] ?? '', namespace, options),
    backendKey: spec.externalTrafficPolicy === 'Local' ? backendKey(namespace, spec.selector ?? {}) : '',
    ports: [...new Set((spec.ports ?? []).map((port) => `${port.protocol ?? 'TCP'}/${port.port}`))].sort(),
    deprecatedAnnotations: orNone(annotations.deprecated),
    clusterFamilies: clusterFamilies(clusterIPs),
    clusterIPCount: clusterIPs.length,
    requiresDualStack: spec.ipFamilyPolicy === 'RequireDualStack',
    prefersDualStack: spec.ipFamilyPolicy === 'PreferDualStack',
    primaryFamily: spec.ipFamilies?.[0] === 'IPv6' ? 6 : 4,
    statusAddresses: orNone(ingress.flatMap((entry) => entry.ip || [])),
    foreignIngress: orNone(ingress.flatMap((entry) => (entry.ip ? [] : (entry.hostname ?? '')))),
    allocatedFromPool: metadata.annotations?.[ALLOCATED_FROM_POOL],
    lastMessage: status.conditions?.find((condition) => condition.type === ADDRESS_CONDITION)?.message,
  }
}

const ANNOTATIONS = ['address-pool', 'loadBalancerIPs', 'allow-shared-ip'] as const

interface Annotations extends Partial<Record<(typeof ANNOTATIONS)[number], string>> {
  deprecated: string[]
}

/** The stable prefix wins where both are present, even when its value is empty. */
function readAnnotations(raw: Readonly<Record<string, string>>): Annotations {
  const annotations: Annotations = { deprecated: [] }
  for (const name of ANNOTATIONS) {
    const value = raw[PREFIX + name] ?? raw[DEPRECATED_PREFIX + name]
    if (value !== undefined) annotations[name] = value
    if (raw[DEPRECATED_PREFIX + name] !== undefined) annotations.deprecated.push(DEPRECATED_PREFIX + name)
  }
  return annotations
}

function sharingKey(annotation: string, namespace: string, options: RequestOptions): string {
  if (annotation === '' || !options.sharingStaysInNamespace) return annotation
  return `${namespace}/${annotation}`
}

/**
 * Equal selectors in two namespaces mean different pods, so the namespace belongs to the key (MetalLB leaves it out).
 * A Service without selector has its endpoints from elsewhere: nothing to compare, as with MetalLB.
 */
function backendKey(namespace: string, selector: Readonly<Record<string, string>>): string {
  const terms = Object.keys(selector)
    .sort()
    .map((label) => `${label}=${selector[label]}`)
  return terms.length === 0 ? '' : `${namespace}/${terms.join(',')}`
}

function addressRequest(annotation: string, field: string): AddressRequest {
  if (annotation !== '' && field !== '') {
    return { kind: 'malformed', because: { kind: 'requested-twice', annotation, field } }
  }
  const text = annotation || field
  if (text === '') return NO_ADDRESS_REQUEST
  const parts = text.split(',').map((part) => part.trim())
  if (parts.length > 2) return { kind: 'malformed', because: { kind: 'too-many', count: parts.length } }
  const addresses: Address[] = []
  for (const part of parts) {
    const address = parseAddress(part)
    if (address === undefined) return { kind: 'malformed', because: { kind: 'unparsable', text: part } }
    addresses.push(address)
  }
  if (addresses[0]?.family === addresses[1]?.family) {
    return { kind: 'malformed', because: { kind: 'same-family-twice', addresses: parts } }
  }
  return { kind: 'addresses', addresses: addresses.sort((a, b) => a.family - b.family) }
}

function clusterIPsOf(spec: NonNullable<ServiceShape['spec']>): readonly string[] {
  if (spec.clusterIPs !== undefined && spec.clusterIPs.length > 0) return spec.clusterIPs
  return spec.clusterIP ? [spec.clusterIP] : []
}

const CLUSTER_FAMILIES: Readonly<Record<string, ClusterFamilies>> = {
  '': { kind: 'none' },
  '4': { kind: 'families', families: [4] },
  '6': { kind: 'families', families: [6] },
  '4,6': { kind: 'families', families: [4, 6] },
}

function clusterFamilies(clusterIPs: readonly string[]): ClusterFamilies {
  const families = clusterIPs.length === 0 ? NONE : familiesOfTexts(clusterIPs)
  return CLUSTER_FAMILIES[families?.join() ?? 'unclear'] ?? { kind: 'unclear', clusterIPs }
}

function orNone(list: readonly string[]): readonly string[] {
  return list.length === 0 ? NONE : list
}

/** One family, or both in ascending order; undefined = not addresses, a family twice, or more than two. */
export function familiesOfTexts(texts: readonly string[]): readonly Family[] | undefined {
  const families = texts.map((text) => parseAddress(text)?.family)
  if (families.length === 0 || families.length > 2 || families.includes(undefined)) return undefined
  if (families.length === 2 && families[0] === families[1]) return undefined
  return (families as Family[]).sort()
}

function timestampText(timestamp: Date | string | undefined): string {
  if (timestamp === undefined) return ''
  return typeof timestamp === 'string' ? timestamp : timestamp.toISOString()
}
