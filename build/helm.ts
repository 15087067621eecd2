/** Builds helm, by which the chart is rendered and installed in tests, once a version. */
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { HELM_MODULE, helmPath } from '../testkit/programs.ts'
import { asProgram, need, runWithProgress } from './progress.ts'

/** Nothing happens where it is there already, built or named by `HELM`. */
export async function buildHelm(): Promise<void> {
  const target = helmPath()
  if (existsSync(target)) return
  const go = need('go', 'install Go 1.26 or later (or set HELM to a helm 4 program)')
  mkdirSync(dirname(target), { recursive: true })
  const unfinished = `${target}.${process.pid}`
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', unfinished, 'helm.sh/helm/v4/cmd/helm']
  await runWithProgress({ title: 'helm from source', estimateSeconds: 140 }, go, args, {
    cwd: HELM_MODULE,
    env: { ...process.env, PATH: `${dirname(go)}:${process.env.PATH}`, CGO_ENABLED: '0' },
  })
  renameSync(unfinished, target)
}

if (import.meta.main) await asProgram(buildHelm)
