/** Durations as Go writes and reads them, which is how Kubernetes writes them: `90s`, `1m30s`, `1.5h`. */

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  // Both the micro sign and the Greek letter, as in Go.
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

// Escaped: one character beyond ASCII in a bundled expression makes the engine keep all of the source two bytes wide.
const DURATION = /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/
const PART = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g
/** Go keeps durations in 63 bits of nanoseconds, some 292 years. */
const LONGEST_MS = 2 ** 63 / 1e6

/** Milliseconds, with fractions; undefined = not a duration. A number without a unit is one only if it is 0. */
export function parseDurationMs(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0
  if (!DURATION.test(text)) return undefined
  let nanoseconds = 0
  for (const [, amount, unit] of text.matchAll(PART)) nanoseconds += Number(amount) * NANOSECONDS[unit!]!
  const ms = (text.startsWith('-') ? -nanoseconds : nanoseconds) / 1e6
  return Math.abs(ms) < LONGEST_MS ? ms : undefined
}
