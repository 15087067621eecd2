/** What there is of MetalLB, and of Invar, in a cluster: told apart by labels and images. Pure. */
import type { ConfigMap, KubernetesObject, Pod, Resource, Secret } from '../../operator/index.ts'
import type { Container, Workload } from '../workloads.ts'

/** On Pods that go on announcing after `migrate` has deleted their DaemonSet. The chart's speakers wait for their end. */
export const LEFT_BY_LABEL = 'invar.dev/left-by'
/** On every Pod of Invar (charts/invar). */
const PROGRAM_LABEL = 'invar.dev/program'

/** apiextensions.k8s.io/v1 CustomResourceDefinition, as far as it is read. */
export interface Definition extends KubernetesObject {
  readonly spec?: { readonly conversion?: { readonly strategy?: string } }
  readonly status?: { readonly storedVersions?: readonly string[] }
}

export interface FoundObject {
  readonly resource: Resource
  readonly object: KubernetesObject
}

export interface FoundWorkload {
  readonly resource: Resource<Workload>
  readonly object: Workload
}

export interface Found {
  readonly namespace: string
  /** Deployments and DaemonSets of MetalLB, by what they are. */
  readonly controllers: readonly Workload[]
  readonly speakers: readonly Workload[]
  /** Those of frr-k8s in the same namespace. */
  readonly frr: readonly FoundWorkload[]
  readonly leftPods: readonly Pod[]
  readonly invar: { readonly controller?: Workload; readonly speaker?: Workload }
  /** Of both groups, as far as they are there. */
  readonly definitions: readonly Definition[]
  readonly webhooks?: KubernetesObject
  readonly configMaps: readonly ConfigMap[]
  /** Of all FRRConfigurations in the cluster. */
  readonly frrConfigurations: readonly KubernetesObject[]
  /** Keys of MetalLB's membership that go when its Deployment does. */
  readonly ownedSecrets: readonly Secret[]
  /** Rights, accounts and ConfigMaps that nobody uses any more. */
  readonly remains: readonly FoundObject[]
  /** What helm remembers of the release of MetalLB, where MetalLB is installed by one. */
  readonly releaseRecords: readonly Secret[]
}

export type Component = 'controller' | 'speaker'

/** Whether it is MetalLB's: by the labels of its manifests or its chart, and not one of ours under the same labels. */
export function isMetalLb(workload: Workload, component: Component): boolean {
  const { labels = {} } = workload.metadata
  if (isInvar(workload)) return false
  if (labels.component !== component && labels['app.kubernetes.io/component'] !== component) return false
  const isNamed = labels.app === 'metallb' || labels['app.kubernetes.io/name'] === 'metallb'
  return isNamed || containersOf(workload).some(({ image = '' }) => image.includes(`metallb/${component}`))
}

export function isInvar(workload: Workload, component?: Component): boolean {
  const program = workload.spec?.template?.metadata?.labels?.[PROGRAM_LABEL]
  return component === undefined ? program !== undefined : program === component
}

export function isFrr({ metadata: { labels = {} } }: Workload): boolean {
  return Object.values(labels).some((value) => value.startsWith('frr-k8s'))
}

export function containersOf(workload: Workload): readonly Container[] {
  return workload.spec?.template?.spec?.containers ?? []
}

/** `v0.15.2` by the tag of the image; undefined where a digest or a tag of the user's own stands there. */
export function versionOf({ controllers, speakers }: Found): string | undefined {
  const images = [...controllers, ...speakers].flatMap(containersOf).map(({ image = '' }) => image)
  const tags = images.map((image) => /metallb\/(?:controller|speaker):(v?\d+\.\d+\.\d+)/.exec(image)?.[1])
  return tags.find((tag) => tag !== undefined)
}

export type Mode = 'native' | 'frr' | 'frr-k8s'

/** By which of MetalLB's ways BGP is spoken. */
export function modeOf({ speakers }: Found): Mode {
  const variables = speakers.flatMap(containersOf).flatMap(({ env = [] }) => env)
  const value = variables.find(({ name }) => name === 'METALLB_BGP_TYPE')?.value
  return value === 'frr' || value === 'frr-k8s' ? value : 'native'
}

/** Name of the helm release that MetalLB, or what is left of it, belongs to; undefined = plain manifests. */
export function releaseOf({ controllers, speakers, definitions, releaseRecords }: Found): string | undefined {
  const recorded = releaseRecords[0]?.metadata.labels?.name
  const objects: readonly KubernetesObject[] = [...controllers, ...speakers, ...definitions]
  const annotated = objects.map(({ metadata }) => metadata.annotations?.['meta.helm.sh/release-name'])
  return annotated.find((name) => name !== undefined) ?? recorded
}

/** Which tool would put back what is taken away; undefined = none is seen. */
export function gitOpsToolOf({ controllers, speakers }: Found): string | undefined {
  const keys = [...controllers, ...speakers].flatMap(({ metadata }) => [
    ...Object.keys(metadata.labels ?? {}),
    ...Object.keys(metadata.annotations ?? {}),
  ])
  if (keys.some((key) => key.startsWith('argocd.argoproj.io/'))) return 'Argo CD'
  if (keys.some((key) => key.includes('.toolkit.fluxcd.io/'))) return 'Flux'
  return undefined
}

/** Written by MetalLB itself for the node of this name; all others are the user's. */
export function isWrittenByMetalLb({ metadata: { name } }: KubernetesObject): boolean {
  return name.startsWith('metallb-')
}

/** `Deployment metallb-system/controller`. */
export function named({ resource, object }: FoundObject): string {
  const { namespace, name } = object.metadata
  return `${resource.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`
}
