/** Why a Service has no address, or not the one that it had. */
import {
  type AddressRefusal,
  type AllocationFailure,
  addressSentence,
  type ClearCause,
  clearSentence,
  failureSentence,
  type PoolRefusal,
  poolSentence,
} from '../../core/allocate/index.ts'
import { type ExplainedKinds, reasonsWith, type Section } from './entry.ts'

type JoinRefusal = Extract<AddressRefusal, { readonly kind: 'held' }>['because']
type RequestFault = Extract<AllocationFailure, { readonly kind: 'request-malformed' }>['because']

const FAILURES: ExplainedKinds<AllocationFailure> = {
  'no-pools': {
    meaning: 'There is not one IPAddressPool in the namespace of Invar.',
    remedy: 'Create an IPAddressPool with addresses of your network. Pools in other namespaces are not read.',
    sample: { kind: 'no-pools' },
  },
  'no-cluster-ip': {
    meaning: 'The Service has no cluster IP, so nothing behind it could be reached.',
    remedy: 'Remove `clusterIP: None` from the Service, or wait if it has just been created.',
    sample: { kind: 'no-cluster-ip' },
  },
  'not-enough-cluster-ips': {
    meaning: 'The Service demands both families, and the cluster has given it a cluster IP of one.',
    remedy: 'Make the cluster dual stack, or set `spec.ipFamilyPolicy` to `PreferDualStack` or `SingleStack`.',
    sample: { kind: 'not-enough-cluster-ips' },
  },
  'cluster-families-unclear': {
    meaning: 'The cluster IPs are not one address, or one of each family.',
    remedy: 'Look at `spec.clusterIPs`: something other than the API server has written it. Create the Service anew.',
    sample: { kind: 'cluster-families-unclear', clusterIPs: ['10.96.0.1', '10.96.0.2'] },
  },
  'request-malformed': {
    meaning: 'What the Service asks for can be granted by no pool at all.',
    remedy: 'Correct the annotation or field that the message quotes. The codes of malformed requests are below.',
    sample: { kind: 'request-malformed', because: { kind: 'unparsable', text: '192.0.2.300' } },
  },
  'addresses-refused': {
    meaning: 'The requested addresses are well formed and cannot be given.',
    remedy: 'Read what stands behind the colon: each cause has its code under "Why a particular address is refused".',
    sample: {
      kind: 'addresses-refused',
      addresses: ['192.0.2.9'],
      because: { kind: 'outside-pools', address: '192.0.2.9' },
    },
  },
  'no-pool-has-room': {
    meaning: 'Every pool was considered, and each refuses for a reason of its own.',
    remedy: 'Read the message pool by pool, or run `invarctl explain`: it lists the pools in the order of their turn.',
    sample: {
      kind: 'no-pool-has-room',
      pools: [
        { pool: 'lan', refusal: { kind: 'full', families: [4], rests: false } },
        { pool: 'spare', refusal: { kind: 'auto-assign-off' } },
      ],
    },
  },
}

const POOLS: ExplainedKinds<PoolRefusal> = {
  'unknown-pool': {
    meaning: 'The Service names a pool that does not exist. No other pool takes its place.',
    remedy: 'Correct the annotation `metallb.io/address-pool`, or create the pool in the namespace of Invar.',
    sample: { kind: 'unknown-pool' },
  },
  suspended: {
    meaning: 'The pool has a problem. What it gave out stays, and nothing new is given until it is repaired.',
    remedy: 'Repair the pool as the rule in brackets says. Waiting Services are then served by themselves.',
    sample: {
      kind: 'suspended',
      because: 'IPAddressPool lan, spec.addresses[0]: "192.0.2.0/24" overlaps with "192.0.2.0/25" of pool old.',
    },
  },
  'auto-assign-off': {
    meaning: 'The pool has `autoAssign: false`, and the Service does not ask for it.',
    remedy:
      'Ask for the pool with the annotation `metallb.io/address-pool`, or for an address of it, or set `autoAssign: true`.',
    sample: { kind: 'auto-assign-off' },
  },
  'namespace-not-allowed': {
    meaning: 'The pool has `serviceAllocation` with namespaces or selectors that do not include the namespace.',
    remedy: 'Add the namespace to the pool, label the namespace, or use another pool.',
    sample: { kind: 'namespace-not-allowed', namespace: 'shop' },
  },
  'labels-not-selected': {
    meaning: 'The pool has `serviceSelectors`, and none of them matches the labels of the Service.',
    remedy: 'Label the Service, or change the selectors of the pool.',
    sample: { kind: 'labels-not-selected' },
  },
  'lacks-family': {
    meaning: 'The pool has no addresses of a family that the Service needs.',
    remedy: 'Add a range of that family to the pool. Both addresses of a dual-stack Service come from one pool.',
    sample: { kind: 'lacks-family', family: 6 },
  },
  full: {
    meaning: 'All addresses of the family are in use, are withheld, or still rest after another Service had them.',
    remedy: 'Enlarge the pool or delete Services; `invarctl pools` shows how full each one is.',
    sample: { kind: 'full', families: [4], rests: true },
  },
}

