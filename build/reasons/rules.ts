/** What to do about each problem that an object of the configuration, or a Service in a file, can have. */
import { LINT_RULES, type LintRule } from '../../cli/lint-rules.ts'
import { RULES, type Rule } from '../../core/config/index.ts'
import type { Reason, Section } from './entry.ts'

const REMEDIES: Readonly<Record<Rule, string>> = {
  'api-version-unknown':
    'Use the version that the message names: `metallb.io/v1beta1`, for a BGPPeer `metallb.io/v1beta2`.',
  'field-unknown': 'Correct the spelling or the indentation; the message names the field.',
  'field-missing': 'Add the field.',
  'field-type': 'Write the value as the type that is named: lists with `-`, numbers without quotes.',
  'field-value': 'Use a value within the bounds that the message names.',
  'wrong-namespace': 'Create the object in the namespace in which Invar is installed.',
  'object-repeated': 'Remove one of the two, or rename it.',

  'selector-key-invalid': 'Correct the key: an optional DNS name and `/`, then letters, digits, `-`, `_`, `.`.',
  'selector-value-invalid': 'Correct the value: letters, digits, `-`, `_`, `.`, 63 at most.',
  'selector-operator-unknown': 'Use `In`, `NotIn`, `Exists` or `DoesNotExist`.',
  'selector-values-missing': 'Add `values`, or use `Exists`.',
  'selector-values-superfluous': 'Remove `values`, or use `In`.',
  'selector-values-repeated': 'Remove the repeated value.',
  'selector-repeated': 'Remove the repeated selector.',
  'name-repeated': 'Remove the repeated entry.',

  'addresses-missing': 'Add at least one range to `spec.addresses`.',
  'address-unparsable': 'Write `192.0.2.0/24` or `192.0.2.10-192.0.2.20`.',
  'address-without-mask': 'Write `192.0.2.1/32` (IPv6: `/128`) for a single address.',
  'range-reversed': 'Write the lower address first.',
  'range-mixed-families': 'Write one range a family.',
  'addresses-overlap': 'Remove or shorten one of the two entries.',
  'pools-overlap': 'Shorten one of the two pools. Until then the younger one gives nothing, and keeps what it gave.',
  'reuse-after-unparsable': 'Write a duration, as `10m` or `1h30m`.',
  'network-or-broadcast-address':
    'Nothing where all clients can reach it; otherwise leave the address out, or set `avoidBuggyIPs: true`.',
  'pool-overlaps-node': 'Take the address of the node out of the pool, or two stations will answer for it.',

  'aggregation-with-service-selectors':
    'Leave `aggregationLength` at 32 and `aggregationLengthV6` at 128, or drop `serviceSelectors`.',
  'aggregation-exceeds-pool':
    'Raise the aggregation length to that of the pool entry at least, or leave the pool out of the advertisement.',
  'community-invalid': 'Write `64500:100` or `large:64500:1:2`, each number within its bounds.',
  'community-unknown': 'Create the Community that gives the name a value, or correct the name.',
  'community-repeated': 'Rename one of the two: names are common to all Community objects.',
  'local-preference-conflict': 'Make `localPref` equal, or let `peers`, `nodeSelectors` or the pools be disjoint.',

  'asn-missing': 'Set `spec.myASN` to the AS number of the cluster.',
  'peer-asn-missing': 'Set `spec.peerASN`, or `spec.dynamicASN` to `internal` or `external`.',
  'peer-asn-ambiguous': 'Remove `peerASN` or `dynamicASN`.',
  'multihop-internal': 'Remove `ebgpMultiHop`: internal peers may be any number of hops away.',
  'peer-target-missing': 'Set `spec.peerAddress`, or `spec.interface` for an unnumbered peer.',
  'peer-target-ambiguous': 'Remove `peerAddress` or `interface`.',
  'duration-unparsable': 'Write a duration, as `90s` or `1m30s`.',
  'hold-time-too-short': 'Set `holdTime` to `0s` or at least `3s`. To notice a dead peer sooner use BFD.',
  'keepalive-exceeds-hold-time': 'Lower `keepaliveTime`, to a third of `holdTime` usually.',
  'connect-time-invalid': 'Set `connectTime` to whole seconds from `1s` to `65535s`.',
  'timers-off':
    'Remove `holdTime: 0s` and `keepaliveTime: 0s`. MetalLB writes them where a peer was created as v1beta1 without timers.',
  'peer-address-unparsable': 'Write an IP address; names are not looked up.',
  'source-address-unparsable': 'Write an IP address of the node.',
  'router-id-unparsable': 'Write four numbers with dots, as `192.0.2.1`.',
  'password-ambiguous': 'Keep `passwordSecret`, and remove `password`.',
  'secret-missing': 'Create the Secret in the namespace of Invar. The peer begins by itself then.',
  'secret-type': 'Create the Secret anew with type `kubernetes.io/basic-auth`.',
  'secret-without-password': 'Add the entry `password` to the Secret.',
  'bfd-profile-missing': 'Create the BFDProfile, or mend it. The peer begins by itself then.',
  'bfd-echo-ipv6': 'Set `echoMode: false` in the BFDProfile, or keep IPv6 pools from that peer.',
  'bfd-profile-in-use': 'Remove `bfdProfile` from the peers that are named, then delete the profile.',
  'peer-repeated': 'Remove one of the two peers.',
  'peer-remote-repeated': 'Let the peers select different nodes, or differ in `peerPort` or `vrf`.',
  'router-ids-differ': 'Nothing, unless you mean to go back to MetalLB with FRR: there they have to be equal.',
  'peer-annotation-invalid': 'Use a value that the message lists.',
  'disable-mp-deprecated': 'Remove `disableMP`.',
}

const LINT_REMEDIES: Readonly<Record<LintRule, string>> = {
  'kind-unknown':
    'Correct the kind. `AddressPool` of old MetalLB versions is `IPAddressPool` and an advertisement today.',
  'annotation-unknown': 'Correct the spelling; the message names those that are close.',
  'annotation-deprecated': 'Replace the prefix `metallb.universe.tf` by `metallb.io`.',
  'request-malformed': 'Correct the annotation or `spec.loadBalancerIP`, as under "Requests that no pool can grant".',
  'request-refused':
    'Ask for an address or a pool that is there, or add it to the files. The code of the cause is in the message.',
}

function withRemedies<Code extends string>(
  meanings: Readonly<Record<Code, string>>,
  remedies: Readonly<Record<Code, string>>,
): readonly Reason[] {
  const codes = Object.keys(meanings) as Code[]
  return codes.map((code) => ({ code, meaning: meanings[code], remedy: remedies[code] }))
}

export const RULE_SECTIONS: readonly Section[] = [
  {
    title: 'Rules for the configuration',
    where:
      'In brackets at the end of a line of `invarctl lint`; as `details.causes[].reason` where `kubectl apply` is refused. ConfigurationState and the log have the same sentences. An object that breaks a rule is in force in no part; one with a notice is.',
    reasons: withRemedies(RULES, REMEDIES),
  },
  {
    title: 'Rules for files',
    where: 'Said by `invarctl lint` alone.',
    reasons: withRemedies(LINT_RULES, LINT_REMEDIES),
  },
]
