/** Why a Service that has an address is not announced, or not from a node. */

import type { SilentService } from '../../cli/silent-services.ts'
import type { PageReason } from '../../controller/page/service-row.ts'
import {
  type LastReason,
  lastReasonSentence,
  NODE_REASONS,
  type NodeReason,
  nodeReasonSentence,
  type SilenceReason,
} from '../../core/announce/index.ts'
import type { ObservedRoute, OwnershipReason } from '../../speaker/wire/messages.ts'
import { type Entry, type Explained, type Reason, reasons, type Section } from './entry.ts'

const NODES: Explained<NodeReason> = {
  noMatchingAdvertisement: {
    meaning: 'No advertisement of the pool matches both the Service and the node.',
    remedy:
      'Look at `nodeSelectors` and `serviceSelectors` of the L2Advertisements and BGPAdvertisements that name the pool.',
  },
  nodeNetworkUnavailable: {
    meaning: "The node's network plugin says that the network of the node does not work.",
    remedy: 'Look at the conditions of the node (`kubectl describe node`) and at the logs of the network plugin.',
  },
  nodeLabeledExcludeBalancers: {
    meaning: 'The node has the label that keeps load balancers off it. Installers put it on control-plane nodes.',
    remedy:
      'Remove the label with `kubectl label node NODE node.kubernetes.io/exclude-from-external-load-balancers-`, or install with `speaker.ignoreExcludeLB=true`.',
  },
  noLocalEndpoints: {
    meaning: 'The Service has `externalTrafficPolicy: Local`, and no Pod on the node can serve.',
    remedy:
      'Run a Pod there (more replicas, a DaemonSet), mend its readiness, or use `externalTrafficPolicy: Cluster`.',
  },
  noUsableInterface: {
    meaning: 'The advertisement names interfaces, and the node has none of them in working order.',
    remedy:
      'Correct `spec.interfaces` (exact names, no patterns), or bring the interface up. It has to be up, no member of a bond or bridge, and not excluded by `excludel2.yaml`.',
  },
}

/** `invarctl status` and the web page know more than a single speaker. */
type ServiceSilence = Exclude<SilenceReason | SilentService['reason'] | PageReason, NodeReason>

const SERVICES: Explained<ServiceSilence> = {
  notLoadBalancer: {
    meaning: 'The Service is not of type LoadBalancer.',
    remedy: 'Nothing, or set `spec.type: LoadBalancer`.',
  },
  otherLoadBalancerClass: {
    meaning: 'The Service has a `loadBalancerClass` that this installation does not serve.',
    remedy: 'Remove the class (create the Service anew), or install with `loadBalancerClass` set to it.',
  },
  beingDeleted: {
    meaning: 'The Service has been deleted, and a finalizer holds it back.',
    remedy: 'Nothing. If it does not go, look at `metadata.finalizers` and at who owns the one that is left.',
  },
  noIPAllocated: {
    meaning: 'The Service has no address yet.',
    remedy: 'Ask why with `invarctl explain svc/NAME`, and look the code up under "Why a Service has no address".',
  },
  invalidIP: {
    meaning: 'The status shows a host name, or a text that is no address: another program has written it.',
    remedy: 'Find the other load balancer (a cloud provider, K3s ServiceLB, MetalLB) and stop one of the two.',
  },
  ipNotAllowed: {
    meaning: 'No one pool contains all the addresses that the status shows.',
    remedy:
      'Wait for the controller to move the Service. If nothing happens, look whether it runs, and at the events of the Service.',
  },
  noEndpoints: {
    meaning: 'No Pod of the Service is ready, on any node.',
    remedy: 'Look at the Pods, and at whether `spec.selector` matches their labels: `kubectl get endpointslices`.',
  },
  sharedIPWithServiceSelector: {
    meaning:
      'The Service has `allow-shared-ip`, and its L2Advertisement has `serviceSelectors`: the Services of one address could be sent to different nodes.',
    remedy: 'Remove the annotation, or the selectors.',
  },
  conflictingAdvertisements: {
    meaning: 'Two BGPAdvertisements match the Service and give the same route different local preferences.',
    remedy: 'Make `localPref` equal, or let their `peers`, `nodeSelectors` or `serviceSelectors` be disjoint.',
  },
  notOwner: {
    meaning:
      'No BGPAdvertisement of the pool selects the node; with layer 2, no node runs a speaker that could announce.',
    remedy: 'Look at `nodeSelectors`, and at whether the speakers run: `kubectl get pods -n metallb-system -o wide`.',
  },
  unreported: {
    meaning: 'A node is to answer, and none reports that it does.',
    remedy:
      'Wait a moment after a change. If it stays, look at the speaker of the node that is named: its log, its `/readyz`.',
  },
  noPeer: {
    meaning: 'A BGPAdvertisement reaches the Service, and no BGPPeer of the node is to have its routes.',
    remedy: 'Create a BGPPeer, or look at its `nodeSelectors` and at `peers` of the BGPAdvertisement.',
  },
  undecided: {
    meaning: 'The controller has not looked at the Service yet: on the web page, where nobody leads, or for a moment.',
    remedy: 'Wait a moment. If it stays, look whether a controller leads: `invarctl status`.',
  },
  endpointsUnknown: {
    meaning:
      'Nobody announces the Service, and the web page cannot say why: the controller may not read EndpointSlices.',
    remedy: 'Give it the rights of the chart with `controller.page.enabled=true`, or ask `invarctl explain svc/NAME`.',
  },
}

