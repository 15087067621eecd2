/** The resources, besides MetalLB's own, that a migration reads and writes. */
import { CONFIG_MAPS, type KubernetesObject, type Resource } from '../../operator/index.ts'
import type { Definition } from './found.ts'

function clusterWide<T extends KubernetesObject>(group: string, kind: string, plural: string): Resource<T> {
  return { group, version: 'v1', plural, kind, namespaced: false }
}

function inNamespace(group: string, kind: string, plural: string): Resource {
  return { group, version: 'v1', plural, kind, namespaced: true }
}

export const DEFINITIONS = clusterWide<Definition>(
  'apiextensions.k8s.io',
  'CustomResourceDefinition',
  'customresourcedefinitions',
)

export const WEBHOOKS = clusterWide(
  'admissionregistration.k8s.io',
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
)

export const FRR_CONFIGURATIONS: Resource = {
  ...inNamespace('frrk8s.metallb.io', 'FRRConfiguration', 'frrconfigurations'),
  version: 'v1beta1',
}

const RIGHTS = 'rbac.authorization.k8s.io'

/** What may be left when MetalLB's programs are gone, and is of use to nobody. */
export const KINDS_OF_REMAINS: readonly Resource[] = [
  clusterWide(RIGHTS, 'ClusterRoleBinding', 'clusterrolebindings'),
  clusterWide(RIGHTS, 'ClusterRole', 'clusterroles'),
  inNamespace(RIGHTS, 'RoleBinding', 'rolebindings'),
  inNamespace(RIGHTS, 'Role', 'roles'),
  inNamespace('', 'ServiceAccount', 'serviceaccounts'),
  CONFIG_MAPS,
]
