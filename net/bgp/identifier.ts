const POLYNOMIAL = 0xedb8_8320

/**
 * Router id of a node that has nothing better: the CRC-32 (IEEE) of its name, read little-endian. MetalLB does the same,
 * so that ids stay what they were when one takes over from the other.
 */
export function identifierOfNodeName(nodeName: string): number {
  let crc = 0xffff_ffff
  for (const octet of new TextEncoder().encode(nodeName)) {
    crc ^= octet
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL
  }
  const value = ~crc >>> 0
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
}
