/** BGPPeer: what one peer says of itself, its Secret and its BFD profile. */
import type { BGPPeer as BgpPeerResource } from '../../crds/index.ts'
import { formatAddress, parseAddress } from '../../net/ip/index.ts'
import { type Draft, draft, type Findings } from './draft.ts'
import { compileSelectors } from './lists.ts'
import { readPeerAnnotations } from './peer-annotations.ts'
import { readTimers } from './peer-timers.ts'
import type { Resources } from './resources.ts'
import type { BfdProfile, BgpPeer } from './snapshot.ts'

type Spec = NonNullable<BgpPeerResource['spec']>

export interface PeerContext {
  readonly profiles: ReadonlyMap<string, BfdProfile>
  readonly secrets: Resources['secrets']
}

export function draftPeers(resources: Resources, profiles: ReadonlyMap<string, BfdProfile>): readonly Draft<BgpPeer>[] {
  const context = { profiles, secrets: resources.secrets }
  return draft('BGPPeer', resources.peers, resources, (resource, findings) => readPeer(resource, context, findings))
}

const BGP_PORT = 179

function readPeer({ metadata, spec }: BgpPeerResource, context: PeerContext, findings: Findings): BgpPeer | undefined {
  if (spec === undefined) {
    findings.error('spec.myASN', 'asn-missing', 'a peer needs myASN, the AS number of the cluster')
    return undefined
  }
  const remote = readRemote(spec, findings)
  const target = readTarget(spec, findings)
  if (spec.disableMP === true) {
    findings.notice('spec.disableMP', 'disable-mp-deprecated', 'disableMP has no effect any more; drop it')
  }
  const peer = {
    localAsn: spec.localASN ?? spec.myASN,
    port: spec.peerPort || BGP_PORT,
    ...readTimers(spec, findings),
    sourceAddress: readAddress(spec.sourceAddress, 'sourceAddress', findings),
    routerId: readRouterId(spec.routerID, findings),
    nodeSelectors: compileSelectors(spec.nodeSelectors, 'spec.nodeSelectors', findings),
    password: readPassword(spec, context, findings),
    bfdProfile: readBfdProfile(spec.bfdProfile, context, findings),
    gracefulRestart: spec.enableGracefulRestart ?? false,
    multihop: spec.ebgpMultiHop ?? false,
    vrf: spec.vrf ?? '',
    dualStack: spec.dualStackAddressFamily ?? false,
    ...readPeerAnnotations(metadata, findings),
  }
  if (remote === undefined || target === undefined) return undefined
  return { name: metadata.name ?? '', remote, target, ...peer }
}

function readRemote(spec: Spec, findings: Findings): BgpPeer['remote'] | undefined {
  const { myASN, peerASN = 0, dynamicASN, ebgpMultiHop } = spec
  if (myASN === 0) {
    findings.error('spec.myASN', 'asn-missing', 'AS number 0 is reserved (RFC 7607); give the AS number of the cluster')
  }
  if (peerASN === 0 && dynamicASN === undefined) {
    findings.error('spec.peerASN', 'peer-asn-missing', 'the AS of the peer is not given; set peerASN or dynamicASN')
    return undefined
  }
  if (peerASN !== 0 && dynamicASN !== undefined) {
    const text = `peerASN is ${peerASN} and dynamicASN is "${dynamicASN}"; drop one of them`
    findings.error('spec.peerASN', 'peer-asn-ambiguous', text)
  }
  if (ebgpMultiHop === true && (peerASN === myASN || dynamicASN === 'internal')) {
    const text = 'ebgpMultiHop is for peers of another AS, but this one is of the same; drop it'
    findings.error('spec.ebgpMultiHop', 'multihop-internal', text)
  }
  return peerASN === 0 ? { kind: dynamicASN! } : { kind: 'asn', asn: peerASN }
}

function readTarget(spec: Spec, findings: Findings): BgpPeer['target'] | undefined {
  const { peerAddress = '', interface: link = '' } = spec
  if (peerAddress === '' && link === '') {
    const text = 'where the peer is is not given; set peerAddress or interface'
    findings.error('spec.peerAddress', 'peer-target-missing', text)
    return undefined
  }
  if (peerAddress !== '' && link !== '') {
    const text = `peerAddress is "${peerAddress}" and interface is "${link}"; drop one of them`
    findings.error('spec.peerAddress', 'peer-target-ambiguous', text)
  }
  if (peerAddress === '') return { kind: 'interface', interface: link }
  const address = readAddress(peerAddress, 'peerAddress', findings)
  return address === undefined ? undefined : { kind: 'address', address }
}

/** Canonical text of an address; '' counts as absent. */
function readAddress(
  text: string | undefined,
  field: 'peerAddress' | 'sourceAddress',
  findings: Findings,
): string | undefined {
  if (text === undefined || text === '') return undefined
  const address = parseAddress(text)
  if (address !== undefined) return formatAddress(address)
  const rule = field === 'peerAddress' ? 'peer-address-unparsable' : 'source-address-unparsable'
  findings.error(`spec.${field}`, rule, `"${text}" is not an IP address; write it as "192.0.2.1" or "2001:db8::1"`)
  return undefined
}

function readRouterId(text: string | undefined, findings: Findings): string | undefined {
  if (text === undefined || text === '') return undefined
  if (parseAddress(text)?.family === 4) return text
  findings.error('spec.routerID', 'router-id-unparsable', `"${text}" is not a router ID; write it as "192.0.2.1"`)
  return undefined
}

const SECRET_TYPE = 'kubernetes.io/basic-auth'

/** No message may hold the password. */
function readPassword(spec: Spec, { secrets }: PeerContext, findings: Findings): string | undefined {
  const { password = '', passwordSecret } = spec
  // The namespace of the reference is ignored, as in MetalLB: the Secret lies where Invar does.
  const name = passwordSecret?.name ?? ''
  const path = 'spec.passwordSecret'
  if (name === '') return password === '' ? undefined : password
  if (password !== '') {
    findings.error(path, 'password-ambiguous', 'password and passwordSecret are both given; drop one of them')
  }
  if (secrets === undefined) return undefined
  const secret = secrets.get(name)
  if (secret === undefined) {
    findings.waiting(path, 'secret-missing', `Secret ${name} does not exist yet; create it in the namespace of Invar`)
  } else if (secret.type !== SECRET_TYPE) {
    findings.error(path, 'secret-type', `Secret ${name} is of type ${secret.type}; it must be of type ${SECRET_TYPE}`)
  } else if (secret.password === undefined) {
    findings.error(path, 'secret-without-password', `Secret ${name} has no key "password"; add it`)
  }
  return secret?.password
}

function readBfdProfile(
  name: string | undefined,
  { profiles }: PeerContext,
  findings: Findings,
): BfdProfile | undefined {
  if (name === undefined || name === '') return undefined
  const profile = profiles.get(name)
  if (profile === undefined) {
    const text = `BFDProfile ${name} does not exist yet, or is not valid; create it`
    findings.waiting('spec.bfdProfile', 'bfd-profile-missing', text)
  }
  return profile
}
