/** helm as a user of the cluster runs it: from its control plane, with caches of its own. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Cluster } from '../../testkit/cluster/index.ts'
import { requireHelm } from '../../testkit/programs.ts'

const run = promisify(execFile)

/** Runs helm and resolves with its standard output; rejects with its standard error in the message. */
export async function helm(cluster: Cluster, ...args: readonly string[]): Promise<string> {
  const { plane, lan } = cluster
  const command = [`--net=${lan.host('cp').path}`, '--', requireHelm(), ...args]
  const env = { PATH: process.env.PATH, HOME: join(plane.directory, 'helm'), KUBECONFIG: plane.kubeconfig }
  const { stdout } = await run('nsenter', command, { env })
  return stdout
}
