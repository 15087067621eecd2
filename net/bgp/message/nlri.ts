/**
 * Lists of prefixes, as WITHDRAWN ROUTES, NLRI (RFC 4271 section 4.3) and the multiprotocol attributes (RFC 4760
 * section 5) have them: a length in bits, then as many octets as hold that many bits.
 */
import { DecodeError, Reader, Writer } from '../../bytes/index.ts'
import { addressFromBytes, type Family, type Prefix, prefixOf, widthOf } from '../../ip/index.ts'

/** Bits behind the length are ignored on receipt (RFC 4271 section 4.3: "the value of trailing bits is irrelevant"). */
export function decodePrefixes(bytes: Uint8Array, family: Family): Prefix[] {
  const reader = new Reader(bytes)
  const prefixes: Prefix[] = []
  const width = widthOf(family)
  while (reader.remaining > 0) {
    const length = reader.u8()
    if (length > width) throw new DecodeError('malformed', reader.offset - 1, `IPv${family} prefix of ${length} bits`)
    const octets = new Uint8Array(width / 8)
    octets.set(reader.take(Math.ceil(length / 8)))
    prefixes.push(prefixOf(addressFromBytes(octets), length))
  }
  return prefixes
}

/** Octet by octet, since this is done for every route and views of buffers are not cheap. */
export function encodePrefix(prefix: Prefix): Uint8Array {
  const octets = Math.ceil(prefix.length / 8)
  const encoded = new Uint8Array(1 + octets)
  encoded[0] = prefix.length
  let bits = prefix.bits >> BigInt(widthOf(prefix.family) - octets * 8)
  for (let at = octets; at > 0; at--) {
    encoded[at] = Number(bits & 0xffn)
    bits >>= 8n
  }
  return encoded
}

export function encodePrefixes(prefixes: readonly Prefix[]): Uint8Array {
  const writer = new Writer()
  for (const prefix of prefixes) writer.bytes(encodePrefix(prefix))
  return writer.finish()
}
