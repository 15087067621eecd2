import type { Report } from './report.ts'

/** That of package.json, which is not there beside the program in the image; version.test.ts compares the two. */
export const VERSION = '0.1.0'

export function versionReport(): Report {
  const value = { version: VERSION, node: process.version, platform: `${process.platform}/${process.arch}` }
  return { value, text: () => `invarctl ${value.version} (Node ${value.node}, ${value.platform})\n`, exitCode: 0 }
}
