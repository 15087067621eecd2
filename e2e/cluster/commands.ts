/** kubectl, helm and invarctl as the pages of the documentation write them: of somebody with rights on a cluster. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../../testkit/cluster/index.ts'
import { requireHelm } from '../../testkit/programs.ts'
import type { Ended } from './invarctl-in-cluster.ts'

const ROOT = join(import.meta.dirname, '..', '..')

export class Commands {
  readonly #environment: NodeJS.ProcessEnv
  readonly #home: string

  constructor(cluster: Cluster) {
    const home = join(cluster.plane.directory, 'home')
    const bin = join(home, 'bin')
    mkdirSync(bin, { recursive: true })
    const inside = `exec nsenter --net=${cluster.lan.host('cp').path} --`
    const commands = {
      kubectl: `exec ${cluster.kubectlScript} "$@"`,
      helm: `${inside} ${requireHelm()} "$@"`,
      invarctl: `${inside} ${process.execPath} ${join(ROOT, 'cli/main.ts')} "$@"`,
    }
    for (const [name, command] of Object.entries(commands)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${command}\n`)
      chmodSync(join(bin, name), 0o755)
    }
    // Helm and kubectl keep caches in their user's folder: not in ours.
    this.#environment = { PATH: `${bin}:${process.env.PATH}`, HOME: home, KUBECONFIG: cluster.plane.kubeconfig }
    for (const name of ['charts', 'crds', 'deploy']) symlinkSync(join(ROOT, name), join(home, name))
    this.#home = home
  }

  /** Runs a script of the shell in a folder that has what the repository has for users: charts, crds, deploy. */
  run(script: string): Promise<Ended> {
    const options = { cwd: this.#home, env: this.#environment }
    return new Promise((resolve) => {
      execFile('bash', ['-euo', 'pipefail', '-c', script], options, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
      })
    })
  }

  /** As `run`; throws, with what it said, where it fails. @returns what it printed */
  async succeed(script: string): Promise<string> {
    const { code, out, err } = await this.run(script)
    if (code !== 0) throw new Error(`ended with ${code}: ${script}\n${out}${err}`)
    return out
  }
}
