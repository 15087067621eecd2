/**
 * Internet checksum over the parts as if they lay behind each other (RFC 1071 section 1). Every part but the last must
 * have an even length, as pseudo headers do. Over a message that carries its own correct checksum the result is 0.
 */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) sum += sumOfWords(part)
  // Carries are folded in once at the end (RFC 1071 section 2, deferred carries).
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000)
  return ~sum & 0xffff
}

function sumOfWords(part: Uint8Array): number {
  let sum = 0
  const even = part.length & ~1
  for (let at = 0; at < even; at += 2) sum += (part[at]! << 8) | part[at + 1]!
  // An odd last byte is the high half of a word padded with zero (RFC 1071 section 4.1).
  if (even < part.length) sum += part[even]! << 8
  return sum
}
