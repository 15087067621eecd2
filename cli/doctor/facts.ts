/** Everything that the checks of `invarctl doctor` look at, as plain values. */
import type { ConfigMap, KubernetesObject, Node } from '../../operator/index.ts'
import type { RIGHTS } from '../generated/rights.ts'
import type { PodShape } from '../installation.ts'
import type { OverviewFacts } from '../overview.ts'
import type { Workload } from '../workloads.ts'
import type { Known } from './finding.ts'

export interface DoctorFacts extends OverviewFacts {
  /** Of this program. */
  readonly version: string
  /** As the API server has them. */
  readonly rawNodes: readonly Node[]
  readonly namespaceLabels: Readonly<Record<string, string>>
  /** Deployments and DaemonSets of the whole cluster. */
  readonly workloads: Known<readonly Workload[]>
  /** Pods of kube-system, where static ones of other load balancers are. */
  readonly systemPods: Known<readonly PodShape[]>
  /** How many pools of addresses Cilium has. */
  readonly ciliumPools: Known<number>
  /** Of kube-system; undefined = there is none. */
  readonly kubeProxy: Known<ConfigMap | undefined>
  readonly definitions: Known<readonly DefinitionShape[]>
  /** undefined = there is none: nobody is refused early. */
  readonly webhooks: Known<WebhookShape | undefined>
  /** Ready endpoints of the webhook's Service. */
  readonly webhookEndpoints: Known<number>
  readonly membershipSecret: Known<SecretStanding | undefined>
  readonly missingRights: Known<readonly MissingRight[]>
  /** What containers wrote last before they ended and were started anew, by the name of the Pod. */
  readonly lastWords: ReadonlyMap<string, string>
}

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export interface DefinitionShape extends KubernetesObject {
  readonly spec?: {
    readonly names?: { readonly kind?: string }
    readonly versions?: readonly {
      readonly name: string
      readonly served?: boolean
      readonly schema?: { readonly openAPIV3Schema?: SchemaShape }
    }[]
  }
}

export interface SchemaShape {
  readonly properties?: Readonly<Record<string, SchemaShape>>
  readonly items?: SchemaShape
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
}

/** admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration. */
export interface WebhookShape extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly name: string
    readonly failurePolicy?: string
    readonly clientConfig?: { readonly caBundle?: string }
  }[]
}

/** The Secret that the speakers are told to use. */
export interface SecretStanding {
  readonly name: string
  readonly isThere: boolean
  readonly hasKey: boolean
}

export type Right = (typeof RIGHTS)[number]

export interface MissingRight {
  readonly account: string
  readonly verb: string
  readonly right: Right
}

/** The first value of a flag or environment variable that a program's container is given. */
export function settingOf(pods: readonly PodShape[], flag: string, variable?: string): string | undefined {
  for (const { spec } of pods) {
    for (const { args = [], env = [] } of spec?.containers ?? []) {
      const given = args.find((argument) => argument.replace(/^-+/, '').startsWith(`${flag}=`))
      if (given !== undefined) return given.slice(given.indexOf('=') + 1)
      const value = env.find(({ name }) => name === variable)?.value
      if (value !== undefined) return value
    }
  }
  return undefined
}
