/** What two OPEN messages make of a session: RFC 4271 section 6.2, RFC 5492, and each capability's own RFC. */
import { Writer } from '../../bytes/index.ts'
import { encodeCapability } from '../message/capability.ts'
import {
  type AddressFamily,
  AFI,
  AS_TRANS,
  type AsnWidth,
  addressFamilyOfCode,
  BGP_VERSION,
  type Capability,
  FAMILY_CODES,
  type GracefulRestart,
  LARGEST_TWO_OCTET_ASN,
  MAXIMUM_EXTENDED_LENGTH,
  MAXIMUM_MESSAGE_LENGTH,
  type Notification,
  notification,
  type Open,
  SAFI_UNICAST,
} from '../message/index.ts'
import type { RemoteAs, SessionOptions } from './options.ts'
import { marksOnlyToCustomer, ROLES, rolesFit } from './role.ts'

/** What both sides agreed on. */
export interface Negotiated {
  readonly kind: 'internal' | 'external'
  readonly localAsn: number
  readonly remoteAsn: number
  readonly remoteIdentifier: number
  /** 0 = nobody watches, and no keepalives are sent. */
  readonly holdTimeSeconds: number
  readonly keepaliveTimeSeconds: number
  readonly families: ReadonlySet<AddressFamily>
  /** Octets of an ASN in AS_PATH. */
  readonly asnWidth: AsnWidth
  /** The peer understands IPv4 routes with an IPv6 next hop. */
  readonly hasExtendedNextHop: boolean
  /** Of UPDATE, NOTIFICATION and ROUTE-REFRESH, both ways. */
  readonly maximumMessageLength: number
  /** The peer may ask for its routes again; with `enhanced` it is told where the answer begins and ends. */
  readonly routeRefresh: 'none' | 'plain' | 'enhanced'
  /** What the peer said, the N bit only where we said so too; undefined unless both sides offered it. */
  readonly gracefulRestart: GracefulRestart | undefined
  /** RFC 9234: routes sent here carry the Only-to-Customer attribute. */
  readonly marksOnlyToCustomer: boolean
}

/** Our OPEN. `isRestarting` sets the R bit: we have just come back (RFC 4724 section 4.1). */
export function openOf(options: SessionOptions, isRestarting: boolean): Open {
  return {
    version: BGP_VERSION,
    myAutonomousSystem: options.localAsn > LARGEST_TWO_OCTET_ASN ? AS_TRANS : options.localAsn,
    holdTimeSeconds: options.holdTimeSeconds,
    identifier: options.identifier,
    capabilities: capabilitiesOf(options, isRestarting),
    otherParameters: [],
  }
}

function capabilitiesOf(options: SessionOptions, isRestarting: boolean): Capability[] {
  const codes = options.families.map((family) => FAMILY_CODES[family])
  const capabilities: Capability[] = codes.map((code) => ({ kind: 'multiprotocol', ...code }))
  capabilities.push({ kind: 'route-refresh' })
  if (options.offersExtendedNextHop) {
    const entry = { afi: AFI.ipv4, safi: SAFI_UNICAST, nextHopAfi: AFI.ipv6 }
    capabilities.push({ kind: 'extended-next-hop', entries: [entry] })
  }
  if (options.offersExtendedMessage) capabilities.push({ kind: 'extended-message' })
  if (options.role !== undefined) capabilities.push({ kind: 'role', role: ROLES[options.role] })
  if (options.gracefulRestart !== undefined) {
    capabilities.push({
      kind: 'graceful-restart',
      isRestarting,
      hasNotificationSupport: options.gracefulRestart.offersNotificationSupport,
      restartTimeSeconds: options.gracefulRestart.restartTimeSeconds,
      // Kernel and proxy forward whether the speaker runs or not.
      families: codes.map((code) => ({ ...code, isForwardingPreserved: true })),
    })
  }
  capabilities.push({ kind: 'four-octet-asn', asn: options.localAsn }, { kind: 'enhanced-route-refresh' })
  return capabilities
}

/** The session that follows from our options and the peer's OPEN, or the NOTIFICATION that refuses it. */
export function negotiate(ours: SessionOptions, theirs: Open): Negotiated | Notification {
  const remoteAsn = asnOf(theirs)
  const refusal = refuse(ours, theirs, remoteAsn)
  if (refusal !== undefined) return refusal
  const families = commonFamilies(ours, theirs)
  if (families.size === 0) return refuseFamilies(ours)
  const has = (kind: Capability['kind']) => find(theirs, kind) !== undefined
  const holdTimeSeconds = Math.min(ours.holdTimeSeconds, theirs.holdTimeSeconds)
  const isLong = ours.offersExtendedMessage && has('extended-message')
  return {
    kind: remoteAsn === ours.localAsn ? 'internal' : 'external',
    localAsn: ours.localAsn,
    remoteAsn,
    remoteIdentifier: theirs.identifier,
    holdTimeSeconds,
    keepaliveTimeSeconds: keepaliveTime(ours, holdTimeSeconds),
    families,
    asnWidth: has('four-octet-asn') ? 4 : 2,
    hasExtendedNextHop: ours.offersExtendedNextHop && takesIpv6NextHop(theirs),
    maximumMessageLength: isLong ? MAXIMUM_EXTENDED_LENGTH : MAXIMUM_MESSAGE_LENGTH,
    routeRefresh: has('enhanced-route-refresh') && has('route-refresh') ? 'enhanced' : plainRefresh(theirs),
    gracefulRestart: gracefulRestart(ours, theirs),
    marksOnlyToCustomer: remoteAsn !== ours.localAsn && marksOnlyToCustomer(ours.role),
  }
}