const ADDRESSES: ExplainedKinds<AddressRefusal> = {
  'outside-pools': {
    meaning: 'No pool contains the address.',
    remedy: 'Ask for an address of a pool, or add the address to one.',
    sample: { kind: 'outside-pools', address: '198.51.100.1' },
  },
  'several-pools': {
    meaning: 'The two addresses of a dual-stack Service lie in different pools.',
    remedy: 'Put both ranges into one pool, or ask for two addresses of one pool.',
    sample: { kind: 'several-pools', pools: ['four', 'six'] },
  },
  'not-in-requested-pool': {
    meaning: 'The Service names a pool and an address, and the address is of another pool.',
    remedy: 'Remove one of the two annotations.',
    sample: { kind: 'not-in-requested-pool', pool: 'lan', requestedPool: 'dmz' },
  },
  'pool-refuses': {
    meaning: 'A pool contains the address and may not give it to this Service.',
    remedy: 'See the code of the pool: its restrictions hold for requested addresses too, only `autoAssign` does not.',
    sample: { kind: 'pool-refuses', pool: 'team', because: { kind: 'namespace-not-allowed', namespace: 'shop' } },
  },
  held: {
    meaning: 'Another Service has the address, and the two may not share it.',
    remedy: 'See the codes under "Why two Services do not share an address", or ask for another address.',
    sample: { kind: 'held', address: '192.0.2.10', because: { kind: 'not-shared', holder: 'default/web' } },
  },
  resting: {
    meaning: 'The pool has `invar.dev/reuse-after`, and another Service had the address a short while ago.',
    remedy: 'Wait, ask for another address, or shorten the time in the annotation of the pool.',
    sample: { kind: 'resting', address: '192.0.2.10', untilMs: 0 },
  },
  quarantined: {
    meaning: 'Speakers have seen another station use the address, so nobody else is given it.',
    remedy: 'Take the address from that station, or out of the pool. The quarantine ends when the station is gone.',
    sample: { kind: 'quarantined', address: '192.0.2.10', because: 'station 02:00:00:00:00:99 answers for it' },
  },
}

const JOINS: ExplainedKinds<JoinRefusal> = {
  'not-shared': {
    meaning: 'One of the two Services has no sharing key.',
    remedy: 'Give both the annotation `metallb.io/allow-shared-ip` with the same value.',
    sample: { kind: 'not-shared', holder: 'default/web' },
  },
  'other-sharing-key': {
    meaning: 'Both have a sharing key, and the keys differ.',
    remedy: 'Give both the same value of `metallb.io/allow-shared-ip`.',
    sample: { kind: 'other-sharing-key', holder: 'default/web' },
  },
  'other-backend': {
    meaning:
      'With `externalTrafficPolicy: Local` only Services of one namespace with equal selectors share, and never with one of policy `Cluster`: the traffic would reach nodes without the right Pods.',
    remedy: 'Use `externalTrafficPolicy: Cluster` for both, or let both select the same Pods.',
    sample: { kind: 'other-backend', holder: 'default/web' },
  },
  'port-taken': {
    meaning: 'The address is shared, and its holder already has a port and protocol that this Service wants.',
    remedy: 'Change the port, or leave the Service an address of its own.',
    sample: { kind: 'port-taken', holder: 'default/web', port: 'TCP/80' },
  },
}

