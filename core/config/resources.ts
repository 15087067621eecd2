import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  Kind,
  L2Advertisement,
} from '../../crds/index.ts'
import type { Labels } from './selector.ts'

/** All that `compile` looks at, as the API server (or a set of files) has it. Nothing of it is changed. */
export interface Resources {
  /** The namespace of Invar: objects elsewhere are not read. undefined = any (files). */
  readonly namespace?: string
  readonly pools: readonly IPAddressPool[]
  readonly l2Advertisements: readonly L2Advertisement[]
  readonly bgpAdvertisements: readonly BGPAdvertisement[]
  readonly peers: readonly BGPPeer[]
  readonly bfdProfiles: readonly BFDProfile[]
  readonly communities: readonly Community[]
  /** undefined = not known: namespace selectors then select nothing. */
  readonly namespaces?: readonly NamespaceFacts[]
  /** undefined = not known: any two node selectors may then share a node. */
  readonly nodes?: readonly NodeFacts[]
  /** Secrets of the namespace by name. undefined = not known: passwords stay unset, and nothing is said of it. */
  readonly secrets?: ReadonlyMap<string, SecretFacts>
  /**
   * What a field that the schema does not know is. For files an error: the API server would drop it. For objects out of
   * an API server a notice (the default): its schema is newer than ours.
   */
  readonly unknownFields?: 'error' | 'notice'
}

export interface NamespaceFacts {
  readonly name: string
  readonly labels: Labels
}

export interface NodeFacts {
  readonly name: string
  readonly labels: Labels
  /** InternalIP and ExternalIP as text, where known: a pool should not hold them. */
  readonly addresses?: readonly string[]
}

export interface SecretFacts {
  readonly type: string
  /** Contents of the key `password`; undefined = there is no such key. Never log. */
  readonly password: string | undefined
}

/** Kinds that make up the configuration; the other kinds of the group are written by Invar itself. */
export type ConfigKind = Extract<
  Kind,
  'IPAddressPool' | 'L2Advertisement' | 'BGPAdvertisement' | 'BGPPeer' | 'BFDProfile' | 'Community'
>

export type ConfigResource = IPAddressPool | L2Advertisement | BGPAdvertisement | BGPPeer | BFDProfile | Community

/** The list of `Resources` that holds each kind. */
export const LIST_OF_KIND = {
  IPAddressPool: 'pools',
  L2Advertisement: 'l2Advertisements',
  BGPAdvertisement: 'bgpAdvertisements',
  BGPPeer: 'peers',
  BFDProfile: 'bfdProfiles',
  Community: 'communities',
} as const satisfies Record<ConfigKind, keyof Resources>

/** Whether objects of this kind make up the configuration. */
export function isConfigKind(kind: unknown): kind is ConfigKind {
  return typeof kind === 'string' && Object.hasOwn(LIST_OF_KIND, kind)
}

/** Sorts objects of mixed kinds, out of files for example, into the lists of their kinds. */
export function gather(objects: readonly ConfigResource[]): Resources {
  const lists: Record<string, ConfigResource[]> = {}
  for (const object of objects) {
    const list = LIST_OF_KIND[object.kind]
    lists[list] ??= []
    lists[list].push(object)
  }
  return { ...NO_RESOURCES, ...lists }
}

export const NO_RESOURCES: Resources = {
  pools: [],
  l2Advertisements: [],
  bgpAdvertisements: [],
  peers: [],
  bfdProfiles: [],
  communities: [],
}
