/** The cluster as it would be with some objects added, replaced or deleted. Pure. */
import { ALLOCATED_FROM_POOL } from '../core/allocate/index.ts'
import {
  type ConfigKind,
  type ConfigResource,
  isConfigKind,
  judge,
  LIST_OF_KIND,
  type Problem,
} from '../core/config/index.ts'
import { DEFINITIONS, type ObjectMeta } from '../crds/index.ts'
import type { Service } from '../operator/index.ts'
import { CannotRun } from './cannot-run.ts'
import { withClusterIPs } from './cluster-ips.ts'
import type { ClusterState } from './cluster-state.ts'
import { type AnyObject, isObject, type ManifestObject } from './manifest.ts'
import { serviceOfFile } from './service-of-file.ts'

/** What is to be deleted: `{ kind: 'IPAddressPool', name: 'web' }`. */
export interface Deletion {
  readonly kind: ConfigKind | 'Service'
  readonly name: string
}

export interface PlannedChange {
  readonly objects: readonly ManifestObject[]
  readonly deletions: readonly Deletion[]
  /** Namespace of Services that name none. */
  readonly namespace: string
}

export interface ChangedCluster {
  readonly state: ClusterState
  /** Objects of the files that do not decide over addresses. */
  readonly passedOver: number
  /** Why the webhook would not let objects of the files pass; they are not in `state`. */
  readonly refused: readonly Problem[]
}

/** @throws CannotRun where something to be deleted is not there, or a Service of a file cannot be read */
export function changedCluster(state: ClusterState, { objects, deletions, namespace }: PlannedChange): ChangedCluster {
  let changed = state
  let passedOver = 0
  const refused: Problem[] = []
  // What is deleted makes room for what comes; only a profile must not go before its last user.
  const profiles = deletions.filter(({ kind }) => kind === 'BFDProfile')
  for (const deletion of deletions) {
    if (!profiles.includes(deletion)) changed = without(changed, deletion, namespace)
  }
  for (const { object, file, lineOf } of objects) {
    if (object.apiVersion.startsWith('metallb.io/') && isConfigKind(object.kind)) {
      const submitted = submit(changed, object.kind, object as unknown as ConfigResource)
      refused.push(...submitted.problems)
      changed = submitted.state
    } else if (object.apiVersion === 'v1' && object.kind === 'Service') {
      const read = serviceOfFile(object, namespace)
      if (read.kind === 'faults') {
        const { path, text } = read.faults[0]!
        throw new CannotRun(`${file}:${lineOf(path)} ${path} ${text}`, 'correct it, then run this again')
      }
      changed = withService(changed, read.service as Service)
    } else if (object.apiVersion === 'v1' && object.kind === 'Namespace') changed = withNamespace(changed, object)
    else passedOver++
  }
  for (const { name } of profiles) {
    const submitted = submitProfileDeletion(changed, name, namespace)
    refused.push(...submitted.problems)
    changed = submitted.state
  }
  return { state: changed, passedOver, refused }
}

/** `ippool/web` → what it means; every kind by its name, its plural, in any case, and `svc`. */
export function parseDeletion(text: string): Deletion {
  const [word = '', name = '', ...rest] = text.split('/')
  const kind = KIND_OF_WORD.get(word.toLowerCase())
  if (kind !== undefined && name !== '' && rest.length === 0) return { kind, name }
  const kinds = [...new Set(KIND_OF_WORD.values())].join(', ')
  throw new CannotRun(`--delete ${text} is not KIND/NAME`, `KIND may be ${kinds}`)
}

const KIND_OF_WORD: ReadonlyMap<string, Deletion['kind']> = new Map<string, Deletion['kind']>([
  ...(Object.keys(LIST_OF_KIND) as ConfigKind[]).flatMap((kind) => [
    [kind.toLowerCase(), kind] as const,
    [DEFINITIONS[kind].plural, kind] as const,
  ]),
  ...['svc', 'service', 'services'].map((word) => [word, 'Service'] as const),
])

interface Submitted {
  /** As it was where the object is refused. */
  readonly state: ClusterState
  readonly problems: readonly Problem[]
}

