/** Does what steps.ts says, one step after the other; each may be done twice without harm. */
import { type Client, type ObjectName, PODS, type Pod, SECRETS, unless } from '../../operator/index.ts'
import {
  DAEMON_SET_WORKLOADS,
  DEPLOYMENT_WORKLOADS,
  podsOf,
  stopDeployment,
  type Workload,
  waitUntilNone,
} from '../workloads.ts'
import { LEFT_BY_LABEL } from './found.ts'
import { DEFINITIONS } from './resources.ts'
import type { Step } from './steps.ts'

/** @throws ApiError, CannotRun */
export async function takeStep(client: Client, step: Step): Promise<void> {
  switch (step.kind) {
    case 'stop-deployment':
      return stopDeployment(client, step.name)
    case 'disown-secret':
      await client.patch(SECRETS, step.name, { metadata: { ownerReferences: null } })
      return
    case 'drop-conversion': {
      const patch = { spec: { conversion: { strategy: 'None', webhook: null } } }
      await client.patch(DEFINITIONS, { name: step.definition }, patch)
      return
    }
    case 'delete':
      await unless(['not-found'], client.delete(step.resource, step.name))
      return
    case 'leave-pods':
      return leavePods(client, step.daemonSet)
    case 'end-pods':
      return endPods(client, step.pods)
    case 'wait-for-controller':
      return waitForController(client, step.name)
    default:
      return waitForSpeakers(client, step.name)
  }
}

/** The garbage collector takes the owner off every Pod before the DaemonSet is gone. */
async function leavePods(client: Client, daemonSet: Workload): Promise<void> {
  const { metadata } = daemonSet
  const pods = await podsOf(client, daemonSet)
  await mark(client, pods, { [LEFT_BY_LABEL]: 'metallb' })
  await unless(['not-found'], client.delete(DAEMON_SET_WORKLOADS, metadata, { propagationPolicy: 'Orphan' }))
  await waitUntilNone(`DaemonSet ${metadata.name} to be deleted`, async () => {
    const still = await unless(['not-found'], client.get(DAEMON_SET_WORKLOADS, metadata))
    return still === undefined ? [] : [`DaemonSet ${metadata.namespace}/${metadata.name}`]
  })
  // Not before: the DaemonSet would start others in their place. The keys by which it selects them are those by which
  // another one of the same manifests would.
  const selecting = Object.keys(daemonSet.spec?.selector?.matchLabels ?? {})
  await mark(client, pods, Object.fromEntries(selecting.map((key) => [key, null])))
}

async function mark(client: Client, pods: readonly Pod[], labels: Readonly<Record<string, string | null>>) {
  await Promise.all(
    pods.map(({ metadata }) => unless(['not-found'], client.patch(PODS, metadata, { metadata: { labels } }))),
  )
}

async function endPods(client: Client, pods: readonly Pod[]): Promise<void> {
  await Promise.all(pods.map(({ metadata }) => unless(['not-found'], client.delete(PODS, metadata))))
  await waitUntilNone("MetalLB's speakers to end", async () => {
    const still = await Promise.all(pods.map(({ metadata }) => unless(['not-found'], client.get(PODS, metadata))))
    return still.filter((pod) => pod !== undefined).map(({ metadata }) => `Pod ${metadata.namespace}/${metadata.name}`)
  })
}

async function waitForController(client: Client, name: ObjectName): Promise<void> {
  await waitUntilNone(`a Pod of Deployment ${name.name} to be ready`, async () => {
    const { status } = await client.get(DEPLOYMENT_WORKLOADS, name)
    return (status?.readyReplicas ?? 0) > 0 ? [] : [`Deployment ${name.namespace}/${name.name}`]
  })
}

async function waitForSpeakers(client: Client, name: ObjectName): Promise<void> {
  await waitUntilNone(`every Pod of DaemonSet ${name.name} to be ready`, async () => {
    const daemonSet = await client.get(DAEMON_SET_WORKLOADS, name)
    const { desiredNumberScheduled = 0, numberReady = 0, observedGeneration } = daemonSet.status ?? {}
    const isSettled = observedGeneration !== undefined && observedGeneration >= (daemonSet.metadata.generation ?? 0)
    return isSettled && numberReady >= desiredNumberScheduled ? [] : [`DaemonSet ${name.namespace}/${name.name}`]
  })
}