const LAST: Explained<LastReason> = {
  nodeCordoned: {
    meaning:
      'The node is cordoned or tainted to be emptied. It answers only where no other node can, and its addresses are handed over.',
    remedy: 'Nothing during maintenance; `kubectl uncordon` afterwards. `speaker.ignoreCordon=true` disregards it.',
  },
  nodeNotReady: {
    meaning: 'The node is not Ready and the speakers run with `--heed-node-ready`.',
    remedy: 'Look at the node. Without the flag heartbeats alone decide, which is faster.',
  },
}

const OWNERSHIP: Explained<OwnershipReason['kind']> = {
  elected: { meaning: 'This node answers.', remedy: 'Nothing.' },
  'lost-election': { meaning: 'Another node, which is named, answers.', remedy: 'Nothing.' },
  'not-a-candidate': {
    meaning: 'The node is not in the list of those that may answer.',
    remedy: 'Nothing, or see the codes of nodes above: `invarctl owners ADDRESS` says which one holds.',
  },
  'no-usable-interface': {
    meaning: 'The node won, and has no interface to answer on.',
    remedy: 'See `noUsableInterface`.',
  },
  'waiting-for-members': {
    meaning: 'The speaker has just started, and listens who else is there before it answers for anything.',
    remedy:
      'Nothing: it takes a few heartbeats. If it stays, the Secret with the membership key is missing; `/readyz` of the speaker says so.',
  },
  probing: {
    meaning: 'The address is new, and the network is being asked whether somebody has it.',
    remedy: 'Nothing: it takes under a second.',
  },
  'address-in-use': {
    meaning: 'A station that is no speaker has the address. It is not announced, and asked for again at growing gaps.',
    remedy: 'Take the address from that station, whose MAC is in the event, or out of the pool.',
  },
  'handing-over': {
    meaning: 'Another node is about to answer; this one goes on until it hears that one announce.',
    remedy: 'Nothing: it takes moments, ten seconds at most.',
  },
  leaving: { meaning: 'The speaker is about to stop.', remedy: 'Nothing.' },
}

const ROUTES: Explained<ObservedRoute['state']> = {
  announced: { meaning: 'The peer has the route.', remedy: 'Nothing.' },
  pending: {
    meaning: 'The peer is to be told; it reads slowly, or the session has just begun.',
    remedy: 'Wait. If it stays, look at the load of the router.',
  },
  withdrawing: { meaning: 'The peer is to be told that the route is gone.', remedy: 'As for `pending`.' },
  'not-carried': {
    meaning:
      'The session cannot carry the route: the family was not negotiated (`family-not-negotiated`), or there is no address of it to lead to (`no-next-hop`).',
    remedy:
      'Set `dualStackAddressFamily: true` and switch the family on at the router, use a second peer over the other family, or give the interface towards the router an address of it.',
  },
}

function sentences<Code extends string>(explained: Explained<Code>, say: (code: Code) => string): readonly Reason[] {
  return Object.entries<Entry>(explained).map(([code, entry]) => ({ code, ...entry, says: say(code as Code) }))
}

/** Nodes in the order in which they are checked. */
const NODES_IN_ORDER = Object.fromEntries(NODE_REASONS.map((code) => [code, NODES[code]])) as Explained<NodeReason>

export const ANNOUNCEMENT: readonly Section[] = [
  {
    title: 'Why a node may not announce a Service',
    where:
      'In `invarctl explain` and `invarctl owners`, a node each; and in the event `notAnnounced`, where no node may announce it. In the order of the checks.',
    reasons: sentences(NODES_IN_ORDER, (code) => nodeReasonSentence('node-a', code)),
  },
  {
    title: 'Why nobody announces a Service',
    where:
      'In `invarctl explain` and `invarctl status`, on the web page, and in the event `notAnnounced` of the Service.',
    reasons: reasons(SERVICES),
  },
  {
    title: 'Why a node comes last',
    where: 'In `invarctl owners`: the node may answer, and does so only where no other can.',
    reasons: sentences(LAST, (code) => lastReasonSentence('node-a', code)),
  },
  {
    title: 'Why a node answers, or does not',
    where: 'In the log of each speaker, as `reason.kind` of the lines `ownership`.',
    reasons: reasons(OWNERSHIP),
  },
  {
    title: 'State of a route',
    where: 'In `invarctl routes`.',
    reasons: reasons(ROUTES),
  },
]
