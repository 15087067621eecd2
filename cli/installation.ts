/** The programs of Invar as the cluster shows them: their Pods, and who of the controllers leads. */
import { type KubernetesObject, LEASES, PODS, type Resource, unless } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { asking, type Connection } from './connection.ts'
import { listPatiently } from './patience.ts'
import { selectorsOf } from './speakers.ts'

export interface Installation {
  readonly namespace: string
  /** By name. */
  readonly controllers: readonly PodShape[]
  /** By node. */
  readonly speakers: readonly PodShape[]
  /** undefined = none was ever held, or we may not look. */
  readonly lease?: LeaseShape
}

/** core/v1 Pod, as far as it is shown. */
export interface PodShape extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string
    readonly serviceAccountName?: string
    readonly containers?: readonly {
      readonly name: string
      readonly image?: string
      readonly args?: readonly string[]
      readonly env?: readonly { readonly name: string; readonly value?: string }[]
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
    }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
    readonly containerStatuses?: readonly ContainerShape[]
  }
}

export interface ContainerShape {
  readonly name: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
  readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode?: number } }
}

export interface LeaseShape {
  readonly holder: string
  /** RFC 3339. */
  readonly acquiredAt: string
  readonly renewedAt: string
  readonly durationSeconds: number
}

/** The same Pods, of which more is looked at here. */
export const POD_SHAPES = { ...PODS } as Resource<PodShape>

const CONTROLLER_LEASE = 'invar-controller'

/** @throws CannotRun */
export function readInstallation(connection: Connection, namespace: string): Promise<Installation> {
  return asking(connection, async () => {
    const { client } = connection
    const [controllers, speakers, lease] = await Promise.all([
      podsOf(connection, namespace, 'controller'),
      podsOf(connection, namespace, 'speaker'),
      unless(['forbidden', 'not-found'], client.get(LEASES, { namespace, name: CONTROLLER_LEASE })),
    ])
    const { holderIdentity, acquireTime = '', renewTime = '', leaseDurationSeconds = 0 } = lease?.spec ?? {}
    const held = holderIdentity === undefined || holderIdentity === '' ? undefined : holderIdentity
    return {
      ...{ namespace, controllers, speakers },
      ...(held === undefined
        ? {}
        : {
            lease: {
              ...{ holder: held, acquiredAt: acquireTime, renewedAt: renewTime },
              durationSeconds: leaseDurationSeconds,
            },
          }),
    }
  })
}

async function podsOf(
  { client }: Connection,
  namespace: string,
  component: 'controller' | 'speaker',
): Promise<readonly PodShape[]> {
  const lists = await Promise.all(
    selectorsOf(component).map((labelSelector) =>
      listPatiently(client, systemClock, POD_SHAPES, { namespace, labelSelector }),
    ),
  )
  const byName = new Map(lists.flatMap(({ items }) => items).map((pod) => [pod.metadata.name, pod]))
  return [...byName.values()].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
}

function placeOf({ metadata, spec }: PodShape): string {
  return `${spec?.nodeName ?? ''}/${metadata.name}`
}

export function isReady({ metadata, status }: PodShape): boolean {
  if (metadata.deletionTimestamp !== undefined) return false
  return (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True')
}

export function restartsOf({ status }: PodShape): number {
  return (status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)
}

/** Why the Pod is not ready, as far as Kubernetes says; undefined = it is. */
export function whyNotReady(pod: PodShape): string | undefined {
  if (isReady(pod)) return undefined
  if (pod.metadata.deletionTimestamp !== undefined) return 'is being deleted'
  const { phase = 'Unknown', conditions = [], containerStatuses = [] } = pod.status ?? {}
  for (const { state } of containerStatuses) {
    if (state?.waiting?.reason !== undefined)
      return [state.waiting.reason, state.waiting.message].filter(Boolean).join(': ')
  }
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled !== undefined) return `is not scheduled: ${unscheduled.message ?? 'no reason given'}`
  return phase === 'Running' ? 'runs, and does not say that it is ready' : `is ${phase}`
}

/** Tag of the container's image, which is the version; undefined = it has none, or is named by its digest. */
export function imageTagOf(pod: PodShape): string | undefined {
  return /:([\w.-]+)$/.exec(pod.spec?.containers?.[0]?.image ?? '')?.[1]
}
