/** Times, as the benches of allocation measure and print them. */

/** @returns milliseconds that it took */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/** @param share 0.5 is the median */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** As many decimals as mean something. */
export function rounded(value: number, decimals = 2): number {
  return Number(value.toFixed(decimals))
}
