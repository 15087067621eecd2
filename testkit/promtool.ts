/** Prometheus' own judge of rules: where `build/packages.ts` unpacks it. */
import { findProgram, packagesFolder } from './packages.ts'

/** The Debian package that has promtool; the rest of it is not run. */
export const PROMTOOL_PACKAGES = ['prometheus'] as const

/** Full path; undefined where it is neither unpacked nor installed. */
export function promtoolPath(): string | undefined {
  return findProgram(packagesFolder(PROMTOOL_PACKAGES), 'promtool')
}

/** As promtoolPath, but throws, with the remedy, where it is not there. */
export function requirePromtool(): string {
  const path = promtoolPath()
  if (path === undefined) throw new Error('promtool is not there: run `node build/packages.ts` as root')
  return path
}
