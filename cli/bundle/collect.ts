/** What goes into a support archive. A part that cannot be had is named in it, and stops nothing. */
import {
  ApiError,
  CONFIG_MAPS,
  CONFIGURATION_RESOURCES,
  CONFIGURATION_STATES,
  EVENTS,
  type EventObject,
  type KubernetesObject,
  LEASES,
  type Resource,
  SERVICE_BGP_STATUSES,
  SERVICE_L2_STATUSES,
} from '../../operator/index.ts'
import { VERSION } from '../../runtime/version.ts'
import { askEach } from '../ask-speakers.ts'
import { listAll, type OnRead } from '../cluster-state.ts'
import type { Connection } from '../connection.ts'
import { examine } from '../doctor/examine.ts'
import type { DoctorFacts } from '../doctor/facts.ts'
import { imageTagOf, type PodShape, restartsOf } from '../installation.ts'
import { overviewOf } from '../overview.ts'
import { runningSpeakers } from '../speakers.ts'
import { DAEMON_SET_WORKLOADS, DEPLOYMENT_WORKLOADS } from '../workloads.ts'
import type { Archive } from './archive.ts'
import type { SpeakerRecord } from './local.ts'

/** Of each container. */
const LOG_LINES = 5_000

/** @throws Error for faults of ours alone */
export async function collect(
  archive: Archive,
  connection: Connection,
  facts: DoctorFacts,
  onRead: OnRead,
): Promise<void> {
  addJudgements(archive, facts)
  addClusterObjects(archive, facts)
  await addLists(archive, connection, facts, onRead)
  await addLogs(archive, connection, facts)
  await addSpeakers(archive, connection, facts, onRead)
}

function addJudgements(archive: Archive, facts: DoctorFacts): void {
  const { controllers, speakers, namespace } = facts.installation
  const versionOf = (pod: PodShape) => ({ pod: pod.metadata.name, version: imageTagOf(pod) ?? 'unknown' })
  const told = facts.nodes.map(({ node, version }) => ({ node, version }))
  const programs = [...controllers, ...speakers].map(versionOf)
  archive.addJson('versions.json', { invarctl: VERSION, namespace, programs, speakers: told })
  archive.addJson('status.json', overviewOf(facts))
  archive.addJson('doctor.json', examine(facts))
  archive.addJson('nodes.json', { nodes: facts.nodes, unanswered: facts.unanswered })
}

function addClusterObjects(archive: Archive, facts: DoctorFacts): void {
  const { state, slices } = facts.cluster
  const ours = state.services.filter(({ spec }) => spec?.type === 'LoadBalancer')
  archive.addObjects('objects/services.yaml', ours)
  const keys = ours.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  archive.addObjects(
    'objects/endpointslices.yaml',
    keys.flatMap((key) => slices.get(key) ?? []),
  )
  archive.addObjects('objects/nodes.yaml', facts.rawNodes)
  archive.addObjects('objects/pods.yaml', [...facts.installation.controllers, ...facts.installation.speakers])
}

/** Those of the namespace of Invar, each a file. Secrets are not among them. */
const LISTS: readonly Resource[] = [
  ...Object.values(CONFIGURATION_RESOURCES),
  ...[CONFIGURATION_STATES, SERVICE_L2_STATUSES, SERVICE_BGP_STATUSES, LEASES],
  ...[DAEMON_SET_WORKLOADS, DEPLOYMENT_WORKLOADS, EVENTS],
]
/** The only one whose content is known. */
const EXCLUDED_INTERFACES = 'metallb-excludel2'
/** Events elsewhere, on Services and Nodes, of these. */
const OWN_COMPONENT = /^(metallb|invar)-/

async function addLists(
  archive: Archive,
  connection: Connection,
  { installation: { namespace } }: DoctorFacts,
  onRead: OnRead,
): Promise<void> {
  const add = async (path: string, list: () => Promise<readonly KubernetesObject[]>) => {
    const objects = await orMissing(archive, path, list)
    if (objects !== undefined && objects.length > 0) archive.addObjects(path, objects)
  }
  for (const resource of LISTS) {
    await add(`objects/${resource.plural}.yaml`, () => listAll(connection, resource, namespace, onRead))
  }
  await add('objects/configmaps.yaml', async () => [
    await connection.client.get(CONFIG_MAPS, { namespace, name: EXCLUDED_INTERFACES }),
  ])
  await add('objects/decisions.yaml', async () => {
    const events = await listAll<EventObject>(connection, EVENTS, undefined, onRead)
    return events.filter(({ source, reportingComponent = '' }) =>
      OWN_COMPONENT.test(source?.component || reportingComponent),
    )
  })
}

async function addLogs(archive: Archive, { client }: Connection, { installation }: DoctorFacts): Promise<void> {
  for (const pod of [...installation.controllers, ...installation.speakers]) {
    const { namespace, name } = pod.metadata
    for (const { name: container } of pod.spec?.containers ?? []) {
      const lives = restartsOf(pod) > 0 ? [false, true] : [false]
      for (const previous of lives) {
        const path = `logs/${name}/${container}${previous ? '.previous' : ''}.log`
        const read = () => client.podLog({ namespace, name }, { container, previous, tailLines: LOG_LINES })
        const text = await orMissing(archive, path, read)
        if (text !== undefined) archive.addText(path, text)
      }
    }
  }
}

async function addSpeakers(
  archive: Archive,
  connection: Connection,
  { installation }: DoctorFacts,
  onRead: OnRead,
): Promise<void> {
  const speakers = runningSpeakers(installation.speakers, installation.namespace)
  const question = { args: ['bundle'], list: 'speakers' }
  const { answers, unanswered } = await askEach<SpeakerRecord>(connection, speakers, question, onRead)
  for (const { metrics, ...record } of answers) {
    archive.addJson(`speakers/${record.node}.json`, record)
    archive.addText(`speakers/${record.node}.metrics.txt`, metrics)
  }
  for (const { node, because } of unanswered) archive.addMissing(`speakers/${node}.json`, because)
}

async function orMissing<T>(archive: Archive, what: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.kind !== 'not-found') archive.addMissing(what, error.message)
    return undefined
  }
}
