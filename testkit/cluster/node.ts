/** A node: containerd, kubelet and kube-proxy in namespaces of their own, on a network namespace with one interface. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlPlane } from '../controlplane.ts'
import { startOf, type Workplace } from '../leftovers.ts'
import type { Host } from '../netns.ts'
import { type Program, startProgram } from '../program.ts'
import { requireProgram } from '../programs.ts'
import type { NodeNetwork } from './addressing.ts'
import { createNodeCgroup, type NodeCgroup } from './cgroup.ts'
import { writeNodeFiles } from './node-files.ts'
import { cniFolder, toolPath, toolsEnvironment } from './tools.ts'

export interface ClusterNode {
  readonly name: string
  readonly network: NodeNetwork
  readonly host: Host
  /** Holds kubelet.log, kube-proxy.log, containerd.log. */
  readonly directory: string
  isRunning(): boolean
  /** The power cable: every process is gone at once, and so is the link. */
  powerOff(): Promise<void>
  /** Boots anew: no packet filter rules and no pods of before, the disk as it was. */
  powerOn(): void
  /** The network cable: processes go on, the link is down. */
  pullCable(): void
  plug(): void
  /** Every process stops running without knowing; the kernel still answers for the node's own addresses. */
  freeze(): void
  thaw(): void
  /** Runs a command on the node and returns its standard output. */
  run(command: string, ...args: string[]): string
  importImage(archive: string): void
}

export interface NodeOptions {
  readonly workplace: Workplace
  readonly plane: ControlPlane
  readonly host: Host
  readonly network: NodeNetwork
  /** OCI archives to load at every boot where they are not loaded yet. */
  readonly images: readonly string[]
  readonly proxyKubeconfig: string
  /** Makes cgroup names unique on this machine. */
  readonly prefix: string
}

export function startNode(options: NodeOptions): ClusterNode {
  const node = new NamespaceNode(options)
  node.powerOn()
  return node
}

/** Into the node's cgroups first, so that nothing it starts can lie outside; then into namespaces of its own. */
const ENTER_NODE = `
  for file in $NODE_CGROUP_FILES; do echo $$ > "$file"; done
  exec unshare --mount --uts --ipc --pid --fork --kill-child sh "$1"`

class NamespaceNode implements ClusterNode {
  readonly name: string
  readonly network: NodeNetwork
  readonly host: Host
  readonly directory: string
  readonly #options: NodeOptions
  readonly #cgroup: NodeCgroup
  readonly #kubeconfig: string
  #init: Program | undefined
  #boots = 0

  constructor(options: NodeOptions) {
    this.#options = options
    this.host = options.host
    this.network = options.network
    this.name = options.network.name
    this.directory = join(options.workplace.directory, this.name)
    this.#cgroup = createNodeCgroup(options.workplace, `${options.prefix}-${this.name}`)
    this.#kubeconfig = options.plane.kubeconfigFor(this.name, {
      commonName: `system:node:${this.name}`,
      organizations: ['system:nodes'],
    })
    writeNodeFiles({
      directory: this.directory,
      network: this.network,
      cgroup: this.#cgroup.name,
      caFile: options.plane.files.ca,
      proxyKubeconfig: options.proxyKubeconfig,
      cniFolder: cniFolder()!,
      runc: toolPath('runc')!,
    })
  }

  isRunning(): boolean {
    return this.#init?.isRunning() ?? false
  }

  powerOn(): void {
    if (this.isRunning()) throw new Error(`${this.name} is running already`)
    if (this.#boots > 0) this.#forgetLastBoot()
    this.#boots += 1
    this.host.plug()
    this.#init = startProgram(this.#options.workplace, {
      name: `${this.name}-init`,
      command: 'sh',
      args: ['-c', ENTER_NODE, 'sh', `${import.meta.dirname}/node-init.sh`],
      environment: this.#environment(),
      namespace: this.host.path,
    })
  }

  async powerOff(): Promise<void> {
    this.host.unplug()
    this.#init?.signal('SIGKILL')
    // A frozen process dies of it only when it runs again.
    this.#cgroup.thaw()
    await this.#init?.exited
  }

  pullCable(): void {
    this.host.unplug()
  }

  plug(): void {
    this.host.plug()
  }

  freeze(): void {
    this.#cgroup.freeze()
  }

  thaw(): void {
    this.#cgroup.thaw()
  }

  run(command: string, ...args: string[]): string {
    const inside = ['--target', String(this.#processOne()), '--mount', '--uts', '--ipc', '--net', '--pid', '--']
    return execFileSync('nsenter', [...inside, command, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: this.#environment(),
      maxBuffer: 64 << 20,
    })
  }

  importImage(archive: string): void {
    this.run('ctr', '--namespace', 'k8s.io', 'image', 'import', archive)
  }

  /** The child of `unshare`: what the node sees as process 1. */
  #processOne(): number {
    const unshare = this.#init?.pid
    if (unshare === undefined || startOf(unshare) === undefined) throw new Error(`${this.name} is not running`)
    const [child] = readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').split(' ')
    if (!child) throw new Error(`${this.name} is not booted yet`)
    return Number(child)
  }

  /** The network namespace outlives the processes; a machine's packet filter and bridges do not. */
  #forgetLastBoot(): void {
    const commands = ['nft flush ruleset', 'ip link delete cni0', 'conntrack --flush']
    for (const command of commands)
      this.host.run('env', `PATH=${this.#environment().PATH}`, 'sh', '-c', `${command} || true`)
  }

  #environment(): NodeJS.ProcessEnv {
    const { images } = this.#options
    return {
      ...toolsEnvironment(),
      NODE_NAME: this.name,
      NODE_DIRECTORY: this.directory,
      NODE_ADDRESSES: `${this.network.address4},${this.network.address6}`,
      NODE_CGROUP_FILES: this.#cgroup.processFiles.join(' '),
      NODE_IMAGES: images.join(' '),
      KUBELET: requireProgram('kubelet'),
      KUBE_PROXY: requireProgram('kube-proxy'),
      KUBELET_KUBECONFIG: this.#kubeconfig,
    }
  }
}
