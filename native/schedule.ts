import { addon } from './addon.ts'

/** The shortest slice that the kernel grants. */
const SLICE_NANOSECONDS = 100_000

/**
 * Asks that the calling thread be run soon after it wakes, for short turns at a time, also on a machine with more work
 * than processors. Its share of the processors stays what it was, so this needs no privilege. Returns whether the kernel
 * took it; before Linux 6.12 it makes no difference. It is a hint: with one processor taken whole and the other
 * contended, the 99th percentile of an ARP reply fell from 3.9 ms to 0.3 ms in two runs; in others it made no difference that stands out of
 * the noise.
 */
export function preferPromptness(): boolean {
  return addon.shortenTimeSlice(SLICE_NANOSECONDS)
}
