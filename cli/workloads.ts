/** Deployments and DaemonSets, as far as the command line reads, stops and judges them. */
import type { Client, KubernetesObject, ObjectName, Pod, Resource } from '../operator/index.ts'
import { PODS, unless } from '../operator/index.ts'
import { sleep, systemClock } from '../runtime/clock.ts'
import { CannotRun } from './cannot-run.ts'

export interface Container {
  readonly name: string
  readonly image?: string
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}

/** apps/v1 Deployment or DaemonSet. */
export interface Workload extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
    readonly template?: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }
      readonly spec?: { readonly containers?: readonly Container[] }
    }
  }
  readonly status?: {
    readonly readyReplicas?: number
    readonly desiredNumberScheduled?: number
    readonly numberReady?: number
    readonly observedGeneration?: number
  }
}

function apps(kind: string, plural: string): Resource<Workload> {
  return { group: 'apps', version: 'v1', plural, kind, namespaced: true }
}

export const DEPLOYMENT_WORKLOADS = apps('Deployment', 'deployments')
export const DAEMON_SET_WORKLOADS = apps('DaemonSet', 'daemonsets')

/** How often it is asked whether something has happened, and for how long. */
const LOOK_AGAIN_MS = 250
const PATIENCE_MS = 90_000

/**
 * Looks until there is nothing left of what `remaining` names.
 * @param what for the message, e.g. `the Pods of Deployment controller to end`
 * @throws CannotRun where that takes longer than a minute and a half
 */
export async function waitUntilNone(what: string, remaining: () => Promise<readonly string[]>): Promise<void> {
  const until = systemClock.now() + PATIENCE_MS
  for (;;) {
    const left = await remaining()
    if (left.length === 0) return
    if (systemClock.now() > until) {
      throw new CannotRun(`waited in vain for ${what}`, `see to ${left.join(', ')}, then run this again`)
    }
    await sleep(systemClock, LOOK_AGAIN_MS)
  }
}

/** Sets a Deployment to no replicas, and waits for its last Pod to end. Nothing happens where it is not there. */
export async function stopDeployment(client: Client, name: ObjectName): Promise<void> {
  const deployment = await unless(['not-found'], client.get(DEPLOYMENT_WORKLOADS, name))
  if (deployment === undefined) return
  await client.patch(DEPLOYMENT_WORKLOADS, name, { spec: { replicas: 0 } }, { subresource: 'scale' })
  const what = `the Pods of Deployment ${name.name} to end`
  await waitUntilNone(what, async () =>
    (await podsOf(client, deployment)).map(({ metadata }) => `Pod ${metadata.name}`),
  )
}

/** Pods that a workload selects, those that end included. */
export async function podsOf(client: Client, { metadata, spec }: Workload): Promise<readonly Pod[]> {
  const labels = Object.entries(spec?.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const { items } = await client.list(PODS, { namespace: metadata.namespace, labelSelector: labels.join(',') })
  return items
}
