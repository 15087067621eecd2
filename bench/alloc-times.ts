/** Times, as the benches of allocation measure and print them. */
import { readFileSync } from 'node:fs'

const MS_PER_CLOCK_TICK = 10

/** User and system time of a process in milliseconds: fields 14 and 15 of proc_pid_stat(5). */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_CLOCK_TICK
}

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
