/** What `invarctl version` prints. The bundler puts the named field of package.json into the program. */
import packageFile from '../package.json' with { type: 'json' }
import type { Report } from './report.ts'

export const VERSION = packageFile.version

export function versionReport(): Report {
  const value = { version: VERSION, node: process.version, platform: `${process.platform}/${process.arch}` }
  return { value, text: () => `invarctl ${value.version} (Node ${value.node}, ${value.platform})\n`, exitCode: 0 }
}
