/** RFC 4271 section 10: a random quarter off, so that peers do not march in step. */
export const RETRY_JITTER = 0.25
/** A session that lasted this long was a good one: the next trouble starts counting anew. */
export const STABLE_AFTER_MS = 60_000

const LONGEST_SECONDS = 30

/** How long to wait after so many failures in a row before this one: 0, 1, 2, 4, 8, 16, 30, 30, … seconds. */
export function backOffSeconds(failures: number): number {
  return failures === 0 ? 0 : Math.min(2 ** (failures - 1), LONGEST_SECONDS)
}
