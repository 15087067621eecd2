/** Builds etcd, kube-apiserver and the other programs of a real control plane, once a version. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  builtProgramsFolder,
  CONTROL_PLANE_MODULE,
  CONTROL_PLANE_PROGRAMS,
  kubernetesVersion,
  programPath,
} from '../testkit/programs.ts'
import { asProgram, need, runWithProgress } from './progress.ts'

/** Nothing happens where all programs are there already, built or official (`KUBEBUILDER_ASSETS`). */
export async function buildControlPlane(): Promise<void> {
  if (CONTROL_PLANE_PROGRAMS.every((name) => existsSync(programPath(name)))) return
  const folder = builtProgramsFolder()
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    await compile(join(unfinished, 'kubernetes'))
    for (const name of CONTROL_PLANE_PROGRAMS) symlinkSync('kubernetes', join(unfinished, name))
    // Where two runs build at once the later one wins; both built the same.
    rmSync(folder, { recursive: true, force: true })
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

async function compile(target: string): Promise<void> {
  const go = need('go', 'install Go 1.26 or later (or set KUBEBUILDER_ASSETS to a folder with the official programs)')
  const step = { title: `Kubernetes ${kubernetesVersion()} from source`, estimateSeconds: 330 }
  const args = ['build', '-trimpath', '-buildvcs=false', `-ldflags=${linkerFlags()}`, '-o', target, '.']
  await runWithProgress(step, go, args, {
    cwd: CONTROL_PLANE_MODULE,
    env: { ...process.env, PATH: `${dirname(go)}:${process.env.PATH}`, CGO_ENABLED: '0' },
  })
}

/** Without its version set the API server calls itself v0.0.0, and kubelet and clients refuse features. */
function linkerFlags(): string {
  const version = kubernetesVersion()
  const [major, minor] = version.split('.')
  const variables = [
    `k8s.io/component-base/version.gitVersion=v${version}`,
    `k8s.io/component-base/version.gitMajor=${major}`,
    `k8s.io/component-base/version.gitMinor=${minor}`,
    `k8s.io/client-go/pkg/version.gitVersion=v${version}`,
  ]
  return ['-s', '-w', ...variables.map((assignment) => `-X ${assignment}`)].join(' ')
}

if (import.meta.main) await asProgram(buildControlPlane)
