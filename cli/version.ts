/** What `invarctl version` prints. */
import { VERSION } from '../runtime/version.ts'
import type { Report } from './report.ts'

export interface VersionAnswer {
  readonly version: string
  /** Of Node. */
  readonly node: string
  readonly platform: string
}

export function versionReport(): Report {
  const value: VersionAnswer = {
    version: VERSION,
    node: process.version,
    platform: `${process.platform}/${process.arch}`,
  }
  return { value, text: () => `invarctl ${value.version} (Node ${value.node}, ${value.platform})\n`, exitCode: 0 }
}
