/** Where the programs of a real control plane lie; `build/controlplane.ts` puts them there. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export const CONTROL_PLANE_PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
] as const

export type ControlPlaneProgram = (typeof CONTROL_PLANE_PROGRAMS)[number]

/** The Go module that the programs are built from. */
export const CONTROL_PLANE_MODULE = join(import.meta.dirname, '..', 'e2e', 'controlplane')

/** The user's cache folder for what is built or downloaded once: `$XDG_CACHE_HOME/invar` or `~/.cache/invar`. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'invar')
}

/** `1.36.3`, as the Go module requires it. */
export function kubernetesVersion(): string {
  const found = /^\s*k8s\.io\/kubernetes v(\S+)/m.exec(readFileSync(join(CONTROL_PLANE_MODULE, 'go.mod'), 'utf8'))
  if (found === null) throw new Error('e2e/controlplane/go.mod requires no k8s.io/kubernetes')
  return found[1]!
}

/** The folder of the built programs; its name changes with the sources, so a change builds anew. */
export function builtProgramsFolder(): string {
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(CONTROL_PLANE_MODULE, file)))
  return join(cacheFolder(), 'controlplane', `v${kubernetesVersion()}-${hash.digest('hex').slice(0, 12)}`)
}

/** The official program in `$KUBEBUILDER_ASSETS` where it has one, else the built one; it may not be there yet. */
export function programPath(name: ControlPlaneProgram): string {
  const assets = process.env.KUBEBUILDER_ASSETS
  const official = assets ? join(assets, name) : undefined
  return official !== undefined && existsSync(official) ? official : join(builtProgramsFolder(), name)
}

/** As programPath, but throws, with the remedy, where the program is not there. */
export function requireProgram(name: ControlPlaneProgram): string {
  const path = programPath(name)
  if (!existsSync(path))
    throw new Error(`${name} is not built: run \`node build/controlplane.ts\` (once, about 6 minutes)`)
  return path
}

/** The Go module that helm is built from. */
export const HELM_MODULE = join(import.meta.dirname, '..', 'e2e', 'helm')

/** `$HELM` where it is set, else the built one; it may not be there yet. */
export function helmPath(): string {
  if (process.env.HELM) return process.env.HELM
  const module = readFileSync(join(HELM_MODULE, 'go.mod'), 'utf8')
  const version = /^\s*helm\.sh\/helm\/v4 (v\S+)/m.exec(module)?.[1]
  if (version === undefined) throw new Error('e2e/helm/go.mod requires no helm.sh/helm/v4')
  return join(cacheFolder(), 'helm', version, 'helm')
}

/** As helmPath, but throws, with the remedy, where it is not there. */
export function requireHelm(): string {
  const path = helmPath()
  if (!existsSync(path)) throw new Error('helm is not built: run `node build/helm.ts` (once, about 2 minutes)')
  return path
}
