export interface Times {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function timesOf(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}
