/** The cluster as it would be with some objects added, replaced or deleted. Pure. */
import { ALLOCATED_FROM_POOL } from '../core/allocate/index.ts'
import { type ConfigKind, type ConfigResource, isConfigKind, LIST_OF_KIND } from '../core/config/index.ts'
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
}

/** @throws CannotRun where something to be deleted is not there, or a Service of a file cannot be read */
export function changedCluster(state: ClusterState, { objects, deletions, namespace }: PlannedChange): ChangedCluster {
  let changed = state
  let passedOver = 0
  for (const { object, file, lineOf } of objects) {
    if (object.apiVersion.startsWith('metallb.io/') && isConfigKind(object.kind)) {
      changed = withConfigResource(changed, object.kind, object as unknown as ConfigResource)
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
  for (const deletion of deletions) changed = without(changed, deletion, namespace)
  return { state: changed, passedOver }
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

function withConfigResource(state: ClusterState, kind: ConfigKind, object: ConfigResource): ClusterState {
  const { resources } = state
  const metadata: ObjectMeta = isObject(object.metadata) ? object.metadata : {}
  const list: readonly ConfigResource[] = resources[LIST_OF_KIND[kind]]
  const isReplaced = isNamed(metadata.name ?? '', metadata.namespace ?? resources.namespace)
  const before = list.find(isReplaced)
  // It keeps its age, which decides who is at fault where two objects clash.
  const created = before === undefined ? {} : { creationTimestamp: before.metadata.creationTimestamp }
  const placed = { ...object, metadata: { namespace: resources.namespace, ...metadata, ...created } }
  return withList(state, kind, [...list.filter((one) => !isReplaced(one)), placed as ConfigResource])
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
