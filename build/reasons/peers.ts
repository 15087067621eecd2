/** BGP and BFD: states, and why a session is down. */
import { type DownReason, describeDown } from '../../net/bgp/session/index.ts'
import type { ObservedBfd, PeerState } from '../../speaker/wire/messages.ts'
import { type Explained, type ExplainedKinds, reasons, reasonsWith, type Section } from './entry.ts'

const STATES: Explained<PeerState> = {
  Idle: {
    meaning: 'Nothing is tried: a link without a neighbor to talk to, or a speaker that leaves.',
    remedy: 'With `interface` set, let the router send router advertisements on the link.',
  },
  Connect: { meaning: 'TCP is being connected.', remedy: 'Wait; see the reason if it stays.' },
  Active: {
    meaning: 'The last attempt failed, and the next one is waited for. The peer may connect meanwhile.',
    remedy: 'Read the reason beside it, and look it up below.',
  },
  OpenSent: {
    meaning: 'TCP stands, and the OPEN of the peer is waited for.',
    remedy: 'Wait; see the reason if it stays.',
  },
  OpenConfirm: { meaning: 'Both sides have said who they are.', remedy: 'Wait: it takes moments.' },
  Established: { meaning: 'The session is up.', remedy: 'Nothing.' },
}

const DOWN: ExplainedKinds<DownReason> = {
  stopped: {
    meaning: 'Our side ended it: the peer was deleted, the node no longer selected, or the speaker leaves.',
    remedy: 'Nothing, if that was meant.',
    sample: { kind: 'stopped', ending: { kind: 'cease', reason: 'peer-deconfigured' } },
  },
  reconfigured: {
    meaning: 'A field was changed that a running session depends on. It begins anew at once.',
    remedy: 'Nothing. Selectors, names and advertisements are changed without that.',
    sample: { kind: 'reconfigured', options: ['holdTimeSeconds'] },
  },
  disconnected: {
    meaning:
      'TCP could not be made, or broke. `ECONNREFUSED`: nothing listens there. `EHOSTUNREACH`, `ENETUNREACH`: no route, or no answer to ARP. `ECONNRESET`: the router closed it, often because it does not know this neighbor. `EADDRNOTAVAIL`: `sourceAddress` is not on this node.',
    remedy:
      'Look from the node whether the router is there; compare `peerAddress`, `peerPort` and `sourceAddress` with the configuration of the router.',
    sample: { kind: 'disconnected', because: 'ECONNREFUSED' },
  },
  'connect-timeout': {
    meaning: 'Nothing answered at all.',
    remedy:
      'Look for a firewall, for different MD5 passwords on both sides (the kernel drops such segments without a word), and for `ebgpMultiHop` where the router is further away.',
    sample: { kind: 'connect-timeout' },
  },
  'hold-timer-expired': {
    meaning: 'The peer was silent for the whole hold time.',
    remedy: 'Look at the network between the two, and at the load of the router.',
    sample: { kind: 'hold-timer-expired' },
  },
  'send-hold-timer-expired': {
    meaning: 'The peer has read nothing for eight minutes or twice the hold time (RFC 9687).',
    remedy: 'Look at the router: its BGP process hangs.',
    sample: { kind: 'send-hold-timer-expired' },
  },
  'notification-received': {
    meaning:
      'The router said why. `bad peer AS`: it expects another AS number. `administrative shutdown`: it was told to.',
    remedy:
      'Compare `myASN` (or `localASN`) with what the router has for this neighbor, then read the log of the router.',
    sample: {
      kind: 'notification-received',
      notification: { code: 2, subcode: 2, data: new Uint8Array() },
    },
  },
  'notification-sent': {
    meaning: 'We refused what the router said. `bad peer AS`: it has another AS number than the BGPPeer says.',
    remedy: 'Compare `peerASN` or `dynamicASN` with the router; `role mismatch` is about `invar.dev/role`.',
    sample: {
      kind: 'notification-sent',
      notification: { code: 2, subcode: 2, data: new Uint8Array() },
    },
  },
  'replaced-by-new-connection': {
    meaning: 'The router lost the session, and we had not noticed yet.',
    remedy: 'Nothing, or use BFD: then both sides notice.',
    sample: { kind: 'replaced-by-new-connection' },
  },
  'bfd-down': {
    meaning: 'BFD found that the path is dead.',
    remedy: 'See "State of a BFD session".',
    sample: { kind: 'bfd-down' },
  },
}

const BFD: Explained<ObservedBfd['state']> = {
  AdminDown: { meaning: 'One side was told to stop. BGP is not affected.', remedy: 'Nothing, if that was meant.' },
  Down: {
    meaning:
      'Nothing is heard, or the peer does not hear us. While it has never been Up, the BGP session may be up all the same.',
    remedy:
      'Switch BFD on at the router; let UDP 3784 (4784 over several hops) through; where packets come from too far away, set `minimumTtl` as the reason says.',
  },
  Init: { meaning: 'The peer is heard, and does not hear us yet.', remedy: 'Wait; if it stays, look at the firewall.' },
  Up: { meaning: 'Both hear each other.', remedy: 'Nothing.' },
}

export const PEERS: readonly Section[] = [
  {
    title: 'State of a BGP session',
    where: 'In `invarctl peers`. The states are those of RFC 4271.',
    reasons: reasons(STATES),
  },
  {
    title: 'Why a BGP session is down',
    where: 'In `invarctl peers`, in the event `sessionDown` of the BGPPeer, and in the log of the speaker.',
    reasons: reasonsWith(DOWN, describeDown),
  },
  { title: 'State of a BFD session', where: 'In `invarctl peers -o wide`.', reasons: reasons(BFD) },
]
