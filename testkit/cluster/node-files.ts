/** Configuration files of a node's programs. JSON is YAML, so all but containerd's are written as JSON. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeNetwork } from './addressing.ts'
import { CLUSTER_RANGES } from './addressing.ts'
import { IMAGES } from './tools.ts'

export interface NodeFiles {
  /** Outside /var and /run, which the node replaces by its own. */
  readonly directory: string
  readonly network: NodeNetwork
  readonly cgroup: string
  readonly caFile: string
  readonly proxyKubeconfig: string
  readonly cniFolder: string
  readonly runc: string
}

export function writeNodeFiles(files: NodeFiles): void {
  const at = (path: string) => join(files.directory, path)
  const folders = ['lib/kubelet/volumeplugins', 'lib/containerd', 'log/pods', 'log/containers', 'tmp', 'cni/net.d']
  for (const folder of folders) mkdirSync(at(`var/${folder}`), { recursive: true })
  symlinkSync('/run', at('var/run'))
  const json = (path: string, value: unknown) => writeFileSync(at(path), JSON.stringify(value, undefined, 2))
  writeFileSync(at('containerd.toml'), containerdToml(files))
  json('var/cni/net.d/10-pods.conflist', podNetwork(files.network))
  json('kubelet.json', kubeletConfiguration(files))
  json('kube-proxy.json', kubeProxyConfiguration(files.proxyKubeconfig))
}

function containerdToml({ cniFolder, runc }: NodeFiles): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGES.pause.reference}"
  disable_apparmor = true
  # Where CAP_SYS_RESOURCE is missing, runc cannot lower oom_score_adj and no sandbox would start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "${runc}"
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniFolder}"
    conf_dir = "/var/cni/net.d"
`
}

function podNetwork(network: NodeNetwork): unknown {
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipMasq: false,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      dataDir: '/var/lib/cni/networks',
      ranges: [[{ subnet: network.pods4 }], [{ subnet: network.pods6 }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    },
  }
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  }
}

function kubeletConfiguration({ cgroup, caFile }: NodeFiles): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    cgroupsPerQOS: true,
    enforceNodeAllocatable: ['pods'],
    failSwapOn: false,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: caFile } },
    authorization: { mode: 'Webhook' },
    clusterDomain: 'cluster.local',
    clusterDNS: ['10.96.0.10'],
    resolvConf: '',
    volumePluginDir: '/var/lib/kubelet/volumeplugins',
    // A test machine with a full disk is no reason to evict the pods under test.
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    nodeStatusUpdateFrequency: '5s',
    nodeLeaseDurationSeconds: 20,
    syncFrequency: '10s',
    maxPods: 110,
  }
}

/** For a node, and for the control plane's host, which calls webhooks by their Service. */
export function kubeProxyConfiguration(proxyKubeconfig: string): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: proxyKubeconfig },
    clusterCIDR: CLUSTER_RANGES.pods,
    healthzBindAddress: '0.0.0.0:10256',
    metricsBindAddress: '127.0.0.1:10249',
    // The limit is the machine's, not a network namespace's.
    conntrack: { maxPerCore: 0 },
    nftables: { minSyncPeriod: '100ms', syncPeriod: '10s' },
  }
}
