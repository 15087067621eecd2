/**
 * A whole Kubernetes cluster on one machine: control plane, nodes and a client, each in network namespaces of their own
 * on one LAN. Needs root; name such tests `*.cluster.test.ts`.
 *
 * ```ts
 * await using cluster = await startCluster({ images: ['out/image.tar'] })
 * cluster.kubectl(['apply', '-f', '-'], manifest)
 * await cluster.startKubectl(['wait', '--for=condition=Available', 'deployment/web', '--timeout=60s'])
 * cluster.client.run('curl', '-s', 'http://172.30.0.200/')
 * await cluster.node('n2').powerOff()
 * ```
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../controlplane.ts'
import { openWorkplace, type Workplace } from '../leftovers.ts'
import { createLan, type Host, type Lan } from '../netns.ts'
import { startProgram } from '../program.ts'
import { requireProgram } from '../programs.ts'
import { LAN_HOSTS, nodeNetwork } from './addressing.ts'
import { type ClusterNode, startNode } from './node.ts'
import { kubeProxyConfiguration } from './node-files.ts'
import { imageFile, missingForCluster, toolsEnvironment } from './tools.ts'

export { LAN_HOSTS } from './addressing.ts'
export type { ClusterNode } from './node.ts'
export { IMAGES, missingForCluster, toolsEnvironment } from './tools.ts'

export interface ClusterOptions {
  /** 1 to 9, default 3. */
  readonly nodes?: number
  /** OCI archives to load on every node besides the web server's. */
  readonly images?: readonly string[]
  readonly flags?: ControlPlaneOptions['flags']
  readonly auditLog?: boolean
}

