/** Resources in few words, for tests: `pool('web', { addresses: ['192.0.2.0/24'] })`. */
import { type ConfigResource, gather, type Resources } from '../core/config/index.ts'
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
  ObjectMeta,
} from '../crds/index.ts'

export const NAMESPACE = 'metallb-system'

function metadata(name: string, meta: ObjectMeta): ObjectMeta {
  return { name, namespace: NAMESPACE, creationTimestamp: '2026-01-01T00:00:00Z', ...meta }
}

/** Metadata of an object made that many days after the others. */
export function aged(days: number): ObjectMeta {
  return { creationTimestamp: `2026-01-${String(days + 1).padStart(2, '0')}T00:00:00Z` }
}

const V1BETA1 = 'metallb.io/v1beta1'

export function pool(name: string, spec: Partial<IPAddressPool['spec']> = {}, meta: ObjectMeta = {}): IPAddressPool {
  const whole = { addresses: ['192.0.2.0/24'], ...spec }
  return { apiVersion: V1BETA1, kind: 'IPAddressPool', metadata: metadata(name, meta), spec: whole }
}

export function l2(
  name: string,
  spec: NonNullable<L2Advertisement['spec']> = {},
  meta: ObjectMeta = {},
): L2Advertisement {
  return { apiVersion: V1BETA1, kind: 'L2Advertisement', metadata: metadata(name, meta), spec }
}

export function bgp(
  name: string,
  spec: NonNullable<BGPAdvertisement['spec']> = {},
  meta: ObjectMeta = {},
): BGPAdvertisement {
  return { apiVersion: V1BETA1, kind: 'BGPAdvertisement', metadata: metadata(name, meta), spec }
}

export function peer(name: string, spec: Partial<NonNullable<BGPPeer['spec']>> = {}, meta: ObjectMeta = {}): BGPPeer {
  const whole = { myASN: 64500, peerASN: 64501, peerAddress: '198.51.100.1', ...spec }
  return { apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', metadata: metadata(name, meta), spec: whole }
}

export function bfd(name: string, spec: NonNullable<BFDProfile['spec']> = {}, meta: ObjectMeta = {}): BFDProfile {
  return { apiVersion: V1BETA1, kind: 'BFDProfile', metadata: metadata(name, meta), spec }
}

export function community(name: string, aliases: Readonly<Record<string, string>>, meta: ObjectMeta = {}): Community {
  const communities = Object.entries(aliases).map(([alias, value]) => ({ name: alias, value }))
  return { apiVersion: V1BETA1, kind: 'Community', metadata: metadata(name, meta), spec: { communities } }
}

/** The objects as live in the namespace of Invar, with what else is known. */
export function resources(objects: readonly ConfigResource[], facts: Partial<Resources> = {}): Resources {
  return { ...gather(objects), namespace: NAMESPACE, ...facts }
}
