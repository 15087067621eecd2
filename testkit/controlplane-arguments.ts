/** The command lines of the control plane's programs. */
import { join } from 'node:path'
import type { Authority, CertificateRequest } from './certificates.ts'
import type { ControlPlaneOptions, PlaneProgram } from './controlplane.ts'
import type { Workplace } from './leftovers.ts'

/** Service addresses given out by every control plane here; both families. */
export const SERVICE_RANGES = '10.96.0.0/16,fd00:10:96::/112'
/** The first address of the range is the API server's own Service. */
export const KUBERNETES_SERVICE = '10.96.0.1'
export interface SetUp {
  readonly workplace: Workplace
  readonly options: ControlPlaneOptions
  readonly address: string
  readonly port: number
  readonly authority: Authority
}

/** Writes a kubeconfig for a user and answers its path. */
type KubeconfigFor = (name: string, user: CertificateRequest) => string

export function programArguments(setUp: SetUp, kubeconfigFor: KubeconfigFor): Record<PlaneProgram, readonly string[]> {
  const { flags = {} } = setUp.options
  const ours = {
    etcd: etcdArguments(setUp),
    'kube-apiserver': apiServerArguments(setUp),
    'kube-controller-manager': controllerManagerArguments(setUp, kubeconfigFor),
    'kube-scheduler': schedulerArguments(kubeconfigFor),
  }
  const programs = Object.keys(ours) as PlaneProgram[]
  return Object.fromEntries(programs.map((name) => [name, [...ours[name], ...(flags[name] ?? [])]])) as typeof ours
}

/** Unix sockets need no free port, and no other process of the machine reaches them. */
function etcdSocket({ workplace }: SetUp): string {
  return `unix://${join(workplace.directory, 'etcd.sock')}`
}

function etcdArguments(setUp: SetUp): string[] {
  const client = setUp.options.etcd?.listen ?? etcdSocket(setUp)
  const peer = `unix://${join(setUp.workplace.directory, 'etcd-peer.sock')}`
  return [
    `--data-dir=${join(setUp.workplace.directory, 'etcd')}`,
    `--listen-client-urls=${client}`,
    '--advertise-client-urls=http://127.0.0.1:2379',
    `--listen-peer-urls=${peer}`,
    // Must look like host and port; the only member never calls it.
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=default=http://127.0.0.1:2380',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

function apiServerArguments(setUp: SetUp): string[] {
  const { address, port, options } = setUp
  const file = (name: string) => join(setUp.workplace.directory, name)
  const audit = [`--audit-log-path=${file('audit.log')}`, `--audit-policy-file=${file('audit-policy.json')}`]
  // Without the controller manager nobody makes the service accounts that this plugin waits for.
  const withoutAccounts = options.controllerManager ? [] : ['--disable-admission-plugins=ServiceAccount']
  return [
    `--etcd-servers=${options.etcd?.url ?? etcdSocket(setUp)}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${port}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
    `--kubelet-client-key=${file('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--service-account-key-file=${file('tokens.pub')}`,
    `--service-account-signing-key-file=${file('tokens.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-cluster-ip-range=${SERVICE_RANGES}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    ...withoutAccounts,
    ...(options.auditLog ? audit : []),
  ]
}

function controllerManagerArguments(setUp: SetUp, kubeconfigFor: KubeconfigFor): string[] {
  const file = (name: string) => join(setUp.workplace.directory, name)
  const kubeconfig = kubeconfigFor('controller-manager', { commonName: 'system:kube-controller-manager' })
  return [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--use-service-account-credentials',
    `--root-ca-file=${file('ca.crt')}`,
    `--service-account-private-key-file=${file('tokens.key')}`,
    `--cluster-signing-cert-file=${file('ca.crt')}`,
    `--cluster-signing-key-file=${file('ca.key')}`,
    '--node-monitor-period=2s',
    '--node-monitor-grace-period=20s',
  ]
}

function schedulerArguments(kubeconfigFor: KubeconfigFor): string[] {
  const kubeconfig = kubeconfigFor('scheduler', { commonName: 'system:kube-scheduler' })
  return [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0']
}
