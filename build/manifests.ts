/**
 * The plain manifests, rendered from the chart: `node build/manifests.ts` writes deploy/invar.yaml;
 * charts/chart.controlplane.test.ts compares.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireHelm } from '../testkit/programs.ts'
import { CHART } from './chart.ts'
import { asProgram } from './progress.ts'

export const MANIFESTS = join(import.meta.dirname, '..', 'deploy', 'invar.yaml')

const HEADER = '# Rendered from charts/invar by build/manifests.ts (npm run generate). Do not edit.\n'

/** Without the CRDs, which the kustomization takes from crds/. @param further values, as `--set` takes them */
export function plainManifests(...further: readonly string[]): string {
  const values = ['plainNames=true', 'crds.enabled=false', ...further].flatMap((value) => ['--set', value])
  const args = ['template', 'invar', CHART, '--namespace', 'metallb-system', ...values]
  const rendered = execFileSync(requireHelm(), args, { encoding: 'utf8' })
  return HEADER + rendered.replace(/^# Source: .*\n/gm, '').replace(/\n+(?=---\n)/g, '\n')
}

if (import.meta.main) await asProgram(async () => writeFileSync(MANIFESTS, plainManifests()))
