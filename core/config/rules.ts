import { SCHEMA_RULES } from '../../crds/index.ts'

/**
 * Every rule that a Problem can name, with what it means. The codes are an interface: they stand in events, conditions,
 * metrics and `invarctl lint -o json`, so they may be added but not renamed.
 */
export const RULES = {
  ...SCHEMA_RULES,
  'wrong-namespace': 'Only objects in the namespace of Invar are read.',
  'object-repeated': 'Two objects of one kind have the same name.',

  'selector-key-invalid': 'A label key of a selector is not a Kubernetes label key.',
  'selector-value-invalid': 'A label value of a selector is not a Kubernetes label value.',
  'selector-operator-unknown': 'The operator of a selector is none of In, NotIn, Exists, DoesNotExist.',
  'selector-values-missing': 'In and NotIn need at least one value.',
  'selector-values-superfluous': 'Exists and DoesNotExist take no values.',
  'selector-values-repeated': 'One expression of a selector lists a value twice.',
  'selector-repeated': 'A list of selectors holds the same selector twice.',
  'name-repeated': 'A list holds the same entry twice.',

  'addresses-missing': 'A pool has no addresses.',
  'address-unparsable': 'An entry of a pool is neither a CIDR nor a range.',
  'address-without-mask': 'An entry of a pool is a bare address; its mask must be given.',
  'range-reversed': 'The first address of a range is above its last.',
  'range-mixed-families': 'The ends of a range are of different IP families.',
  'addresses-overlap': 'Two entries of one pool overlap.',
  'pools-overlap': 'The pool overlaps with an older pool.',
  'reuse-after-unparsable': 'The annotation invar.dev/reuse-after is not a duration.',
  'network-or-broadcast-address': 'The pool holds the first or last address of its network, which some clients refuse.',
  'pool-overlaps-node': 'The pool holds the address of a node.',

  'aggregation-with-service-selectors': 'Routes of selected services cannot be aggregated.',
  'aggregation-exceeds-pool': 'The aggregate would be larger than an entry of a pool that it announces.',
  'community-invalid': 'The value is not a community.',
  'community-unknown': 'The name is of no community yet.',
  'community-repeated': 'The name of a community is given twice.',
  'local-preference-conflict': 'An older advertisement gives the same routes another local preference.',

  'asn-missing': 'myASN is absent or 0.',
  'peer-asn-missing': 'Neither peerASN nor dynamicASN is given.',
  'peer-asn-ambiguous': 'Both peerASN and dynamicASN are given.',
  'multihop-internal': 'ebgpMultiHop is set on a peer of the same AS.',
  'peer-target-missing': 'Neither peerAddress nor interface is given.',
  'peer-target-ambiguous': 'Both peerAddress and interface are given.',
  'duration-unparsable': 'The value is not a duration like 90s or 1m30s.',
  'hold-time-too-short': 'A hold time is 0 or at least 3 seconds (RFC 4271 section 4.2).',
  'keepalive-exceeds-hold-time': 'The keepalive interval is longer than the hold time.',
  'connect-time-invalid': 'The connect time is not a whole number of seconds from 1 to 65535.',
  'timers-off': 'Hold and keepalive time are both 0: the session never notices that the peer is gone.',
  'peer-address-unparsable': 'peerAddress is not an IP address.',
  'source-address-unparsable': 'sourceAddress is not an IP address.',
  'router-id-unparsable': 'routerID is not a dotted quad.',
  'password-ambiguous': 'Both password and passwordSecret are given.',
  'secret-missing': 'The Secret with the password does not exist yet.',
  'secret-type': 'The Secret with the password is not of type kubernetes.io/basic-auth.',
  'secret-without-password': 'The Secret has no entry named password.',
  'bfd-profile-missing': 'The BFD profile does not exist yet, or is not valid.',
  'bfd-echo-ipv6': 'BFD echo mode does not go with IPv6 routes.',
  'bfd-profile-in-use': 'A peer still uses the BFD profile.',
  'peer-repeated': 'An older peer is the same in every field.',
  'peer-remote-repeated': 'An older peer has the same address, port and VRF on a common node.',
  'router-ids-differ': 'Peers of one node show different router ids; FRR would refuse that, Invar does not.',
  'peer-annotation-invalid': 'An annotation invar.dev/… of a peer has a value that it cannot have.',
  'disable-mp-deprecated': 'disableMP has no effect any more.',
} as const

export type Rule = keyof typeof RULES
