import { percentile, rounded } from './alloc-times.ts'

export interface Times {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function timesOf(values: readonly number[]): Times {
  return {
    p50Ms: rounded(percentile(values, 0.5)),
    p99Ms: rounded(percentile(values, 0.99)),
    maxMs: rounded(Math.max(...values)),
  }
}