export interface Cluster {
  readonly plane: ControlPlane
  readonly lan: Lan
  /** A machine on the LAN that is no node. */
  readonly client: Host
  readonly nodes: readonly ClusterNode[]
  node(name: string): ClusterNode
  kubectl(args: readonly string[], input?: string): string
  /** As kubectl, without blocking this process meanwhile. */
  startKubectl(args: readonly string[]): Promise<string>
  /** A script that runs kubectl as cluster admin, for people. */
  readonly kubectlScript: string
  /** Fulfils when every node is Ready; rejects after a minute. */
  ready(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const READY_LIMIT_MS = 60_000
let started = 0

/** Starts it; `ready` tells when the nodes are. Throws, naming remedies, where programs or images are missing. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const missing = missingForCluster()
  if (missing.length > 0) throw new Error(`a cluster needs more than is here:\n  ${missing.join('\n  ')}`)
  started += 1
  const prefix = `invar-${process.pid}-${started}`
  const networks = Array.from({ length: options.nodes ?? 3 }, (_, index) => nodeNetwork(index + 1))
  const workplace = openWorkplace('cluster')
  let lan: Lan | undefined
  let plane: ControlPlane | undefined
  try {
    lan = layCables(networks)
    plane = await startControlPlane({
      controllerManager: true,
      scheduler: true,
      auditLog: options.auditLog ?? false,
      flags: options.flags ?? {},
      network: { namespace: lan.host('cp').path, address: LAN_HOSTS.controlPlane.address4, port: 6443 },
    })
    const proxyKubeconfig = plane.kubeconfigFor('kube-proxy', { commonName: 'system:kube-proxy' })
    const images = options.images ?? []
    const nodes = startNodes({ workplace, lan, plane, networks, prefix, images, proxyKubeconfig })
    startServiceProxy(workplace, lan, proxyKubeconfig)
    return new NamespaceCluster(workplace, lan, plane, nodes)
  } catch (error) {
    await plane?.stop()
    workplace.clear()
    lan?.close()
    throw error
  }
}

class NamespaceCluster implements Cluster {
  readonly plane: ControlPlane
  readonly lan: Lan
  readonly client: Host
  readonly nodes: readonly ClusterNode[]
  readonly kubectlScript: string
  readonly #workplace: Workplace

  constructor(workplace: Workplace, lan: Lan, plane: ControlPlane, nodes: readonly ClusterNode[]) {
    this.#workplace = workplace
    this.lan = lan
    this.plane = plane
    this.nodes = nodes
    this.client = withTools(lan.host('client'))
    this.kubectlScript = writeKubectlScript(workplace.directory, lan.host('cp').path, plane.kubeconfig)
  }

  node(name: string): ClusterNode {
    const found = this.nodes.find((node) => node.name === name)
    if (found === undefined) throw new Error(`no node ${name} in this cluster`)
    return found
  }

  kubectl(args: readonly string[], input?: string): string {
    return this.plane.kubectl(args, input)
  }

  startKubectl(args: readonly string[]): Promise<string> {
    return this.plane.startKubectl(args)
  }

  async ready(): Promise<void> {
    const until = performance.now() + READY_LIMIT_MS
    for (;;) {
      const list = await this.startKubectl(['get', 'nodes', '--no-headers'])
      const ready = this.nodes.filter(({ name }) => new RegExp(`^${name} +Ready `, 'm').test(list))
      if (ready.length === this.nodes.length) return
      if (performance.now() > until)
        throw new Error(`nodes are not Ready; logs in ${this.nodes[0]?.directory}:\n${list}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.powerOff()))
    await this.plane.stop()
    this.#workplace.clear()
    this.lan.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** The same host, whose commands find the unpacked programs (curl, arping, ping, ndisc6). */
function withTools(host: Host): Host {
  const env = toolsEnvironment()
  const options = { encoding: 'utf8', stdio: 'pipe', env } as const
  return {
    ...host,
    run: (command, ...args) => execFileSync('nsenter', [`--net=${host.path}`, '--', command, ...args], options),
  }
}

type Networks = readonly ReturnType<typeof nodeNetwork>[]

/** The LAN: a bridge that is also the router, the control plane, the client and the nodes on it. */
function layCables(networks: Networks): Lan {
  const { controlPlane, client, router } = LAN_HOSTS
  const hosts = [
    { name: 'cp', ...controlPlane },
    { name: 'client', ...client },
    ...networks.map((network) => ({ ...network, name: network.name })),
  ]
  const lan = createLan(
    hosts.map(({ name, mac, address4, address6 }) => ({
      name,
      mac,
      addresses: [`${address4}/24`, `${address6}/64`],
    })),
  )
  shell(lan.bridge, [
    `ip address add ${router.address4}/24 dev lan`,
    `ip address add ${router.address6}/64 dev lan nodad`,
    // Bridged frames are the LAN's own business, not the packet filter's.
    ...['iptables', 'ip6tables', 'arptables'].map((table) => writeSetting(`net/bridge/bridge-nf-call-${table}`, 0)),
  ])
  for (const { name, address4 } of hosts) shell(lan.host(name), routesOf(networks, address4))
  for (const { name } of networks) shell(lan.host(name), NODE_SETTINGS)
  return lan
}

/** Forwarding; and bridged pod traffic through the packet filter, where kube-proxy translates it. */
const NODE_SETTINGS = [
  writeSetting('net/ipv4/ip_forward', 1),
  writeSetting('net/ipv6/conf/all/forwarding', 1),
  writeSetting('net/ipv4/conf/all/rp_filter', 0),
  writeSetting('net/bridge/bridge-nf-call-iptables', 1),
  writeSetting('net/bridge/bridge-nf-call-ip6tables', 1),
]

/** Pods are reached through their node. A default route is needed, or ClusterIPs fail before their translation. */
function routesOf(networks: Networks, own: string): string[] {
  const { router } = LAN_HOSTS
  const others = networks.filter(({ address4 }) => address4 !== own)
  return [
    `ip route add default via ${router.address4}`,
    `ip -6 route add default via ${router.address6}`,
    ...others.flatMap(({ pods4, pods6, address4, address6 }) => [
      `ip route add ${pods4} via ${address4}`,
      `ip -6 route add ${pods6} via ${address6}`,
    ]),
  ]
}

function writeSetting(path: string, value: number): string {
  return `if [ -e /proc/sys/${path} ]; then echo ${value} > /proc/sys/${path}; fi`
}

function shell(host: { readonly path: string }, commands: readonly string[]): void {
  execFileSync('nsenter', [`--net=${host.path}`, '--', 'sh', '-ec', commands.join('\n')], { stdio: 'pipe' })
}

interface NodesToStart {
  readonly workplace: Workplace
  readonly lan: Lan
  readonly plane: ControlPlane
  readonly networks: Networks
  readonly prefix: string
  readonly images: readonly string[]
  readonly proxyKubeconfig: string
}

/** The API server calls webhooks by their Service, so that its host translates ClusterIPs like a node. */
function startServiceProxy(workplace: Workplace, lan: Lan, proxyKubeconfig: string): void {
  const configuration = join(workplace.directory, 'kube-proxy.json')
  writeFileSync(configuration, JSON.stringify(kubeProxyConfiguration(proxyKubeconfig)))
  startProgram(workplace, {
    name: 'kube-proxy',
    command: requireProgram('kube-proxy'),
    // It waits for a Node of its name, and the control plane's host is none: any Node will do.
    args: ['--config', configuration, '--hostname-override', 'n1'],
    environment: toolsEnvironment(),
    namespace: lan.host('cp').path,
  })
}

function startNodes(options: NodesToStart): ClusterNode[] {
  const { workplace, lan, plane, networks, prefix, images, proxyKubeconfig } = options
  const all = [imageFile('pause'), imageFile('web'), ...images]
  return networks.map((network) => {
    mkdirSync(join(workplace.directory, network.name))
    return startNode({ workplace, plane, network, host: lan.host(network.name), images: all, proxyKubeconfig, prefix })
  })
}

function writeKubectlScript(directory: string, namespace: string, kubeconfig: string): string {
  const path = join(directory, 'kubectl')
  const command = `exec nsenter --net=${namespace} -- ${requireProgram('kubectl')} --kubeconfig ${kubeconfig} "$@"`
  writeFileSync(path, `#!/bin/sh\n${command}\n`)
  chmodSync(path, 0o755)
  return path
}
