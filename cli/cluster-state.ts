/** Everything that decides over addresses, read once from the API server into plain values. */

import { DEFAULT_REQUEST_OPTIONS, type RequestOptions } from '../core/allocate/index.ts'
import { type NodeView, nodeViewOf } from '../core/announce/index.ts'
import { type ConfigKind, type ConfigResource, gather, LIST_OF_KIND, type Resources } from '../core/config/index.ts'
import { conflictsIn, type ReportedConflict } from '../core/status/index.ts'
import {
  CONFIGURATION_RESOURCES,
  CONFIGURATION_STATES,
  type KubernetesObject,
  keepNamespace,
  keepNode,
  type ListOptions,
  NAMESPACES,
  NODES,
  type Resource,
  SERVICE_L2_STATUSES,
  SERVICES,
  type Service,
  unless,
} from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { asking, type Connection } from './connection.ts'
import { listPatiently } from './patience.ts'

/** A cluster at one moment. The pure half of every command begins with this. */
export interface ClusterState {
  /** Configuration, namespaces and nodes; its `namespace` is where Invar is installed. */
  readonly resources: Resources & { readonly namespace: string }
  readonly nodes: readonly NodeView[]
  readonly services: readonly Service[]
  /** Addresses that speakers report others to use; [] also where we may not look. */
  readonly conflicts: readonly ReportedConflict[]
  /** Which Services are Invar's. */
  readonly request: RequestOptions
}

export const DEFAULT_INSTALL_NAMESPACE = 'metallb-system'

const PAGE = 1_000

/** Told with each page how many objects were read so far. */
export type OnRead = (plural: string, count: number) => void

/** @throws CannotRun */
export function readClusterState(connection: Connection, onRead: OnRead): Promise<ClusterState> {
  return asking(connection, async () => {
    const namespace = await installNamespace(connection)
    const kinds = Object.keys(LIST_OF_KIND) as ConfigKind[]
    const all = <T extends KubernetesObject>(resource: Resource<T>, within?: string) =>
      listAll(connection, resource, within, onRead)
    const [reports, services, namespaces, nodes, ...configuration] = await Promise.all([
      unless(['forbidden', 'not-found'], all(SERVICE_L2_STATUSES, namespace)),
      all(SERVICES),
      all(NAMESPACES),
      all(NODES),
      ...kinds.map((kind) => all<ConfigResource & KubernetesObject>(CONFIGURATION_RESOURCES[kind], namespace)),
    ])
    return {
      resources: {
        ...gather(configuration.flatMap((list, index) => list.map((object) => withKind(object, kinds[index]!)))),
        namespace,
        namespaces: namespaces.map(keepNamespace),
        nodes: nodes.map(keepNode),
      },
      nodes: nodes.map((node) => nodeViewOf(node)),
      services,
      conflicts: (reports ?? []).flatMap(conflictsIn),
      request: { ...DEFAULT_REQUEST_OPTIONS, loadBalancerClass: connection.flags.lbClass ?? '' },
    }
  })
}

/** Where a controller reports; MetalLB's default where none does, or where we may not look. */
export async function installNamespace({ client, flags }: Connection): Promise<string> {
  if (flags.installNamespace !== undefined) return flags.installNamespace
  const labelSelector = 'metallb.io/component-type=controller'
  const found = await unless(
    ['not-found', 'forbidden'],
    listPatiently(client, systemClock, CONFIGURATION_STATES, { labelSelector }),
  )
  const namespaces = new Set(found?.items.map(({ metadata }) => metadata.namespace))
  const [only] = namespaces
  return namespaces.size === 1 && only !== undefined ? only : DEFAULT_INSTALL_NAMESPACE
}

/** All pages. */
export async function listAll<T extends KubernetesObject>(
  { client }: Connection,
  resource: Resource<T>,
  namespace: string | undefined,
  onRead: OnRead,
): Promise<readonly T[]> {
  const items: T[] = []
  let options: ListOptions = { namespace, limit: PAGE }
  for (;;) {
    const page = await unless(['gone'], listPatiently(client, systemClock, resource, options))
    // The server has forgotten the state that the first pages are of: everything at once cannot be torn.
    if (page === undefined) return (await client.list(resource, { namespace })).items
    items.push(...page.items)
    onRead(resource.plural, items.length)
    if (page.continueToken === undefined) return items
    options = { namespace, limit: PAGE, continueToken: page.continueToken }
  }
}

/** The items of a list do not say of which kind they are. */
function withKind(object: ConfigResource, kind: ConfigKind): ConfigResource {
  return { ...object, kind } as ConfigResource
}