function gracefulRestart(ours: SessionOptions, theirs: Open): GracefulRestart | undefined {
  const offered = find(theirs, 'graceful-restart')
  if (ours.gracefulRestart === undefined || offered === undefined) return undefined
  // RFC 8538 section 4: the procedures hold only between two speakers that both set the bit.
  const both = ours.gracefulRestart.offersNotificationSupport && offered.hasNotificationSupport
  return { ...offered, hasNotificationSupport: both }
}

/** In the order of RFC 4271 section 6.2. */
function refuse(ours: SessionOptions, theirs: Open, remoteAsn: number): Notification | undefined {
  if (theirs.version !== BGP_VERSION) {
    const supported = new Writer(new Uint8Array(2)).u16(BGP_VERSION).finish()
    return notification('open-message-error', 'unsupported-version-number', supported)
  }
  if (remoteAsn === 0 || !isExpected(remoteAsn, ours)) return notification('open-message-error', 'bad-peer-AS')
  // RFC 6286 section 2.2: not zero, and inside one AS not our own.
  const isOurOwn = remoteAsn === ours.localAsn && theirs.identifier === ours.identifier
  if (theirs.identifier === 0 || isOurOwn) return notification('open-message-error', 'bad-BGP-identifier')
  if (theirs.otherParameters.length > 0) {
    return notification('open-message-error', 'unsupported-optional-parameter')
  }
  // RFC 4271 section 6.2: hold times of 1 and 2 seconds are illegal; zero means "no keepalives" and is kept.
  if (theirs.holdTimeSeconds === 1 || theirs.holdTimeSeconds === 2) {
    return notification('open-message-error', 'unacceptable-hold-time')
  }
  const roles = theirs.capabilities.filter((capability) => capability.kind === 'role').map(({ role }) => role)
  // RFC 9234 section 4: roles are for external sessions.
  if (remoteAsn !== ours.localAsn && !rolesFit(ours.role, roles, ours.mustHaveRole)) {
    return notification('open-message-error', 'role-mismatch')
  }
  return undefined
}

/** The capability is the truth; the two-octet field may only hold AS_TRANS (RFC 6793 section 4.2.1). */
function asnOf(open: Open): number {
  return find(open, 'four-octet-asn')?.asn ?? open.myAutonomousSystem
}

function isExpected(asn: number, ours: SessionOptions): boolean {
  const remote: RemoteAs = ours.remote
  if (remote.kind === 'asn') return asn === remote.asn
  return (asn === ours.localAsn) === (remote.kind === 'internal')
}

/** A peer that names no family at all speaks IPv4 unicast (RFC 4760 section 8). */
function commonFamilies(ours: SessionOptions, theirs: Open): Set<AddressFamily> {
  const named = theirs.capabilities.filter((capability) => capability.kind === 'multiprotocol')
  const offered = named.length === 0 ? ['ipv4-unicast' as const] : named.map(addressFamilyOfCode)
  return new Set(ours.families.filter((family) => offered.includes(family)))
}

/** RFC 5492 section 5: the data names the capabilities that we would have needed. */
function refuseFamilies(ours: SessionOptions): Notification {
  const writer = new Writer()
  for (const family of ours.families) {
    writer.bytes(encodeCapability({ kind: 'multiprotocol', ...FAMILY_CODES[family] }))
  }
  return notification('open-message-error', 'unsupported-capability', writer.finish())
}

/** Never slower than a third of the hold time (RFC 4271 section 4.4), whatever was configured. */
export function keepaliveTime(ours: SessionOptions, holdTimeSeconds: number): number {
  const third = Math.floor(holdTimeSeconds / 3)
  return Math.min(ours.keepaliveTimeSeconds ?? third, third)
}

function takesIpv6NextHop(theirs: Open): boolean {
  return theirs.capabilities.some(
    (capability) =>
      capability.kind === 'extended-next-hop' &&
      capability.entries.some(
        (entry) => entry.afi === AFI.ipv4 && entry.safi === SAFI_UNICAST && entry.nextHopAfi === AFI.ipv6,
      ),
  )
}

function plainRefresh(theirs: Open): 'none' | 'plain' {
  return find(theirs, 'route-refresh') === undefined ? 'none' : 'plain'
}

function find<K extends Capability['kind']>(open: Open, kind: K): Extract<Capability, { kind: K }> | undefined {
  return open.capabilities.find(
    (capability): capability is Extract<Capability, { kind: K }> => capability.kind === kind,
  )
}
