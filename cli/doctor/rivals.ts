/** Checks for other programs that do what Invar does. Pure. */
import type { PodShape } from '../installation.ts'
import type { Container, Workload } from '../workloads.ts'
import type { DoctorFacts } from './facts.ts'
import type { Found, Outcome } from './finding.ts'

interface Rival {
  readonly name: string
  readonly runsAs: (container: Container) => boolean
  readonly remedy: string
}

const RIVALS: readonly Rival[] = [
  {
    name: 'MetalLB',
    runsAs: ({ image = '' }) => /(^|\/)metallb\/(controller|speaker)([:@]|$)/.test(image),
    remedy: 'remove its controller and speakers; its resources and the addresses of Services stay as they are',
  },
  {
    name: 'kube-vip',
    runsAs: ({ image = '', env = [] }) =>
      /(^|\/)kube-vip([:@]|$)/.test(image) && env.some(({ name, value }) => name === 'svc_enable' && value === 'true'),
    remedy: 'set its svc_enable to false; it can go on to serve the address of the control plane',
  },
  {
    name: 'kube-vip-cloud-provider',
    runsAs: ({ image = '' }) => /(^|\/)kube-vip-cloud-provider([:@]|$)/.test(image),
    remedy: 'remove it, or give it a load balancer class of its own',
  },
  {
    name: 'PureLB',
    runsAs: ({ image = '' }) => /(^|\/)purelb\/(allocator|lbnodeagent)([:@]|$)/.test(image),
    remedy: 'remove it, or give one of the two a load balancer class (--lb-class)',
  },
  {
    name: 'OpenELB',
    runsAs: ({ image = '' }) => /(^|\/)openelb[\w-]*([:@]|$)/.test(image),
    remedy: 'remove it, or give one of the two a load balancer class (--lb-class)',
  },
  {
    name: 'kube-router',
    runsAs: ({ image = '', args = [] }) =>
      /(^|\/)kube-router([:@]|$)/.test(image) && args.includes('--run-loadbalancer=true'),
    remedy: 'start it with --run-loadbalancer=false',
  },
]

/** K3s marks what its ServiceLB makes for each Service. */
const SERVICE_LB_LABEL = 'svccontroller.k3s.cattle.io/svcname'

export function rivalLoadBalancer(facts: DoctorFacts): Outcome {
  const { workloads, systemPods, ciliumPools } = facts
  if (workloads.kind === 'unknown') return { unknown: workloads.because }
  const pods = systemPods.kind === 'known' ? systemPods.value : []
  const candidates = [
    ...workloads.value.map((object) => ({ object, containers: object.spec?.template?.spec?.containers ?? [] })),
    ...pods.filter(isStatic).map((object) => ({ object, containers: object.spec?.containers ?? [] })),
  ]
  // With a class of its own each serves its own Services.
  const severity = facts.cluster.state.request.loadBalancerClass === '' ? 'error' : 'warning'
  return [
    ...candidates.flatMap(({ object, containers }) => rivalsIn(object, containers, severity)),
    ...serviceLb(workloads.value, severity),
    ...cilium(ciliumPools.kind === 'known' ? ciliumPools.value : 0, severity),
  ]
}

function isStatic({ metadata }: PodShape): boolean {
  return (metadata.ownerReferences ?? []).every(({ kind }) => kind === 'Node')
}

function rivalsIn(object: Workload | PodShape, containers: readonly Container[], severity: Found['severity']) {
  const { kind = 'Pod', metadata } = object
  const found = RIVALS.filter(({ runsAs }) => containers.some(runsAs))
  return found.map(({ name, remedy }): Found => {
    const what = `${name} runs here, and gives or announces addresses of the same Services`
    return { severity, object: { kind, namespace: metadata.namespace ?? '', name: metadata.name }, what, remedy }
  })
}

function serviceLb(workloads: readonly Workload[], severity: Found['severity']): readonly Found[] {
  const own = workloads.filter(({ metadata }) => metadata.labels?.[SERVICE_LB_LABEL] !== undefined)
  const [first] = own
  if (first === undefined) return []
  const { namespace = '', name } = first.metadata
  const what = `ServiceLB of K3s serves ${own.length === 1 ? 'a Service' : `${own.length} Services`} from the ports of the nodes, and writes their addresses`
  const remedy = 'start the servers of K3s with --disable=servicelb'
  return [{ severity, object: { kind: 'DaemonSet', namespace, name }, what, remedy }]
}

function cilium(pools: number, severity: Found['severity']): readonly Found[] {
  if (pools === 0) return []
  const object = { kind: 'CiliumLoadBalancerIPPool', name: 'all' }
  const what = `Cilium gives addresses to Services too: it has ${pools === 1 ? 'a pool' : `${pools} pools`} of its own`
  const remedy = 'delete its pools, or set its default-lb-service-ipam to none'
  return [{ severity, object, what, remedy }]
}

/** As the API server records who wrote which field. */
interface FieldsEntry {
  readonly manager?: string
  readonly subresource?: string
  readonly time?: string
  readonly fieldsV1?: { readonly 'f:status'?: { readonly 'f:loadBalancer'?: object } }
}

const OWN_MANAGERS = /^(invar-controller|invarctl)/

/** Since a controller of Invar leads, nobody else has a reason to write addresses of its Services. */
export function statusWrittenByOthers({ cluster, installation }: DoctorFacts): Outcome {
  const { lease } = installation
  if (lease === undefined) return []
  const { request, services } = cluster.state
  const ours = services.filter(
    ({ spec }) => spec?.type === 'LoadBalancer' && (spec.loadBalancerClass ?? '') === request.loadBalancerClass,
  )
  const writers = new Map<string, string[]>()
  for (const { metadata } of ours) {
    const { managedFields = [] } = metadata as { readonly managedFields?: readonly FieldsEntry[] }
    for (const { manager = '', time = '', fieldsV1 } of managedFields) {
      if (fieldsV1?.['f:status']?.['f:loadBalancer'] === undefined || OWN_MANAGERS.test(manager)) continue
      if (Date.parse(time) <= Date.parse(lease.acquiredAt)) continue
      writers.set(manager, [...(writers.get(manager) ?? []), `${metadata.namespace}/${metadata.name}`])
    }
  }
  return [...writers].map(([manager, keys]): Found => {
    const [namespace = '', name = ''] = keys[0]!.split('/')
    const more = keys.length === 1 ? '' : `, and of ${keys.length - 1} more`
    const what = `"${manager}" wrote the addresses of its status${more} after Invar's controller had taken over`
    const remedy =
      'find the program of that name; it and Invar must not serve the same Services (spec.loadBalancerClass)'
    return { severity: 'error', object: { kind: 'Service', namespace, name }, what, remedy }
  })
}
