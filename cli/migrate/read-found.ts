/** Looks for MetalLB in a cluster. */
import {
  CONFIG_MAPS,
  type KubernetesObject,
  PODS,
  type Resource,
  SECRETS,
  type Secret,
  unless,
} from '../../operator/index.ts'
import { installNamespace } from '../cluster-state.ts'
import type { Connection } from '../connection.ts'
import { DAEMON_SET_WORKLOADS, DEPLOYMENT_WORKLOADS, type Workload } from '../workloads.ts'
import { type Found, type FoundObject, isFrr, isInvar, isMetalLb, LEFT_BY_LABEL } from './found.ts'
import { recordsOfMetalLb } from './helm-records.ts'
import { DEFINITIONS, FRR_CONFIGURATIONS, KINDS_OF_REMAINS, WEBHOOKS } from './resources.ts'

/** Of its manifests and of its chart; what Invar has taken over carries other labels besides. */
const LABELS_OF_REMAINS = ['app=metallb,!app.kubernetes.io/version,!helm.sh/chart', 'app.kubernetes.io/name=metallb']

const CONFIG_KINDS = [
  ...['ipaddresspools', 'l2advertisements', 'bgpadvertisements', 'bgppeers', 'bfdprofiles', 'communities'],
  ...['servicel2statuses', 'servicebgpstatuses', 'configurationstates', 'addresspools'],
].map((plural) => `${plural}.metallb.io`)
const NAMES_OF_DEFINITIONS = [...CONFIG_KINDS, 'frrconfigurations.frrk8s.metallb.io']

/** @throws ApiError */
export async function readFound(connection: Connection): Promise<Found> {
  const namespace = await namespaceOfMetalLb(connection)
  const { client } = connection
  const within = { namespace }
  const [deployments, daemonSets, leftPods, configMaps, secrets, webhooks, definitions, frrConfigurations] =
    await Promise.all([
      client.list(DEPLOYMENT_WORKLOADS, within),
      client.list(DAEMON_SET_WORKLOADS, within),
      client.list(PODS, { namespace, labelSelector: `${LEFT_BY_LABEL}=metallb` }),
      client.list(CONFIG_MAPS, within),
      client.list(SECRETS, within),
      unless(['not-found'], client.get(WEBHOOKS, { name: 'metallb-webhook-configuration' })),
      Promise.all(NAMES_OF_DEFINITIONS.map((name) => unless(['not-found'], client.get(DEFINITIONS, { name })))),
      unless(['not-found'], client.list(FRR_CONFIGURATIONS)),
    ])
  const controllers = deployments.items.filter((one) => isMetalLb(one, 'controller'))
  const controller = deployments.items.find((one) => isInvar(one, 'controller'))
  const speaker = daemonSets.items.find((one) => isInvar(one, 'speaker'))
  return {
    namespace,
    controllers,
    speakers: daemonSets.items.filter((one) => isMetalLb(one, 'speaker')),
    frr: [
      ...daemonSets.items.filter(isFrr).map((object) => ({ resource: DAEMON_SET_WORKLOADS, object })),
      ...deployments.items.filter(isFrr).map((object) => ({ resource: DEPLOYMENT_WORKLOADS, object })),
    ],
    leftPods: leftPods.items,
    invar: { ...(controller && { controller }), ...(speaker && { speaker }) },
    definitions: definitions.filter((one) => one !== undefined),
    ...(webhooks && { webhooks }),
    configMaps: configMaps.items,
    frrConfigurations: frrConfigurations?.items ?? [],
    ownedSecrets: secrets.items.filter((secret) => isOwnedBy(secret, controllers)),
    remains: await readRemains(connection, namespace),
    releaseRecords: recordsOfMetalLb(secrets.items),
  }
}

/** `--install-namespace`, or where its controller or the Pods that it left run, or where Invar is. */
async function namespaceOfMetalLb(connection: Connection): Promise<string> {
  const { client, flags } = connection
  if (flags.installNamespace !== undefined) return flags.installNamespace
  const left = client.list(PODS, { labelSelector: `${LEFT_BY_LABEL}=metallb` })
  const lists = await Promise.all([
    ...['component=controller', 'app.kubernetes.io/component=controller'].map((labelSelector) =>
      client.list(DEPLOYMENT_WORKLOADS, { labelSelector }),
    ),
  ])
  const controllers = lists.flatMap(({ items }) => items).filter((one) => isMetalLb(one, 'controller'))
  const [first] = [...controllers, ...(await left).items]
  return first?.metadata.namespace ?? installNamespace(connection)
}

function isOwnedBy(secret: Secret, owners: readonly Workload[]): boolean {
  const uids = new Set(owners.map(({ metadata }) => metadata.uid))
  return secret.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) ?? false
}

async function readRemains({ client }: Connection, namespace: string): Promise<readonly FoundObject[]> {
  const lists = KINDS_OF_REMAINS.flatMap((resource) =>
    LABELS_OF_REMAINS.map(async (labelSelector) => {
      const where = resource.namespaced ? { namespace, labelSelector } : { labelSelector }
      const { items } = await client.list(resource, where)
      return items.filter((object) => isRemains(resource, object)).map((object) => ({ resource, object }))
    }),
  )
  return (await Promise.all(lists)).flat()
}

/** A user may have given our chart the name of theirs; of the ConfigMaps only the one of the FRR sidecar is MetalLB's alone. */
function isRemains({ kind }: Resource, { metadata: { name, labels = {} } }: KubernetesObject): boolean {
  if ((labels['helm.sh/chart'] ?? '').startsWith('invar-')) return false
  return kind !== CONFIG_MAPS.kind || name.endsWith('frr-startup')
}