/** One after the other, as `kubectl apply` does: what comes first in the files is there for what follows. */
function submit(state: ClusterState, kind: ConfigKind, object: ConfigResource): Submitted {
  const { placed, before } = placedResource(state, kind, object)
  const judgement = judge(
    before === undefined
      ? { operation: 'CREATE', object: placed }
      : { operation: 'UPDATE', object: placed, oldObject: { ...before, kind } as ConfigResource },
    state.resources,
  )
  if (!judgement.allowed) return { state, problems: judgement.problems }
  const list: readonly ConfigResource[] = state.resources[LIST_OF_KIND[kind]]
  const others = list.filter((one) => one !== before)
  return { state: withList(state, kind, [...others, placed]), problems: [] }
}

function submitProfileDeletion(state: ClusterState, name: string, namespace: string): Submitted {
  const rest = without(state, { kind: 'BFDProfile', name }, namespace)
  const profile = state.resources.bfdProfiles.find(isNamed(name, state.resources.namespace))!
  const { allowed, problems } = judge({ operation: 'DELETE', oldObject: profile }, state.resources)
  return { state: allowed ? rest : state, problems }
}

function placedResource(state: ClusterState, kind: ConfigKind, object: ConfigResource) {
  const { resources } = state
  const metadata: ObjectMeta = isObject(object.metadata) ? object.metadata : {}
  const list: readonly ConfigResource[] = resources[LIST_OF_KIND[kind]]
  const isReplaced = isNamed(metadata.name ?? '', metadata.namespace ?? resources.namespace)
  const before = list.find(isReplaced)
  // It keeps its age, which decides who is at fault where two objects clash.
  const created = before === undefined ? {} : { creationTimestamp: before.metadata.creationTimestamp }
  const placed = { ...object, metadata: { namespace: resources.namespace, ...metadata, ...created } } as ConfigResource
  return { placed, before }
}

function withList(state: ClusterState, kind: ConfigKind, list: readonly ConfigResource[]): ClusterState {
  return { ...state, resources: { ...state.resources, [LIST_OF_KIND[kind]]: list } }
}

function isNamed(name: string, namespace: string) {
  return ({ metadata }: { readonly metadata: { readonly name?: string; readonly namespace?: string } }): boolean =>
    metadata.name === name && (metadata.namespace ?? namespace) === namespace
}

/** What the API server and the controller wrote stays; what the user writes is as the file says. */
function withService(state: ClusterState, service: Service): ClusterState {
  const { name, namespace = '' } = service.metadata
  const isReplaced = isNamed(name, namespace)
  const before = state.services.find(isReplaced)
  const { clusterIP, clusterIPs } = before?.spec ?? {}
  const given = {
    ...(clusterIP === undefined ? {} : { clusterIP }),
    ...(clusterIPs === undefined ? {} : { clusterIPs }),
  }
  const allocated = Object.entries(before?.metadata.annotations ?? {}).filter(([key]) => key === ALLOCATED_FROM_POOL)
  const created = before?.metadata.creationTimestamp
  const after = {
    ...service,
    metadata: {
      ...service.metadata,
      annotations: { ...service.metadata.annotations, ...Object.fromEntries(allocated) },
      ...(created === undefined ? {} : { creationTimestamp: created }),
    },
    spec: { ...given, ...service.spec },
    ...(before?.status === undefined ? {} : { status: before.status }),
  }
  const placed = withClusterIPs(after) as Service
  return { ...state, services: [...state.services.filter((one) => !isReplaced(one)), placed] }
}

function withNamespace(state: ClusterState, object: AnyObject): ClusterState {
  const { name = '', labels = {} } = (isObject(object.metadata) ? object.metadata : {}) as {
    readonly name?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  const others = (state.resources.namespaces ?? []).filter((one) => one.name !== name)
  return { ...state, resources: { ...state.resources, namespaces: [...others, { name, labels }] } }
}

function without(state: ClusterState, { kind, name }: Deletion, namespace: string): ClusterState {
  const within = kind === 'Service' ? namespace : state.resources.namespace
  const list: readonly (ConfigResource | Service)[] =
    kind === 'Service' ? state.services : state.resources[LIST_OF_KIND[kind]]
  const isMeant = isNamed(name, within)
  if (!list.some(isMeant))
    throw new CannotRun(`there is no ${kind} ${name} in ${within}`, 'check what follows --delete')
  const rest = list.filter((one) => !isMeant(one))
  return kind === 'Service'
    ? { ...state, services: rest as Service[] }
    : withList(state, kind, rest as ConfigResource[])
}
