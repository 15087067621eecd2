/** The kinds of group `metallb.io`, as the API server serves them. Their types come from `crds/`. */
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  ConfigurationState,
  IPAddressPool,
  L2Advertisement,
  ServiceBGPStatus,
  ServiceL2Status,
} from '../crds/index.ts'
import type { KubernetesObject, Resource } from './resource.ts'

/** A generated type as it comes out of the API server: there it always has a name. */
export type Stored<T> = T & KubernetesObject

function metallb<T>(kind: string, plural: string, version = 'v1beta1'): Resource<Stored<T>> {
  return { group: 'metallb.io', version, plural, kind, namespaced: true }
}

/** Those that make up the configuration, by kind. */
export const CONFIGURATION_RESOURCES = {
  IPAddressPool: metallb<IPAddressPool>('IPAddressPool', 'ipaddresspools'),
  L2Advertisement: metallb<L2Advertisement>('L2Advertisement', 'l2advertisements'),
  BGPAdvertisement: metallb<BGPAdvertisement>('BGPAdvertisement', 'bgpadvertisements'),
  BGPPeer: metallb<BGPPeer>('BGPPeer', 'bgppeers', 'v1beta2'),
  BFDProfile: metallb<BFDProfile>('BFDProfile', 'bfdprofiles'),
  Community: metallb<Community>('Community', 'communities'),
} as const

export const IP_ADDRESS_POOLS = CONFIGURATION_RESOURCES.IPAddressPool
export const CONFIGURATION_STATES = metallb<ConfigurationState>('ConfigurationState', 'configurationstates')
/** By which speakers report what they announce. */
export const SERVICE_L2_STATUSES = metallb<ServiceL2Status>('ServiceL2Status', 'servicel2statuses')
export const SERVICE_BGP_STATUSES = metallb<ServiceBGPStatus>('ServiceBGPStatus', 'servicebgpstatuses')
