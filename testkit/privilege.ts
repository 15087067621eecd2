import type { TestContext } from 'node:test'

/**
 * True when the test may go on. Without root the test is skipped by name; where `CI=true` a skip would hide that
 * nothing was tested, so there it is a failure. Use: `if (!requireRoot(t)) return`.
 */
export function requireRoot(t: TestContext): boolean {
  return require(t, process.getuid?.() === 0, 'needs root: network namespaces and packet sockets')
}

/** As requireRoot, for anything else that a machine may lack; `because` names it and how to get it. */
export function require(t: TestContext, present: boolean, because: string): boolean {
  if (present) return true
  if (process.env.CI === 'true') throw new Error(`${t.name}: ${because} (with CI=true a skip is a failure)`)
  t.skip(because)
  return false
}
