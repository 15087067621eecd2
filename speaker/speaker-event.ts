import type { EventToRaise } from '../operator/index.ts'

/** Reasons of the events that speakers raise; MetalLB's where it has one. docs/reasons.md explains each. */
export type SpeakerEventReason =
  /** On a Service: this node announces it. */
  | 'nodeAssigned'
  /** On a Service: there are candidates, and none has an interface to announce on. */
  | 'announceFailed'
  /** On a Service: nobody may announce it. */
  | 'notAnnounced'
  /** On a Service: another station uses its address. */
  | 'addressConflict'
  /** On a BGPPeer. */
  | 'sessionUp'
  | 'sessionDown'
  | 'peerNotice'
  /** On a BGPAdvertisement. */
  | 'localPreferenceConflict'
  /** On a Node: what the gateway probe finds. */
  | 'uplinkLost'
  | 'uplinkBack'

export interface SpeakerEvent extends EventToRaise {
  readonly reason: SpeakerEventReason
}
