/** What `invarctl doctor` asks the API server and the speakers. What may not be read is told so, and stops nothing. */
import {
  ApiError,
  CONFIG_MAPS,
  ENDPOINT_SLICES,
  type KubernetesObject,
  NODES,
  type Resource,
  SECRETS,
  unless,
} from '../../operator/index.ts'
import { VERSION } from '../../runtime/version.ts'
import { type ClusterState, listAll, type OnRead } from '../cluster-state.ts'
import { asking, type Connection } from '../connection.ts'
import { type Installation, isReady, POD_SHAPES, restartsOf } from '../installation.ts'
import { readOverviewFacts } from '../status-command.ts'
import { DAEMON_SET_WORKLOADS, DEPLOYMENT_WORKLOADS, type Workload } from '../workloads.ts'
import { type DefinitionShape, type DoctorFacts, type SecretStanding, settingOf, type WebhookShape } from './facts.ts'
import type { Known } from './finding.ts'
import { lastWordsOf } from './last-words.ts'
import { missingRights } from './rights.ts'

const SYSTEM = 'kube-system'

function cluster<T extends KubernetesObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
): Resource<T> {
  return { group, version, plural, kind, namespaced: false }
}

const DEFINITIONS = cluster<DefinitionShape>(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
)
const WEBHOOKS = cluster<WebhookShape>(
  'admissionregistration.k8s.io',
  'v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
)
const CILIUM_POOLS = cluster('cilium.io', 'v2', 'ciliumloadbalancerippools', 'CiliumLoadBalancerIPPool')
const OLD_CILIUM_POOLS: Resource = { ...CILIUM_POOLS, version: 'v2alpha1' }

/** @throws CannotRun where not even the configuration can be read */
export async function readDoctorFacts(
  connection: Connection,
  state: ClusterState,
  onRead: OnRead,
): Promise<DoctorFacts> {
  const overview = await readOverviewFacts(connection, state, onRead)
  const { namespace } = overview.installation
  const all = <T extends KubernetesObject>(resource: Resource<T>, within?: string) =>
    listAll(connection, resource, within, onRead)
  const [
    rawNodes,
    workloads,
    systemPods,
    ciliumPools,
    kubeProxy,
    definitions,
    webhooks,
    webhookEndpoints,
    secret,
    rights,
  ] = await Promise.all([
    asking(connection, () => all(NODES)),
    known(async () => [
      ...named(await all(DAEMON_SET_WORKLOADS), 'DaemonSet'),
      ...named(await all(DEPLOYMENT_WORKLOADS), 'Deployment'),
    ]),
    known(() => all(POD_SHAPES, SYSTEM)),
    known(async () => ((await absent(all(CILIUM_POOLS))) ?? (await absent(all(OLD_CILIUM_POOLS))) ?? []).length),
    known(() => absent(connection.client.get(CONFIG_MAPS, { namespace: SYSTEM, name: 'kube-proxy' }))),
    known(async () => (await all(DEFINITIONS)).filter(({ metadata }) => metadata.name.endsWith('.metallb.io'))),
    known(() => absent(connection.client.get(WEBHOOKS, { name: 'metallb-webhook-configuration' }))),
    known(() => readyEndpoints(connection, namespace)),
    known(() => readMembershipSecret(connection, overview.installation)),
    known(() => missingRights(connection, overview.installation)),
  ])
  return {
    ...overview,
    lastWords: await lastWords(connection, overview.installation),
    version: VERSION,
    rawNodes,
    namespaceLabels: state.resources.namespaces?.find(({ name }) => name === namespace)?.labels ?? {},
    ...{ workloads, systemPods, ciliumPools, kubeProxy, definitions, webhooks, webhookEndpoints },
    ...{ membershipSecret: secret, missingRights: rights },
  }
}

/** The answer, or in words why there is none. Nobody has to have every right that a whole examination takes. */
async function known<T>(ask: () => Promise<T>): Promise<Known<T>> {
  try {
    return { kind: 'known', value: await ask() }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { kind: 'unknown', because: error.message }
  }
}

/** undefined where there is no such object, or no such kind. */
function absent<T>(asked: Promise<T>): Promise<T | undefined> {
  return unless(['not-found'], asked)
}

/** The items of a list do not say of which kind they are. */
function named(objects: readonly Workload[], kind: string): readonly Workload[] {
  return objects.map((object) => ({ ...object, kind }))
}

async function readyEndpoints({ client }: Connection, namespace: string): Promise<number> {
  const labelSelector = 'kubernetes.io/service-name=metallb-webhook-service'
  const { items } = await client.list(ENDPOINT_SLICES, { namespace, labelSelector })
  const endpoints = items.flatMap(({ endpoints: some }) => some ?? [])
  return endpoints.filter(({ conditions }) => conditions?.ready !== false).length
}

/** Of so many Pods: what is wrong with ten is wrong with all. */
const MOST_HEARD = 10
const LAST_LINES = 20

/** Of the Pods that do not stay up; without those that may not be read. */
async function lastWords(
  { client }: Connection,
  { controllers, speakers }: Installation,
): Promise<ReadonlyMap<string, string>> {
  const fallen = [...controllers, ...speakers].filter((pod) => !isReady(pod) && restartsOf(pod) > 0)
  const heard = fallen.slice(0, MOST_HEARD).map(async ({ metadata: { namespace, name }, spec }) => {
    const container = spec?.containers?.[0]?.name ?? ''
    const log = await known(() =>
      client.podLog({ namespace, name }, { container, previous: true, tailLines: LAST_LINES }),
    )
    return [name, log.kind === 'known' ? lastWordsOf(log.value) : ''] as const
  })
  return new Map((await Promise.all(heard)).filter(([, words]) => words !== ''))
}

async function readMembershipSecret(
  { client }: Connection,
  { namespace, speakers }: Installation,
): Promise<SecretStanding | undefined> {
  const name = settingOf(speakers, 'ml-secret-name', 'METALLB_ML_SECRET_NAME') ?? ''
  if (name === '') return undefined
  const secret = await absent(client.get(SECRETS, { namespace, name }))
  return { name, isThere: secret !== undefined, hasKey: (secret?.data?.secretkey ?? '') !== '' }
}
