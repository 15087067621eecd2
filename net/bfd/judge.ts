import type { ControlPacket } from './packet.ts'
import type { BfdSession, DiscardReason } from './session.ts'

/** Why a packet is not for this session; undefined = it is. The checks of RFC 5880 section 6.8.6, in their order. */
export function whyDiscarded(
  session: BfdSession,
  packet: ControlPacket,
  receivedTtl: number,
): DiscardReason | undefined {
  // Before anything is believed: a packet from further away may be forged (RFC 5082).
  if (receivedTtl < session.options.minimumTtl) return 'ttl-too-low'
  if (packet.detectMultiplier === 0) return 'zero-detect-multiplier'
  if (packet.isMultipoint) return 'multipoint'
  if (packet.myDiscriminator === 0) return 'zero-my-discriminator'
  const { yourDiscriminator, state } = packet
  if (yourDiscriminator !== 0 && yourDiscriminator !== session.localDiscriminator) return 'not-our-discriminator'
  if (yourDiscriminator === 0 && state !== 'Down' && state !== 'AdminDown') return 'zero-your-discriminator'
  if (packet.authentication !== undefined) return 'authentication-not-configured'
  return undefined
}

/**
 * What to do with an echo packet (RFC 5880 section 6.4, RFC 5881 section 4): it is the peer's own, and goes back as it
 * came. Only while Up and where we have said that we take them, or we would be a reflector for strangers.
 */
export function judgeEcho(
  session: BfdSession,
  receivedTtl: number,
): 'return' | 'not-up' | 'not-offered' | 'ttl-too-low' {
  if (receivedTtl < session.options.minimumTtl) return 'ttl-too-low'
  if (session.options.requiredMinEchoRxMicroseconds === 0) return 'not-offered'
  return session.state === 'Up' ? 'return' : 'not-up'
}
