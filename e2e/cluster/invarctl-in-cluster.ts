/** invarctl as a user of the cluster runs it: from its control plane. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Cluster } from '../../testkit/cluster/index.ts'

const ROOT = join(import.meta.dirname, '..', '..')

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function invarctl(cluster: Cluster, ...args: readonly string[]): Promise<Ended> {
  const { plane, lan } = cluster
  const command = [`--net=${lan.host('cp').path}`, '--', process.execPath, 'cli/main.ts', ...args]
  const options = { cwd: ROOT, env: { ...process.env, KUBECONFIG: plane.kubeconfig } }
  return new Promise((resolve) => {
    execFile('nsenter', command, options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
  })
}
