/** The BGPPeers of this node, as the wire thread is to speak to them. */
import type { BfdProfile, BgpPeer, Snapshot } from '../core/config/index.ts'
import { matchesAny } from '../core/config/index.ts'
import type { DesiredBfd, DesiredPeer, PeerDistance } from './wire/messages.ts'

/** As MetalLB's own speaker; its FRR has 180. The lower one of the two sides counts. */
const HOLD_TIME_SECONDS = 90
/** How long peers keep the routes of a speaker that restarts gracefully. */
const RESTART_TIME_SECONDS = 120

/** By name. */
export function desiredPeers(snapshot: Snapshot, nodeLabels: Readonly<Record<string, string>>): readonly DesiredPeer[] {
  const here = [...snapshot.peers.values()].filter(({ nodeSelectors }) => matchesAny(nodeSelectors, nodeLabels))
  return here.map(desiredPeer)
}

function desiredPeer(peer: BgpPeer): DesiredPeer {
  const { name, target, port, localAsn, remote, routerId, password, sourceAddress } = peer
  return {
    ...{ name, target, port, localAsn, remote, routerId, password, sourceAddress },
    holdTimeSeconds: peer.holdTimeSeconds ?? HOLD_TIME_SECONDS,
    keepaliveTimeSeconds: peer.keepaliveTimeSeconds,
    connectTimeSeconds: peer.connectTimeSeconds,
    dualStack: peer.dualStack,
    distance: distanceOf(peer),
    device: peer.vrf === '' ? undefined : peer.vrf,
    restartTimeSeconds: peer.gracefulRestart ? RESTART_TIME_SECONDS : undefined,
    role: peer.role,
    mustHaveRole: peer.isRoleRequired,
    isPassive: peer.isPassive,
    bfd: peer.bfdProfile && desiredBfd(peer.bfdProfile),
  }
}

function distanceOf({ securityHops, multihop }: BgpPeer): PeerDistance {
  if (securityHops !== undefined) return { kind: 'hops', hops: securityHops }
  return { kind: multihop ? 'multihop' : 'direct' }
}

function desiredBfd(profile: BfdProfile): DesiredBfd {
  return {
    transmitIntervalMs: profile.transmitIntervalMs,
    receiveIntervalMs: profile.receiveIntervalMs,
    detectMultiplier: profile.detectMultiplier,
    echoIntervalMs: profile.echoMode ? profile.echoIntervalMs : undefined,
    isPassive: profile.passiveMode,
    minimumTtl: profile.minimumTtl,
  }
}
