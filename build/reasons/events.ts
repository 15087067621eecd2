/** Events, and the reasons of conditions. */
import type { EventReason } from '../../core/allocate/index.ts'
import type { AddressConditionReason, AddressConflict, ConfigurationReason } from '../../core/status/index.ts'
import type { SpeakerEventReason } from '../../speaker/speaker-event.ts'
import { type Explained, reasons, type Section } from './entry.ts'

const CONTROLLER: Explained<EventReason> = {
  IPAllocated: {
    meaning: 'The Service was given an address, or another one beside the one it has.',
    remedy: 'Nothing.',
  },
  ClearAssignment: {
    meaning: 'An address was taken back, because the configuration or the Service no longer allows it.',
    remedy: 'See "Why an address is taken away".',
  },
  AdditionalAssignFailed: {
    meaning: 'A Service that would like both families has one, and its pool cannot give the other.',
    remedy: 'Add a range of the other family to the pool that it has its address from.',
  },
  AllocationFailed: {
    meaning: 'No address could be given.',
    remedy: 'See "Why a Service has no address". It is tried again by itself as soon as something changes.',
  },
  LoadBalancerFailed: {
    meaning: 'What the Service asks for cannot be understood. It keeps the address that it has.',
    remedy: 'See "Requests that no pool can grant".',
  },
  'not enough clusterips': {
    meaning: 'The Service demands both families and has a cluster IP of one.',
    remedy: 'See `not-enough-cluster-ips`.',
  },
  nolbIPsIPFamily: {
    meaning: 'The status showed addresses that are not one a family. They are replaced.',
    remedy: 'Look who else writes the status of Services.',
  },
  noclusterIPsIPFamily: {
    meaning: 'The cluster IPs are not one a family. The Service keeps what it has.',
    remedy: 'See `cluster-families-unclear`.',
  },
  deprecatedAnnotation: {
    meaning: 'An annotation with the prefix `metallb.universe.tf` is in use. It works.',
    remedy: 'Use the prefix `metallb.io`.',
  },
  AddressConflict: {
    meaning: 'Another station uses the address, as a speaker reports. The Service keeps it.',
    remedy: 'Take the address from that station, or out of the pool.',
  },
  CleanupOverdue: {
    meaning: 'A deleted Service was let go after half a minute, although a speaker had not said that it is silent.',
    remedy: 'Look at the speaker that is named: it is down, or does not reach the API server.',
  },
}

const SPEAKER: Explained<SpeakerEventReason> = {
  nodeAssigned: { meaning: 'The node announces the Service now, with the protocol that is named.', remedy: 'Nothing.' },
  announceFailed: {
    meaning: 'There are nodes that may announce the Service, and none has an interface to do it on.',
    remedy: 'See `noUsableInterface`.',
  },
  notAnnounced: {
    meaning: 'The Service has had an address for five seconds, and nobody may announce it.',
    remedy: 'Look up the code in brackets under "Why nobody announces a Service".',
  },
  addressConflict: {
    meaning: 'Another station, whose MAC is named, was seen with the address.',
    remedy: 'Take the address from that station, or out of the pool.',
  },
  sessionUp: { meaning: 'On a BGPPeer: the session of a node is established.', remedy: 'Nothing.' },
  sessionDown: {
    meaning: 'On a BGPPeer: the session of a node ended, or cannot be made.',
    remedy: 'See "Why a BGP session is down".',
  },
  peerNotice: {
    meaning: 'On a BGPPeer: it works, or may, and something should be mended.',
    remedy: 'Do what the message says: `ebgpMultiHop: true`, for a peer of another AS on a network that is not ours.',
  },
  localPreferenceConflict: {
    meaning:
      'On a BGPAdvertisement: Services of one aggregate come with different local preferences. The higher one is announced.',
    remedy: 'Make `localPref` of the two advertisements equal.',
  },
  uplinkLost: {
    meaning: 'On a Node: the gateway no longer answers by an interface that is up. Addresses move to other nodes.',
    remedy: 'Look at the switch and the router. Only with `speaker.gatewayProbe`.',
  },
  uplinkBack: { meaning: 'On a Node: the gateway answers again.', remedy: 'Nothing.' },
}

const ADDRESS: Explained<AddressConditionReason> = {
  IPAllocated: { meaning: 'True: the Service has all that it asks for.', remedy: 'Nothing.' },
  AllocationFailed: { meaning: 'False: the Service has no address.', remedy: 'Read the message.' },
  AdditionalAssignFailed: { meaning: 'True, and one family is missing.', remedy: 'Read the message.' },
  AddressConflict: { meaning: 'True, and somebody else uses the address.', remedy: 'As for the event.' },
  RequestIgnored: {
    meaning: 'True: it keeps what it has, because what it asks for cannot be understood.',
    remedy: 'See "Requests that no pool can grant".',
  },
}

const CONFIGURATION: Explained<ConfigurationReason> = {
  Reconciled: { meaning: 'True: everything is in force.', remedy: 'Nothing.' },
  ConfigurationError: {
    meaning: 'False: the objects that the message names are not in force, or only in their last good form.',
    remedy:
      'Correct the field that is named; `invarctl lint` finds the same before you apply. All others are in force.',
  },
  UnknownError: {
    meaning: 'Unknown: the configuration could not be read.',
    remedy: 'Look at the log of the program: rights, or the API server.',
  },
}

const CONFLICT: Explained<AddressConflict['reason']> = {
  AddressInUse: {
    meaning: 'Found by asking before the first announcement, which was left undone.',
    remedy: 'Take the address from that station, or out of the pool. It is asked again at growing gaps.',
  },
  ForeignClaim: {
    meaning: 'The address is announced, and another station answers for it as well.',
    remedy: 'Find the station by its MAC: a second load balancer, a DHCP lease, a fixed address.',
  },
}

export const EVENTS: readonly Section[] = [
  {
    title: 'Events of the controller',
    where: 'On Services, from `metallb-controller`: `kubectl describe service NAME`.',
    reasons: reasons(CONTROLLER),
  },
  {
    title: 'Events of the speakers',
    where: 'From `metallb-speaker`, on Services where nothing else is said.',
    reasons: reasons(SPEAKER),
  },
  {
    title: 'Condition of a Service',
    where: 'Reason of `invar.dev/AddressAllocated` in `status.conditions` of the Service.',
    reasons: reasons(ADDRESS),
  },
  {
    title: 'Condition of a ConfigurationState',
    where:
      'Reason of `poolReconcilerValid` (controller) and `configReconcilerValid` (speakers): `kubectl get configurationstates -n metallb-system`.',
    reasons: reasons(CONFIGURATION),
  },
  {
    title: 'Condition of a ServiceL2Status',
    where: 'Reason of `AddressConflict`, which is there as long as there is a conflict.',
    reasons: reasons(CONFLICT),
  },
]
