import { DEFAULT_REQUEST_OPTIONS } from '../core/allocate/index.ts'
import { lint } from './lint.ts'
import { lintReport } from './lint-report.ts'
import { readManifests } from './manifest-files.ts'
import type { Report } from './report.ts'

export interface LintFlags {
  readonly installNamespace?: string | undefined
  readonly lbClass?: string | undefined
}

/** @throws CannotRun */
export function runLint(names: readonly string[], { installNamespace, lbClass = '' }: LintFlags): Report {
  const { objects, files } = readManifests(names)
  const request = { ...DEFAULT_REQUEST_OPTIONS, loadBalancerClass: lbClass }
  return lintReport(lint({ objects, namespace: installNamespace, request }), files)
}
