import { type Family, type Range, rangeSize, rangeToPrefixes } from '../../net/ip/index.ts'
import type { Pool } from '../config/snapshot.ts'

/** Counters are int64 in the API; what is more stands as this. */
export const MOST_COUNTED = 2n ** 63n - 1n

/** From so many host bits on, a CIDR counts as `MOST_COUNTED`, like in MetalLB. */
const UNCOUNTED_HOST_BITS = 62

/** How many addresses of the family the pool can give out, saturating at 2^63 - 1. */
export function capacityOf(pool: Pool, family: Family): bigint {
  let total = 0n
  for (const { range } of pool.entries) {
    if (range.family === family) total += pool.avoidBuggyIPs ? sizeWithoutBuggy(range) : sizeOf(range)
  }
  return saturated(total)
}

/** No more than the counters hold. */
export function saturated(count: bigint): bigint {
  return count < MOST_COUNTED ? count : MOST_COUNTED
}

function sizeOf(range: Range): bigint {
  const size = rangeSize(range)
  if (size < 2n ** BigInt(UNCOUNTED_HOST_BITS)) return size
  const width = range.family === 4 ? 32 : 128
  const isUncounted = rangeToPrefixes(range).some((prefix) => width - prefix.length >= UNCOUNTED_HOST_BITS)
  return isUncounted ? MOST_COUNTED : size
}

/** Without the IPv4 addresses that end in .0 or .255. */
function sizeWithoutBuggy(range: Range): bigint {
  if (range.family === 6) return sizeOf(range)
  const upTo = (last: bigint) => countEndingIn(0n, last) + countEndingIn(255n, last)
  return rangeSize(range) - (upTo(range.last) - upTo(range.first - 1n))
}

/** How many of the addresses 0 to `last` have this last byte. */
function countEndingIn(lastByte: bigint, last: bigint): bigint {
  return last < lastByte ? 0n : (last - lastByte) / 256n + 1n
}
