/** What `explain` reads of one Service beside the state of the cluster. */
import { isAnnounced } from '../core/status/index.ts'
import { ENDPOINT_SLICES, type EndpointSlice, EVENTS, SERVICE_L2_STATUSES, unless } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { asking, type Connection } from './connection.ts'
import { listPatiently } from './patience.ts'

export interface ServiceDetails {
  readonly endpointSlices: readonly EndpointSlice[]
  /** Nodes that report that they answer for the Service on layer 2. */
  readonly announcedBy: readonly { readonly node: string; readonly interfaces: readonly string[] }[]
  /** The last one; undefined = none is kept, or we may not look. */
  readonly lastEvent: ShownEvent | undefined
}

export interface ShownEvent {
  readonly type: string
  readonly reason: string
  readonly message: string
  /** RFC 3339. */
  readonly at: string
}

/** @throws CannotRun */
export function readServiceDetails(
  connection: Connection,
  service: { readonly namespace: string; readonly name: string },
  installNamespace: string,
): Promise<ServiceDetails> {
  const { client } = connection
  const { namespace, name } = service
  const mine = `metallb.io/service-name=${name},metallb.io/service-namespace=${namespace}`
  const list: typeof client.list = (resource, options = {}) => listPatiently(client, systemClock, resource, options)
  return asking(connection, async () => {
    const [slices, reports, events] = await Promise.all([
      list(ENDPOINT_SLICES, { namespace, labelSelector: `kubernetes.io/service-name=${name}` }),
      unless(
        ['forbidden', 'not-found'],
        list(SERVICE_L2_STATUSES, { namespace: installNamespace, labelSelector: mine }),
      ),
      unless(
        ['forbidden'],
        list(EVENTS, { namespace, fieldSelector: `involvedObject.kind=Service,involvedObject.name=${name}` }),
      ),
    ])
    return {
      endpointSlices: slices.items,
      announcedBy: (reports?.items ?? []).filter(isAnnounced).map(({ status = {} }) => ({
        node: status.node ?? '',
        interfaces: (status.interfaces ?? []).flatMap(({ name: one }) => one ?? []),
      })),
      lastEvent: (events?.items ?? [])
        .map(shownEvent)
        .sort((a, b) => (a.at < b.at ? -1 : 1))
        .at(-1),
    }
  })
}

function shownEvent({ type, reason, message, metadata, ...event }: (typeof EVENTS)['objects'] & object): ShownEvent {
  // Newer recorders write eventTime alone.
  const { eventTime } = event as { readonly eventTime?: string | null }
  const at = event.lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
  return { type: type ?? '', reason: reason ?? '', message: message ?? '', at }
}