const FAULTS: ExplainedKinds<RequestFault> = {
  'requested-twice': {
    meaning: 'An address is requested in the annotation and in `spec.loadBalancerIP`.',
    remedy: 'Remove one; Kubernetes has deprecated the field.',
    sample: { kind: 'requested-twice', annotation: '192.0.2.10', field: '192.0.2.11' },
  },
  unparsable: {
    meaning: 'The request is not an IP address.',
    remedy: 'Write addresses, separated by a comma: no ranges, masks or names.',
    sample: { kind: 'unparsable', text: '192.0.2.0/24' },
  },
  'too-many': {
    meaning: 'More than two addresses are requested.',
    remedy: 'Ask for one address, or one of each family. Use more Services for more addresses.',
    sample: { kind: 'too-many', count: 3 },
  },
  'same-family-twice': {
    meaning: 'Two addresses of one family are requested.',
    remedy: 'Ask for one of each family.',
    sample: { kind: 'same-family-twice', addresses: ['192.0.2.10', '192.0.2.11'] },
  },
  'families-differ': {
    meaning: 'The families of the requested addresses are not those of the cluster IPs.',
    remedy: 'Ask for the families in `spec.ipFamilies`; a Service with two cluster IPs has to ask for both.',
    sample: { kind: 'families-differ', addresses: ['192.0.2.10'], families: [4, 6] },
  },
}

const CAUSES: ExplainedKinds<Exclude<ClearCause, AllocationFailure>> = {
  'not-allowed': {
    meaning: 'The configuration no longer allows the address: a pool was deleted, shrunk or restricted.',
    remedy: 'Nothing, if that was meant. `invarctl plan` shows before an edit which Services it would move.',
    sample: { kind: 'not-allowed', because: { kind: 'outside-pools', address: '192.0.2.10' } },
  },
  'other-pool-requested': {
    meaning: 'The annotation `metallb.io/address-pool` of the Service names another pool than before.',
    remedy: 'Nothing, if that was meant.',
    sample: { kind: 'other-pool-requested', pool: 'dmz' },
  },
  'other-addresses-requested': {
    meaning: 'The Service asks for other addresses than it has.',
    remedy: 'Nothing, if that was meant.',
    sample: { kind: 'other-addresses-requested', addresses: ['192.0.2.20'] },
  },
  'used-by-others': {
    meaning: 'The address is new, nobody asked for it, and another station on the network uses it: another is given.',
    remedy: 'Take the address from that station, or out of the pool.',
    sample: { kind: 'used-by-others', address: '192.0.2.10', because: 'station 02:00:00:00:00:99 answers for it' },
  },
  'other-families': {
    meaning: 'The families of the Service have changed.',
    remedy: 'Nothing, if that was meant. What is still valid stays.',
    sample: { kind: 'other-families', families: [6] },
  },
}

export const ALLOCATION: readonly Section[] = [
  {
    title: 'Why a Service has no address',
    where:
      'In the condition `invar.dev/AddressAllocated` of the Service, in the event `AllocationFailed`, and in the message of `invarctl explain`.',
    reasons: reasonsWith(FAILURES, failureSentence),
  },
  {
    title: 'Why a pool gives nothing',
    where: 'Behind the name of the pool in the same messages; in brackets in `invarctl explain`.',
    reasons: reasonsWith(POOLS, (refusal) => `pool "lan" ${poolSentence(refusal)}`),
  },
  {
    title: 'Why a particular address is refused',
    where: 'In the same messages, where the Service asks for addresses or has some that are judged anew.',
    reasons: reasonsWith(ADDRESSES, addressSentence),
  },
  {
    title: 'Why two Services do not share an address',
    where: 'In the same messages, behind the name of the Service that holds the address.',
    reasons: reasonsWith(JOINS, (because) => addressSentence({ kind: 'held', address: '192.0.2.10', because })),
  },
  {
    title: 'Requests that no pool can grant',
    where: 'In the event `AllocationFailed`, or `LoadBalancerFailed` where the Service keeps an address it has.',
    reasons: reasonsWith(FAULTS, (because) => failureSentence({ kind: 'request-malformed', because })),
  },
  {
    title: 'Why an address is taken away',
    where: 'In the event `ClearAssignment`, beside the codes above.',
    reasons: reasonsWith(CAUSES, clearSentence),
  },
]
