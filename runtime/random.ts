/** A source of numbers in [0, 1). Jitter and identities take one, so that a test can repeat them. */
export type Random = () => number

export const systemRandom: Random = () => Math.random()

/** `base` spread evenly over base × [1 - share, 1 + share]: keeps many clients from acting in step. */
export function jitter(base: number, share: number, random: Random): number {
  return base * (1 - share + 2 * share * random())
}
